"""GET /api/logs."""

import json
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response
from vantage_common.errors import UserError

from vantage_api import log_pages, pages
from vantage_api.csv_export import CSV_ANSWER, AsCsv, csv_response, iso
from vantage_api.log_pages import Position, Wanted
from vantage_api.models import LogLine, Logs
from vantage_api.pages import CursorText
from vantage_api.parts import Parts, workspace
from vantage_api.questions import Scope
from vantage_api.routes.params import End, Environment, OptionalService, Start
from vantage_api.times import parse_range

SEVERITIES: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_COLUMNS: Final = ("time", "service_name", "severity", "body", "attributes", "trace_id", "span_id")


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(tags=["logs"])

    @routes.get("/api/logs", response_model=Logs, responses=CSV_ANSWER)
    async def logs(
        tenant: Annotated[str, Depends(workspace)],
        as_csv: AsCsv,
        service: OptionalService = None,
        environment: Environment = None,
        severity: Annotated[str | None, Query(max_length=100, description="one or several by comma")] = None,
        text: Annotated[str | None, Query(max_length=1000, description="part of the line, in any case")] = None,
        trace_id: Annotated[str | None, Query(max_length=64)] = None,
        span_id: Annotated[str | None, Query(max_length=64)] = None,
        start: Start = None,
        end: End = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        cursor: CursorText = None,
    ) -> Logs | Response:
        """The log lines that fit every condition, newest first. Lines that come in meanwhile shift no page."""
        position = None if cursor is None else pages.decode(cursor, Position)
        begin = start if position is None or start is not None else str(position.start_ms)
        wanted = Wanted(
            Scope(tenant, service, environment),
            parse_range(begin, end, parts.clock.now_ms()),
            tuple(parse_severities(severity)),
            text,
            trace_id,
            span_id,
        )
        result = await parts.ask(log_pages.plan_for(wanted, position, limit))
        page, next_cursor = log_pages.cut(result.dicts(), wanted, position, limit)
        lines = [LogLine.model_validate(row) for row in page]
        return _as_csv(lines, next_cursor) if as_csv else Logs(logs=lines, next_cursor=next_cursor)

    return routes


def _as_csv(lines: list[LogLine], next_cursor: str | None) -> Response:
    rows = (
        (
            *(iso(line.timestamp), line.service_name, line.severity, line.body),
            *(json.dumps(line.attributes, ensure_ascii=False), line.trace_id, line.span_id),
        )
        for line in lines
    )
    return csv_response("logs", _COLUMNS, rows, next_cursor)


def parse_severities(text: str | None) -> list[str]:
    """Upper-case severities. Raises UserError for one that does not exist."""
    asked = [part.strip().upper() for part in (text or "").split(",") if part.strip()]
    for severity in asked:
        if severity not in SEVERITIES:
            raise UserError("bad_severity", f"there is no severity {severity!r}", hint=f"one of {' '.join(SEVERITIES)}")
    return asked
