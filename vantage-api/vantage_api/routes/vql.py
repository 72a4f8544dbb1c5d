"""POST /vql/execute and /vql/explain."""

from asyncio import CancelledError
from dataclasses import asdict
from math import isfinite
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from starlette.responses import Response
from vantage_common.errors import UserError, VantageError
from vantage_common.store.plan import QueryPlan

from vantage_api.csv_export import CSV_ANSWER, AsCsv, csv_table
from vantage_api.kept import Answer
from vantage_api.models import VqlColumn, VqlExplanation, VqlQuery, VqlResult, VqlTable
from vantage_api.parts import Parts, workspace


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/vql", tags=["vql"])

    @routes.post("/execute", response_model=VqlResult, responses=CSV_ANSWER)
    async def execute(
        body: VqlQuery,
        tenant: Annotated[str, Depends(workspace)],
        as_csv: AsCsv,
        cache_control: Annotated[str, Header(max_length=200, description="no-cache: never a kept answer")] = "",
    ) -> VqlResult | Response:
        """Runs a query. An error says where in the text it is (`position`) and, where it can, what was meant. `cached`
        tells of an answer of the last minute that was kept for those who ask again. The query is stopped when the
        client goes away."""
        try:
            plan = _compiled(parts, body, tenant)
            anew = "no-cache" in cache_control.lower()
            answer = Answer(await parts.ask(plan), cached=False) if anew else await parts.ask.kept(plan)
        except CancelledError:
            parts.metrics.vql_queries.labels("cancelled").inc()
            raise
        except UserError:
            parts.metrics.vql_queries.labels("rejected").inc()
            raise
        except VantageError:
            parts.metrics.vql_queries.labels("failed").inc()
            raise
        parts.metrics.vql_queries.labels("ok").inc()
        result = answer.result
        if as_csv:
            return csv_table("query", result)
        return VqlResult(
            columns=[VqlColumn(name=column.name, type=column.type) for column in result.columns],
            rows=[[_plain(value) for value in row] for row in result.rows],
            row_count=len(result.rows),
            elapsed_ms=round(result.elapsed_ms, 3),
            source=result.source,
            cached=answer.cached,
        )

    @routes.post("/explain")
    async def explain_query(body: VqlQuery, tenant: Annotated[str, Depends(workspace)]) -> VqlExplanation:
        """What a query becomes: its plan, the tables it reads and why no others, what the engine expects to read of
        them, and the SQL with its values as placeholders. Nothing is read."""
        from vantage_api.vql import explain

        plan = _compiled(parts, body, tenant)
        found = await parts.ask.explain(plan)
        return VqlExplanation(
            plan=explain(plan),
            source=found.source,
            why=[*found.refused],
            tables=[VqlTable.model_validate(asdict(table)) for table in found.tables],
            sql=found.sql,
        )

    return routes


def _compiled(parts: Parts, body: VqlQuery, tenant: str) -> QueryPlan:
    """The parser is loaded with the first query: the start of the city need not wait half a second for it."""
    from vantage_api.vql import compile_vql

    return compile_vql(body.query, tenant, parts.clock.now_ms())


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: an average of nothing is null."""
    return None if isinstance(value, float) and not isfinite(value) else value
