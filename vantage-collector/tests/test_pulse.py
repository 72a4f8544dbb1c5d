"""Pulses: how many requests, errors and durations a second had, by service, caller and instance."""

from typing import Any

import pytest
from vantage_collector import pulse as module
from vantage_collector.pulse import pulses_of_spans
from vantage_collector.series import by_series
from vantage_common.logbins import bin_of, quantile
from vantage_common.model import PULSE_GAMMA, Pulse, Sample, Span

SECOND = 1_790_035_200


def request(**changes: Any) -> Sample:
    fields = {
        "timestamp": SECOND * 1000,
        "service_name": "shop",
        "metric_name": "http.request.duration",
        "metric_type": "histogram",
        "value": 10.0,
    }
    return Sample(**{**fields, **changes})


def pulses_of_samples(workspace: str, samples: list[Sample]) -> list[Pulse]:
    return module.pulses_of_samples(workspace, by_series(samples))


def span(**changes: Any) -> Span:
    fields = {"timestamp": SECOND * 1000.0, "trace_id": "t", "span_id": "s", "service_name": "shop", "name": "n"}
    return Span(**{**fields, "kind": "server", "duration_ms": 10.0, "status": "ok", **changes})


def test_a_second_of_requests_is_one_pulse() -> None:
    (pulse,) = pulses_of_samples("w", [request(), request(timestamp=SECOND * 1000 + 999, count=4), request(value=80.0)])
    ten, eighty = bin_of(10.0, PULSE_GAMMA), bin_of(80.0, PULSE_GAMMA)
    assert pulse == Pulse(
        workspace="w", service="shop", second=SECOND, count=6, errors=0, durations={ten: 5, eighty: 1}
    )


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": SECOND * 1000 + 1000},
        {"service_name": "cart"},
        {"environment": "staging"},
        {"instance": "i"},
        {"tags": {"caller": "web"}},
        {"tags": {"namespace": "n"}},
        {"tags": {"version": "2"}},
    ],
)
def test_what_is_told_apart(change: dict[str, Any]) -> None:
    assert len(pulses_of_samples("w", [request(), request(), request(**change)])) == 2


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"status_code": 500}, 3),
        ({"status_code": 599}, 3),
        ({"tags": {"error": "true"}}, 3),
        ({"status_code": 499}, 0),
        ({"status_code": 404}, 0),
        ({"tags": {"error": "false"}}, 0),
    ],
)
def test_errors_weigh_as_much_as_their_sample(change: dict[str, Any], errors: int) -> None:
    (pulse,) = pulses_of_samples("w", [request(count=3, **change)])
    assert (pulse.count, pulse.errors) == (3, errors)


@pytest.mark.parametrize(
    ("tags", "namespace"),
    [
        ({"namespace": "a", "k8s.namespace.name": "c"}, "a"),
        ({"service.namespace": "b", "k8s.namespace.name": "c"}, "b"),
        ({"k8s.namespace.name": "c"}, "c"),
        ({}, ""),
    ],
)
def test_the_namespace_has_three_names(tags: dict[str, str], namespace: str) -> None:
    assert pulses_of_samples("w", [request(tags=tags)])[0].namespace == namespace
    assert pulses_of_spans("w", [span(attributes=tags)])[0].namespace == namespace


def test_other_metrics_and_other_spans_make_no_pulses() -> None:
    assert pulses_of_samples("w", [request(metric_name="db.query.duration")]) == []
    assert pulses_of_spans("w", [span(kind="client"), span(kind="internal")]) == []


def test_a_server_span_counts_in_the_second_it_ended() -> None:
    ended = span(timestamp=SECOND * 1000 - 5.0, status="error", caller="web", instance="i")
    (pulse,) = pulses_of_spans("w", [ended])
    assert (pulse.second, pulse.count, pulse.errors, pulse.source) == (SECOND, 1, 1, "span")
    assert (pulse.caller, pulse.instance) == ("web", "i")


def test_quantiles_of_a_pulse_are_within_one_percent() -> None:
    (pulse,) = pulses_of_samples("w", [request(value=float(value)) for value in range(1, 101)])
    assert quantile(pulse.durations, 0.95, PULSE_GAMMA) == pytest.approx(95.0, rel=0.01)


def test_cumulative_samples_make_no_pulse() -> None:
    """Their requests since the process began are no requests of this second."""
    assert pulses_of_samples("w", [request(temporality="cumulative", count=900)]) == []
