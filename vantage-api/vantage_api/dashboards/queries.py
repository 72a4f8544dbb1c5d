"""A panel's query, from its text to a plan. Pure.

``$name`` and ``${name}`` become the variable's value as a VQL text, quotes included; ``$interval`` the step that makes
about a hundred points of the range. A query without SINCE and UNTIL of its own is about the range that is asked for.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vantage_common.errors import Detail, UserError
from vantage_common.store.plan import QueryPlan

from vantage_api.dashboards.models import Content, Panel, Variable
from vantage_api.times import Range

POINTS: Final = 100
_STEPS_S: Final = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800)
_VARIABLE: Final = re.compile(r"\$(?:\{([a-z][a-z0-9_]*)\}|([a-z][a-z0-9_]*))")


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its variables put in. `edits` are (begin, old length, new length), by begin in the old text."""

    text: str
    edits: tuple[tuple[int, int, int], ...]

    def original(self, position: int) -> int:
        """Where in the old text a place of the new one comes from; for a value its variable."""
        shift = 0
        for begin, old, new in self.edits:
            if position < begin + shift:
                break
            if position < begin + shift + new:
                return begin
            shift += new - old
        return position - shift


def check(content: Content, workspace: str, asked: Range) -> None:
    """Compiles every panel with the variables' defaults. Raises UserError 422 naming the panel and the place."""
    values = defaults(content.variables)
    for index, panel in enumerate(content.panels):
        try:
            compile_panel(panel, values, workspace, asked)
        except UserError as error:
            raise UserError(
                "bad_panel",
                f"panel {index} ({panel.id}): {error.message}",
                status=422,
                hint=error.hint,
                position=error.position,
                details=[Detail(f"panels.{index}.query", error.message)],
            ) from None


def compile_panel(panel: Panel, values: Mapping[str, str], workspace: str, asked: Range) -> QueryPlan:
    """Without a LIMIT of its own it is for as many rows as there may be: who shows them cuts them, and says so.

    Raises UserError as `compile_vql`; its position is one of the panel's own text.
    """
    from vantage_api.vql import MAX_LIMIT, compile_vql  # half a second that the start of the API need not wait for

    filled = fill(panel.query, {**{name: quoted(value) for name, value in values.items()}, "interval": interval(asked)})
    try:
        return compile_vql(with_range(filled.text, asked), workspace, asked.end_ms, default_limit=MAX_LIMIT)
    except UserError as error:
        if error.position is not None:
            error.position = min(filled.original(error.position), len(panel.query))
        raise


def fill(text: str, values: Mapping[str, str]) -> Filled:
    """Raises UserError for a variable that the dashboard does not have."""
    parts: list[str] = []
    edits: list[tuple[int, int, int]] = []
    end = 0
    for match in _VARIABLE.finditer(text):
        name = match[1] or match[2]
        if name not in values:
            known = ", ".join(f"${known}" for known in sorted(values))
            raise UserError(
                "unknown_variable", f"there is no variable ${name}", position=match.start(), hint=f"there is {known}"
            )
        parts += [text[end : match.start()], values[name]]
        edits.append((match.start(), len(match[0]), len(values[name])))
        end = match.end()
    return Filled("".join([*parts, text[end:]]), tuple(edits))


def with_range(text: str, asked: Range) -> str:
    """The text with the range as SINCE and UNTIL, unless it has its own. Raises UserError where it cannot be read."""
    from vantage_api.vql.parse import parse_vql

    own = {clause.keyword for clause in parse_vql(text).clauses}
    if own & {"SINCE", "UNTIL"}:
        return text
    return f"{text.rstrip().rstrip(';')}\nSINCE {asked.start_ms} UNTIL {asked.end_ms}"


def quoted(value: str) -> str:
    """A text of VQL, whatever is in it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def interval(asked: Range) -> str:
    least = asked.seconds / POINTS
    step = next((step for step in _STEPS_S if step >= least), _STEPS_S[-1])
    return f"{step} SECOND"


def defaults(variables: Sequence[Variable]) -> dict[str, str]:
    return {variable.name: variable.default for variable in variables}


def chosen(variables: Sequence[Variable], given: Mapping[str, str]) -> dict[str, str]:
    """The values of a request. Raises UserError for a variable that the dashboard does not have."""
    values = defaults(variables)
    unknown = sorted(given.keys() - values.keys())
    if unknown:
        raise UserError(
            "unknown_variable",
            f"the dashboard has no variable {unknown[0]}",
            hint=f"it has {', '.join(sorted(values)) or 'none'}",
        )
    return values | dict(given)
