"""A pytest plugin that writes each test's outcome to the file in VANTAGE_SUITE_OUTCOMES, after whether an agent runs.

Where VANTAGE_SUITE_HEADERS is "none", the agent does all that it does, and its trace headers stay at home. The plugin
runs in the suites' own environments, with whatever pytest is there, and knows nothing of the rest of this folder.
"""

import json
import os
import sys
from typing import Any


def outcome_of(report: Any) -> str | None:
    """One word, or None where the phase says nothing of its own (a set-up that went well)."""
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.when == "call" or report.skipped:
        return str(report.outcome)
    return "error" if report.failed else None


def write(line: object) -> None:
    with open(os.environ["VANTAGE_SUITE_OUTCOMES"], "a", encoding="utf-8") as file:  # noqa: PTH123
        file.write(json.dumps(line) + "\n")


def note(report: Any, outcome: str) -> None:
    """A line of test id, outcome and, of a failure, its text."""
    write([report.nodeid, outcome, report.longreprtext if report.failed else ""])


def leave_headers_out() -> None:
    """Take off each request what `begin` has just put on it. Before the libraries: they import it by name."""
    from vantage_agent.instrumentation import client

    begin = client.begin

    def bare(recorder: Any, headers: Any) -> Any:
        call = begin(recorder, headers)
        if call is not None and call.added:
            del headers["traceparent"]
        if call is not None and call.old_state is None:
            del headers["tracestate"]
        elif call is not None:
            headers["tracestate"] = call.old_state
        return call

    client.begin = bare


if os.environ.get("VANTAGE_SUITE_HEADERS") == "none":
    leave_headers_out()


def pytest_configure() -> None:
    write(getattr(sys.modules.get("vantage_agent.state"), "agent", None) is not None)


def pytest_runtest_logreport(report: Any) -> None:
    outcome = outcome_of(report)
    if outcome is not None:
        note(report, outcome)


def pytest_collectreport(report: Any) -> None:
    if report.failed:
        note(report, "not collected")
