"""What the agent says where it came too late for classes in C."""

from __future__ import annotations

import logging
import subprocess
import sys
from importlib.util import LazyLoader, find_spec, module_from_spec
from types import ModuleType
from typing import Callable

import confluent_kafka
import psycopg2  # type: ignore[import-untyped]  # no stubs in the lock
import pytest
from vantage_agent.instrumentation.late import holders_of

Start = Callable[..., None]


def lines(caplog: pytest.LogCaptureFixture) -> "list[str]":
    return [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]


def test_the_modules_that_hold_confluents_classes_are_named(
    start: Start, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        holder = ModuleType(f"_holder{number}")
        vars(holder)["Sender" if number else "Producer"] = confluent_kafka.Producer
        monkeypatch.setitem(sys.modules, holder.__name__, holder)
    with caplog.at_level(logging.INFO, "vantage.agent"):
        start(auto_instrument=["confluent-kafka"])
    named = "_holder0, _holder1, _holder2, _holder3, _holder4 and others"
    assert lines(caplog) == [f"confluent_kafka is not recorded in {named}: imported by name before the agent started"]


def test_modules_that_are_loaded_lazily_stay_unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = find_spec("this")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = LazyLoader(spec.loader)
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "_lazy", module)
    monkeypatch.setitem(sys.modules, "_odd", None)
    spec.loader.exec_module(module)
    kind = type(module)
    assert "_lazy" not in holders_of([confluent_kafka.Producer], "confluent_kafka")
    assert type(module) is kind is not ModuleType


def test_open_connections_of_psycopg2_are_told_of_once(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    assert psycopg2.connect is not None
    with caplog.at_level(logging.DEBUG, "vantage.agent"):
        start(auto_instrument=["psycopg2"])
        start(auto_instrument=["psycopg2"])
    told = "psycopg2: connections that were opened before the agent started are not recorded"
    assert [record.getMessage() for record in caplog.records].count(told) == 1


IN_TIME = """
import logging
logging.basicConfig(level=logging.INFO, format="%(message)s")
{0}
import vantage_agent
vantage_agent.init_agent(collector_url="http://127.0.0.1:9")
{1}
vantage_agent.shutdown(0)
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [("import confluent_kafka", ""), ("", "import psycopg2\nfrom confluent_kafka import Producer")],
)
def test_an_agent_in_time_says_nothing(before: str, after: str) -> None:
    program = IN_TIME.format(before, after)
    done = subprocess.run([sys.executable, "-c", program], check=True, timeout=60, capture_output=True, text=True)
    assert done.stderr == ""
