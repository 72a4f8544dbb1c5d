"""Plan expressions as VQL text: the name of a column that was given none, and the law compile(print(p)) = p."""

from datetime import UTC, datetime

from vantage_common.store.functions import FUNCTIONS
from vantage_common.store.plan import Call, Column, Expr, Interval, Literal, Output, QueryPlan, Tag, Time

_INFIX = frozenset({"=", "!=", "<", "<=", ">", ">=", "like", "ilike", "+", "-", "*", "/", "%", "and", "or"})


def print_plan(plan: QueryPlan) -> str:
    """The statement that compiles to this plan, as far as VQL can say it."""
    select = ", ".join(
        text if (text := print_expr(item.expr)) == item.name else f"{text} AS {_name(item.name)}"
        for item in plan.select
    )
    parts = [f"SELECT {'DISTINCT ' if plan.distinct else ''}{select} FROM {plan.table}"]
    if plan.where is not None:
        parts.append(f"WHERE {print_expr(plan.where)}")
    if plan.group_by:
        parts.append("GROUP BY " + ", ".join(print_expr(expr) for expr in plan.group_by))
    if plan.having is not None:
        parts.append(f"HAVING {print_expr(plan.having)}")
    if plan.order_by:
        parts.append(
            "ORDER BY " + ", ".join(print_expr(o.expr) + (" DESC" if o.descending else "") for o in plan.order_by)
        )
    parts.append(f"LIMIT {plan.limit}")
    if plan.offset:
        parts.append(f"OFFSET {plan.offset}")
    return " ".join(parts)


def print_expr(expr: Expr) -> str:
    match expr:
        case Column(name):
            return name
        case Output(name):
            return _name(name)
        case Tag(column, key):
            return f"{column}[{_string(key)}]"
        case Literal(value):
            return _string(value) if isinstance(value, str) else "NULL" if value is None else repr(value).lower()
        case Time(ms):
            return _string(datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds"))
        case Interval(n, unit):
            return f"INTERVAL {n} {unit}"
        case Call(function, args, params):
            return _call(function, [_operand(arg) for arg in args], params)


def _operand(expr: Expr) -> str:
    """Operators inside operators stand in brackets."""
    inner = isinstance(expr, Call) and not FUNCTIONS[expr.function].name.isidentifier()
    logical = isinstance(expr, Call) and expr.function in ("and", "or", "not", "like", "ilike", "in", "between")
    return f"({print_expr(expr)})" if inner or logical else print_expr(expr)


def _call(function: str, args: list[str], params: tuple[float, ...]) -> str:
    if function in _INFIX and len(args) > 1:
        return f" {function.upper()} ".join(args)
    match function:
        case "-":
            return f"-{args[0]}"
        case "not":
            return f"NOT {args[0]}"
        case "in":
            return f"{args[0]} IN ({', '.join(args[1:])})"
        case "between":
            return f"{args[0]} BETWEEN {args[1]} AND {args[2]}"
        case "is null":
            return f"{args[0]} IS NULL"
    written = FUNCTIONS[function].vql
    if function in ("quantile", "quantile_if") and (percent := round(params[0] * 100)) / 100 == params[0] < 1:
        return f"p{percent:02}{'If' if function == 'quantile_if' else ''}({', '.join(args)})"
    shown = [repr(param) for param in params] if not function.startswith("rate") else []
    return f"{written}({', '.join([*shown, *args])})"


def _name(name: str) -> str:
    return (
        name if name.isascii() and name.isidentifier() else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    )


def _string(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
