"""The last flush of a process of greenlets."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import gevent  # type: ignore[import-untyped]  # no stubs in the lock
import pytest

if TYPE_CHECKING:
    from tests.conftest import Sink

PROGRAM = """
import gevent, gevent.monkey, sys
{0}
import vantage_agent
vantage_agent.init_agent(service_name="shop", collector_url=sys.argv[1], flush_interval=600)
{1}
vantage_agent.record_metric("m", 1)
"""
PATCH = "gevent.monkey.patch_all()"


@pytest.mark.parametrize("code", [(PATCH, ""), ("", PATCH), (PATCH, "gevent.spawn(print).join()")])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_process_whose_first_body_is_its_last_resolves_the_collectors_name(
    sink: Sink, code: "tuple[str, str]", host: str
) -> None:
    assert gevent.__version__
    url = sink.url.replace("127.0.0.1", host)
    subprocess.run([sys.executable, "-c", PROGRAM.format(*code), url], check=True, timeout=60)
    assert [item["value"] for item in sink.metrics("m")] == [1]


def test_greenlets_leave_the_applications_signals_unmasked(sink: Sink) -> None:
    program = PROGRAM.format(PATCH, "") + "import signal; gevent.sleep(); print(signal.pthread_sigmask(0, []))"
    done = subprocess.run([sys.executable, "-c", program, sink.url], check=True, timeout=60, capture_output=True)
    assert done.stdout == b"set()\n"
