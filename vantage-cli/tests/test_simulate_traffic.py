"""A simulated second: requests, metrics, spans and log lines tell the same story, and the collector takes them."""

import random
from collections import Counter
from collections.abc import Callable

import pytest
from vantage_cli.simulate.fleet import build_fleet, calls_per_request
from vantage_cli.simulate.lines import pod_lines, request_lines
from vantage_cli.simulate.outbox import MAX_ITEMS, Outbox
from vantage_cli.simulate.scenario import FleetState, Pod, ServiceState, Timeline
from vantage_cli.simulate.signals import CPU_METRIC, gauges, request_metrics, sample_traces, spans
from vantage_cli.simulate.traffic import CALL_TIMEOUT_MS, INGRESS_TIMEOUT_MS, Request, poisson, requests_in
from vantage_cli.simulate.wire import Emission, LogItem, MetricItem, SpanItem, encode_batch
from vantage_cli.simulate.world import simulate_second
from vantage_collector.decode.native import Limits, decode_logs, decode_metrics, decode_spans
from vantage_common.model import REQUEST_METRIC

EPOCH_MS = 1_790_000_000_000
FLEET = build_fleet()
LIMITS = Limits(max_items=1000, raw_days=90, span_days=30)


def state_with(**changed: ServiceState) -> FleetState:
    """A calm fleet, every service on two pods; the changed ones by name, with _ for -."""
    calm = Timeline(FLEET, 1).state_at(0)
    services = {
        name: ServiceState((Pod(f"{name}-a", "v1"), Pod(f"{name}-b", "v1")), s.rps, 0.5)
        for name, s in calm.services.items()
    }
    for name, state in changed.items():
        services[name.replace("_", "-")] = state
    return FleetState(0.0, services, calm.ingress_rps, ())


def seconds_of(state: FleetState, seconds: int = 5) -> list[list[Request]]:
    return [walk for n in range(seconds) for walk in requests_in(FLEET, state, random.Random(n))]


def failing_share(walks: list[list[Request]], service: str) -> float:
    seen = [request for walk in walks for request in walk if request.service.name == service]
    return sum(request.failed for request in seen) / len(seen)


def test_equal_seeds_live_equal_seconds() -> None:
    def lived(seed: int) -> list[list[Emission]]:
        timeline = Timeline(FLEET, seed)
        return [simulate_second(FLEET, timeline, seed, EPOCH_MS, second).emissions for second in range(20, 24)]

    assert lived(1) == lived(1)
    assert lived(1) != lived(2)


def test_another_seed_brings_other_requests_to_the_same_fleet() -> None:
    timeline = Timeline(FLEET, 1)
    one, two = (simulate_second(FLEET, timeline, seed, EPOCH_MS, 30) for seed in (1, 2))
    assert one.state == two.state
    assert one.emissions[0] != two.emissions[0]


def test_another_start_names_other_traces_for_the_same_events() -> None:
    timeline = Timeline(FLEET, 1)
    one, two = (simulate_second(FLEET, timeline, 1, epoch, 30) for epoch in (EPOCH_MS, EPOCH_MS + 3_600_000))
    assert one.requests == two.requests

    def traces(emissions: list[Emission]) -> set[str]:
        return {e.item.trace_id for e in emissions if isinstance(e.item, SpanItem)}

    assert len(traces(one.emissions)) == len(traces(two.emissions)) > 0
    assert not traces(one.emissions) & traces(two.emissions)


def test_arrivals_are_poisson() -> None:
    rng = random.Random(5)
    numbers = [poisson(rng, 20.0) for _ in range(2000)]
    mean = sum(numbers) / len(numbers)
    assert mean == pytest.approx(20.0, rel=0.03)
    assert sum((n - mean) ** 2 for n in numbers) / len(numbers) == pytest.approx(20.0, rel=0.12)


