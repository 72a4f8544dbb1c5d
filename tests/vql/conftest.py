"""The fixed data set of the cases, in each store; closed behind each module, for a process has one chDB."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from vantage_api.vql import compile_vql
from vantage_common.errors import UserError
from vantage_common.settings import load_settings
from vantage_common.store.api import Store
from vantage_common.store.open import open_store
from vantage_common.store.plan import QueryPlan, Result

from tests.clickhouse_http import clickhouse_http
from tests.contract.store_rows import NOON_MS, Kind, block, rows_of

CASES = Path(__file__).parent / "cases"
KINDS: tuple[Kind, ...] = ("metrics", "spans", "logs")
Ask = Callable[[QueryPlan], Result]


def load_cases(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = yaml.safe_load((CASES / name).read_text(encoding="utf-8"))
    return cases


def compiled(text: str, now_ms: int) -> QueryPlan | UserError:
    """What VQL makes of a text: nothing else may come out."""
    try:
        return compile_vql(text, "default", now_ms)
    except UserError as error:
        return error


async def _fill(store: Store) -> None:
    data = yaml.safe_load((CASES / "data.yaml").read_text(encoding="utf-8"))
    await store.admin.migrate()
    for kind in KINDS:
        items = [{**item, "timestamp": NOON_MS + item["at"] * 1000} for item in data[kind]]
        rows = rows_of(kind, [{k: v for k, v in item.items() if k != "at"} for item in items])
        await store.writer.insert(kind, block(kind, rows), token=kind)
        await store.writer.insert(kind, block(kind, rows, workspace="other"), token=f"{kind}-other")


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module", params=["chdb", "clickhouse", "sqlite"])
def filled(
    request: pytest.FixtureRequest, runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    days: dict[str, Any] = {"retention_raw_days": 3650, "retention_spans_days": 3650}
    directory = tmp_path_factory.mktemp("vql")
    with ExitStack() as stack:
        if request.param == "clickhouse":
            server = stack.enter_context(clickhouse_http(directory))
            days |= {"clickhouse_host": server.host, "clickhouse_port": server.port}
        store = open_store(load_settings(data_dir=directory, store=request.param, **days))
        runner.run(_fill(store))
        yield store
        runner.run(store.close())


@pytest.fixture(scope="module")
def ask(runner: asyncio.Runner, filled: Store) -> Ask:
    return lambda plan: runner.run(filled.reader.query(plan))
