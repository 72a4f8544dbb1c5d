"""GET /api/logs."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from vantage_common.errors import UserError

from vantage_api import questions
from vantage_api.models import LogLine, Logs
from vantage_api.parts import Parts, workspace
from vantage_api.questions import Scope
from vantage_api.routes.params import End, Environment, OptionalService, Start
from vantage_api.times import parse_range

SEVERITIES: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(tags=["logs"])

    @routes.get("/api/logs")
    async def logs(
        tenant: Annotated[str, Depends(workspace)],
        service: OptionalService = None,
        environment: Environment = None,
        severity: Annotated[str | None, Query(max_length=100, description="one or several by comma")] = None,
        text: Annotated[str | None, Query(max_length=1000, description="part of the line, in any case")] = None,
        trace_id: Annotated[str | None, Query(max_length=64)] = None,
        start: Start = None,
        end: End = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Logs:
        """The log lines that fit every condition, newest first."""
        asked = parse_range(start, end, parts.clock.now_ms())
        result = await parts.ask(
            questions.log_lines(
                Scope(tenant, service, environment),
                asked.start_ms,
                asked.end_ms,
                severities=parse_severities(severity),
                text=text,
                trace_id=trace_id,
                limit=limit,
            )
        )
        return Logs(logs=[LogLine.model_validate(row) for row in result.dicts()])

    return routes


def parse_severities(text: str | None) -> list[str]:
    """Upper-case severities. Raises UserError for one that does not exist."""
    asked = [part.strip().upper() for part in (text or "").split(",") if part.strip()]
    for severity in asked:
        if severity not in SEVERITIES:
            raise UserError("bad_severity", f"there is no severity {severity!r}", hint=f"one of {' '.join(SEVERITIES)}")
    return asked