def test_callees_see_the_calls_that_callers_make_and_no_more() -> None:
    walks = seconds_of(state_with(), 20)
    served = Counter(request.service.name for walk in walks for request in walk)
    called = Counter((request.caller, request.service.name) for walk in walks for request in walk if request.caller)
    for (caller, callee), calls in called.items():
        most = max(sum(call.service == callee for call in route.calls) for route in FLEET.services[caller].routes)
        assert calls <= most * served[caller]
        mean = calls_per_request(FLEET.services[caller])[callee] * served[caller]
        assert calls == pytest.approx(mean, abs=6 * mean**0.5 + 0.02 * served[caller])
    assert len(called) > 40


def test_the_fleet_answers_about_what_its_load_says() -> None:
    state = state_with()
    expected = sum(service.rps for service in state.services.values())
    assert sum(len(walk) for walk in seconds_of(state, 10)) / 10 == pytest.approx(expected, rel=0.08)


def test_a_request_lies_within_its_callers() -> None:
    slow = ServiceState((Pod("orders-db-a", "v1"),), 30, 0.5, latency_factor=200.0)
    for walk in seconds_of(state_with(orders_db=slow)):
        assert walk[0].parent is None
        assert walk[0].duration_ms <= INGRESS_TIMEOUT_MS
        for request in walk[1:]:
            assert request.parent is not None
            assert request.parent.start_ms < request.start_ms
            assert request.end_ms <= request.parent.end_ms + 1e-6
            assert request.duration_ms <= CALL_TIMEOUT_MS


def test_failures_reach_the_callers_that_need_the_service() -> None:
    broken = ServiceState((Pod("users-db-a", "v1", error_rate=0.5),), 10, 0.5)
    well, ill = seconds_of(state_with(), 10), seconds_of(state_with(users_db=broken), 10)
    assert failing_share(ill, "accounts") == pytest.approx(0.48, abs=0.12)
    assert 0.01 < failing_share(ill, "web-gateway") < failing_share(ill, "accounts")
    assert failing_share(well, "accounts") < 0.03
    assert failing_share(ill, "search") < 0.02


def test_a_slow_store_slows_its_callers_and_times_out() -> None:
    slow = ServiceState((Pod("orders-db-a", "v1"),), 30, 0.5, latency_factor=400.0)
    ill = seconds_of(state_with(orders_db=slow))
    blamed = [r for walk in ill for r in walk if r.service.name == "orders" and r.fault == "upstream_timeout"]
    assert blamed
    assert {request.culprit for request in blamed} <= {"orders-db", "shipping"}
    assert {r.culprit for walk in ill for r in walk if r.service.name == "tracking" and r.failed} >= {"orders-db"}
    assert {request.status for request in blamed} == {504}
    assert max(request.duration_ms for request in blamed) >= CALL_TIMEOUT_MS


def test_a_service_without_pods_answers_nothing_and_its_callers_say_so() -> None:
    walks = seconds_of(state_with(search=ServiceState((), 30, 0.0)))
    requests = [request for walk in walks for request in walk]
    assert not [request for request in requests if request.service.name == "search"]
    callers = [request for request in requests if request.fault == "unreachable"]
    assert callers
    assert {(request.status, request.culprit) for request in callers} == {(503, "search")}


def test_a_service_without_pods_that_is_only_wanted_fails_nobody() -> None:
    walks = seconds_of(state_with(reviews=ServiceState((), 20, 0.0)))
    without = [request for walk in walks for request in walk if request.culprit == "reviews"]
    assert without
    assert all(request.fault != "unreachable" for request in without)


def test_folding_keeps_counts_and_means() -> None:
    walks = seconds_of(state_with(), 10)
    requests = [request for walk in walks for request in walk]
    items = [e.item for e in request_metrics(requests, EPOCH_MS, {})]
    metrics = [item for item in items if isinstance(item, MetricItem)]
    assert sum(item.count for item in metrics) == len(requests)
    assert sum(item.count * item.value for item in metrics) == pytest.approx(
        sum(r.duration_ms for r in requests), rel=1e-4
    )
    assert len(metrics) < len(requests)
    assert max(item.count for item in metrics) > 3
    assert {item.metric_name for item in metrics} == {REQUEST_METRIC}
    errors = Counter({item.status_code >= 500: 0 for item in metrics})
    for item in metrics:
        errors[item.status_code >= 500] += item.count
    assert errors[True] == sum(request.failed for request in requests)


