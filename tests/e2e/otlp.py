"""Traces and log lines of known content, as any OpenTelemetry client sends them."""

import time
from typing import Any

import httpx

from tests.platform_process import Platform
from tests.waiting import eventually

FAILED = 2
"""The wire's number for a span that failed."""


def _attributes(values: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def _resource(service: str) -> dict[str, Any]:
    return {"attributes": _attributes({"service.name": service, "deployment.environment.name": "till-test"})}


def span(
    span_id: int,
    parent: int,
    name: str,
    at_ms: float,
    duration_ms: float,
    *,
    failed: bool = False,
    attributes: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A span that began `at_ms` after the trace; parent 0 is none."""
    return {
        "id": span_id,
        "parent": parent,
        "name": name,
        "at_ms": at_ms,
        "duration_ms": duration_ms,
        "failed": failed,
        "attributes": attributes or {},
    }


def send_trace(platform: Platform, trace_id: str, spans: dict[str, list[dict[str, Any]]]) -> None:
    """The spans by service; back when the API has all of them."""
    begin_ns = time.time_ns() - 60_000_000_000
    body = {
        "resourceSpans": [
            {
                "resource": _resource(service),
                "scopeSpans": [{"spans": [_span(trace_id, each, begin_ns) for each in of]}],
            }
            for service, of in spans.items()
        ]
    }
    httpx.post(f"{platform.collector}/v1/traces", json=body).raise_for_status()
    count = sum(len(of) for of in spans.values())

    def is_stored() -> bool:
        answer = httpx.get(f"{platform.api}/traces/{trace_id}", timeout=30)
        return answer.status_code == httpx.codes.OK and answer.json()["span_count"] == count

    eventually(is_stored, within_s=60, what=f"{count} spans of {trace_id}")


def _span(trace_id: str, span: dict[str, Any], begin_ns: int) -> dict[str, Any]:
    start = begin_ns + int(span["at_ms"] * 1e6)
    return {
        "traceId": trace_id,
        "spanId": f"{span['id']:016x}",
        "parentSpanId": f"{span['parent']:016x}" if span["parent"] else "",
        "name": span["name"],
        "kind": 2,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + int(span["duration_ms"] * 1e6)),
        "attributes": _attributes(span["attributes"]),
        "status": {"code": FAILED if span["failed"] else 0},
    }


def send_lines(
    platform: Platform, service: str, lines: list[tuple[str, str]], *, trace_id: str = "", span_id: int = 0
) -> None:
    """Lines as (severity, body), a millisecond apart, the last one now."""
    now = time.time_ns()
    records = [
        {
            "timeUnixNano": str(now - (len(lines) - 1 - i) * 1_000_000),
            "severityText": severity,
            "body": {"stringValue": body},
            "attributes": _attributes({"till.number": "7"}),
            "traceId": trace_id,
            "spanId": f"{span_id:016x}" if span_id else "",
        }
        for i, (severity, body) in enumerate(lines)
    ]
    body = {"resourceLogs": [{"resource": _resource(service), "scopeLogs": [{"logRecords": records}]}]}
    httpx.post(f"{platform.collector}/v1/logs", json=body).raise_for_status()


def wait_for_lines(platform: Platform, service: str, count: int) -> None:
    def are_stored() -> bool:
        answer = httpx.get(f"{platform.api}/api/logs", params={"service": service, "limit": 1000}, timeout=30)
        return len(answer.json()["logs"]) >= count

    eventually(are_stored, within_s=60, what=f"{count} lines of {service}")
