"""POST /vql/execute and /vql/explain."""

from math import isfinite
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from vantage_common.errors import UserError, VantageError
from vantage_common.store.plan import QueryPlan

from vantage_api.models import VqlColumn, VqlExplanation, VqlQuery, VqlResult
from vantage_api.parts import Parts, workspace


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/vql", tags=["vql"])

    @routes.post("/execute")
    async def execute(body: VqlQuery, tenant: Annotated[str, Depends(workspace)]) -> VqlResult:
        """Runs a query. An error says where in the text it is (`position`) and, where it can, what was meant."""
        try:
            result = await parts.ask(_compiled(parts, body, tenant))
        except UserError:
            parts.metrics.vql_queries.labels("rejected").inc()
            raise
        except VantageError:
            parts.metrics.vql_queries.labels("failed").inc()
            raise
        parts.metrics.vql_queries.labels("ok").inc()
        return VqlResult(
            columns=[VqlColumn(name=column.name, type=column.type) for column in result.columns],
            rows=[[_plain(value) for value in row] for row in result.rows],
            row_count=len(result.rows),
            elapsed_ms=round(result.elapsed_ms, 3),
            source=result.source,
        )

    @routes.post("/explain")
    async def explain_query(body: VqlQuery, tenant: Annotated[str, Depends(workspace)]) -> VqlExplanation:
        """What a query becomes: its plan, the table it reads, and the SQL with its values as placeholders."""
        from vantage_api.vql import explain

        plan = _compiled(parts, body, tenant)
        return VqlExplanation(plan=explain(plan), source=plan.table, sql=parts.ask.sql(plan))

    return routes


def _compiled(parts: Parts, body: VqlQuery, tenant: str) -> QueryPlan:
    """The parser is loaded with the first query: the start of the city need not wait half a second for it."""
    from vantage_api.vql import compile_vql

    return compile_vql(body.query, tenant, parts.clock.now_ms())


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: an average of nothing is null."""
    return None if isinstance(value, float) and not isfinite(value) else value