def test_a_folded_item_is_stamped_with_its_last_request() -> None:
    service = FLEET.services["cart"]
    pod, route = Pod("cart-a", "v2.0.0"), service.routes[0]
    requests = [Request(service, pod, route, None, start_ms, 10.0) for start_ms in (500.0, 900.0, 100.0, 995.0)]
    items = [e.item for e in request_metrics(requests, EPOCH_MS, {requests[0]: ("trace", "span")})]
    assert items == [
        MetricItem(
            EPOCH_MS + at, REQUEST_METRIC, "histogram", 10.0, count, route.path, "GET", 200,
            {"namespace": "payments", "version": "v2.0.0"}, trace_id, span_id,
        )
        for at, count, trace_id, span_id in ((910, 3, "trace", "span"), (1005, 1, "", ""))
    ]  # fmt: skip


def test_spans_form_trees_whose_children_lie_within_their_parents() -> None:
    walks = seconds_of(state_with(), 3)
    ids = sample_traces(walks, random.Random(1), random.Random(2))
    items = [e.item for e in spans(ids, EPOCH_MS)]
    by_id = {item.span_id: item for item in items if isinstance(item, SpanItem)}
    assert len(by_id) == len(items) == len(ids)
    roots = [item for item in by_id.values() if not item.parent_span_id]
    assert len(roots) == len({item.trace_id for item in by_id.values()}) >= 4
    for item in by_id.values():
        if item.parent_span_id:
            parent = by_id[item.parent_span_id]
            assert (parent.trace_id, parent.service_name) == (item.trace_id, item.caller)
            assert parent.start_time <= item.start_time
            assert item.start_time + item.duration_ms <= parent.start_time + parent.duration_ms + 0.01


def test_failed_traces_are_kept() -> None:
    walks = seconds_of(state_with(sessions=ServiceState((), 20, 0.0)), 1)
    ids = sample_traces(walks, random.Random(1), random.Random(2))
    failed_roots = [e.item for e in spans(ids, EPOCH_MS) if isinstance(e.item, SpanItem) and e.item.status == "error"]
    assert len(failed_roots) >= 2
    assert all(item.attributes["peer.service"] == "sessions" for item in failed_roots if not item.caller)


def test_lines_tell_errors_and_carry_the_trace() -> None:
    broken = ServiceState((Pod("payment-processor-a", "v1", error_rate=0.9),), 10, 0.5)
    walks = seconds_of(state_with(payment_processor=broken), 2)
    requests = [request for walk in walks for request in walk]
    ids = {request: (f"t{n}", f"s{n}") for n, request in enumerate(requests)}
    lines = [e.item for e in request_lines(requests, EPOCH_MS, ids, random.Random(1)) if isinstance(e.item, LogItem)]
    severities = Counter(line.severity for line in lines)
    assert severities["ERROR"] > 3
    assert severities["INFO"] == 8
    assert all(line.trace_id for line in lines)
    own = [line.body for line in lines if line.severity == "ERROR" and line.service_name == "payment-processor"]
    assert own
    assert all("Traceback (most recent call last)" in body for body in own)
    callers = [line.body for line in lines if line.severity == "ERROR" and line.service_name == "checkout"]
    assert callers
    assert all("payment-processor answered" in body for body in callers)


def test_pods_say_when_they_come_and_go() -> None:
    pods = tuple(Pod(f"search-{n}", f"v1.0.{n}") for n in range(3))
    before = state_with(search=ServiceState(pods[:2], 1, 1), auth=ServiceState(pods[:1], 1, 1))
    after = state_with(search=ServiceState(pods[1:], 1, 1), auth=ServiceState((), 1, 0))
    lines = [e.item for e in pod_lines(FLEET, before, after, EPOCH_MS) if isinstance(e.item, LogItem)]
    assert {(line.service_name, line.instance, line.severity) for line in lines} == {
        ("search", "search-0", "INFO"),
        ("search", "search-2", "INFO"),
        ("auth", "search-0", "FATAL"),
    }
    assert any("search v1.0.2 started" in line.body for line in lines)


