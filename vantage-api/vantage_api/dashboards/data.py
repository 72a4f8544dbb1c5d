"""What the panels of a dashboard show, all of them in one answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from typing import Any, Final

from vantage_common.errors import UserError
from vantage_common.http.errors import as_user_error
from vantage_common.store.plan import Result
from vantage_common.telemetry import get_logger

from vantage_api.ask import Ask
from vantage_api.dashboards.models import Content, Panel, PanelData
from vantage_api.dashboards.queries import compile_panel
from vantage_api.lately import kept
from vantage_api.models import ErrorInfo, VqlColumn
from vantage_api.times import Range

AT_ONCE: Final = 4
"""Queries of one dashboard that run side by side."""
MAX_ROWS: Final = 2000
"""Of one panel: more than a screen has room for."""
_log = get_logger(__name__)


async def panel_data(
    ask: Ask, content: Content, values: Mapping[str, str], workspace: str, asked: Range
) -> list[PanelData]:
    """By panel. One that fails tells why, and the others go on."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(panel: Panel) -> PanelData:
        async with turns:
            try:
                plan = compile_panel(panel, values, workspace, asked)
                return shown(panel.id, await kept(ask, replace(plan, limit=min(plan.limit, MAX_ROWS + 1))))
            except Exception as error:
                return failed(panel.id, error)

    return list(await asyncio.gather(*(one(panel) for panel in content.panels)))


def shown(id_: str, result: Result) -> PanelData:
    rows = [[_plain(value) for value in row] for row in result.rows[:MAX_ROWS]]
    return PanelData(
        id=id_,
        columns=[VqlColumn(name=column.name, type=column.type) for column in result.columns],
        rows=rows,
        row_count=len(rows),
        truncated=len(result.rows) > MAX_ROWS,
        elapsed_ms=round(result.elapsed_ms, 3),
        source=result.source,
    )


def failed(id_: str, exception: Exception) -> PanelData:
    error: UserError = as_user_error(exception)
    if error.status == 500:
        _log.error("a panel failed", panel=id_, exc_info=exception)
    info = ErrorInfo(code=error.code, message=error.message, hint=error.hint, position=error.position)
    return PanelData(id=id_, error=info)


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    return None if isinstance(value, float) and not isfinite(value) else value