def test_every_pod_reports_its_gauges_once_in_ten_seconds() -> None:
    state = state_with()
    seen = Counter(
        e.instance
        for second in range(10)
        for e in gauges(FLEET, state, second, EPOCH_MS + second * 1000, random.Random(second))
        if isinstance(e.item, MetricItem) and e.item.metric_name == CPU_METRIC
    )
    assert seen == Counter({pod.name: 1 for service in state.services.values() for pod in service.pods})


@pytest.mark.parametrize("services", [30, 100])
def test_the_collector_takes_every_batch(services: int) -> None:
    fleet = build_fleet(services)
    timeline, outbox = Timeline(fleet, 1), Outbox(2.0)
    decoders: dict[str, Callable[[bytes, Limits, int], object]] = {
        "metrics": decode_metrics, "traces": decode_spans, "logs": decode_logs,
    }  # fmt: skip
    taken: Counter[str] = Counter()
    for second in range(28, 58, 3):
        outbox.add(simulate_second(fleet, timeline, 1, EPOCH_MS, second).emissions)
        now_ms = EPOCH_MS + (second + 1) * 1000
        for batch in outbox.take(now_ms):
            body = encode_batch(batch, batch_id="0123456789abcdef" * 2, environment="production", agent_version="x/1")
            decoders[batch.signal](body, LIMITS, now_ms)
            taken[batch.signal] += len(batch.items)
    assert all(taken[signal] > 50 for signal in decoders)


def test_nothing_is_sent_before_it_has_happened_and_nothing_is_lost() -> None:
    timeline, outbox = Timeline(FLEET, 1), Outbox(2.0)
    added = sent = 0
    for tick in range(0, 200):
        now_ms = EPOCH_MS + tick * 100
        if tick % 10 == 0 and 0 < tick <= 100:
            emissions = simulate_second(FLEET, timeline, 1, EPOCH_MS, tick // 10 - 1).emissions
            outbox.add(emissions)
            added += len(emissions)
        for batch in outbox.take(now_ms):
            times = [i.start_time + i.duration_ms if isinstance(i, SpanItem) else i.timestamp for i in batch.items]
            assert max(times) <= now_ms
            assert len(batch.items) <= MAX_ITEMS
            sent += len(batch.items)
    assert sent == added


def test_pods_send_on_beats_of_their_own_spread_over_the_period() -> None:
    timeline, outbox = Timeline(FLEET, 1), Outbox(2.0)
    per_tick = []
    for tick in range(0, 200):
        if tick % 10 == 0:
            outbox.add(simulate_second(FLEET, timeline, 1, EPOCH_MS, tick // 10).emissions)
        per_tick.append(len(outbox.take(EPOCH_MS + 1000 + tick * 100)))
    steady = per_tick[40:]
    assert max(steady) <= 4 * sum(steady) / len(steady)
    assert steady.count(0) <= len(steady) // 10


def test_what_is_left_goes_out_at_the_end() -> None:
    outbox = Outbox(60.0)
    pod_item = MetricItem(EPOCH_MS, "m", "gauge", 1.0)
    outbox.add([Emission(float(EPOCH_MS), "cart", "cart-1", pod_item)] * (MAX_ITEMS + 1))
    assert sum(len(batch.items) for batch in outbox.take(EPOCH_MS + 999)) == 0
    batches = outbox.take_all(EPOCH_MS + 1000)
    assert [(batch.service, batch.instance, len(batch.items)) for batch in batches] == [
        ("cart", "cart-1", MAX_ITEMS),
        ("cart", "cart-1", 1),
    ]
    assert outbox.take_all(EPOCH_MS + 100_000) == []
