"""The live city: who is in it, where the particles travel, and what is told of changes."""

from typing import Any

from vantage_api.live.frames import decode, encode_tick, tick_of
from vantage_api.live.plan import ServiceKey
from vantage_api.live.registry import Numbers
from vantage_api.live.state import IDLE_AFTER_MS, City, KnownService, tick_entry
from vantage_common.health import Baseline

from tests.live_pulses import START_MS, pulse

START_S = START_MS // 1000
MINUTE_MS = 60_000


def known(name: str, first_seen_ms: int, last_seen_ms: int = START_MS, district: str = "shop") -> KnownService:
    return KnownService(ServiceKey("production", name), district, first_seen_ms, last_seen_ms)


def changes(city: City) -> dict[str, Any]:
    found = city.registry.take_changes()
    assert found is not None
    return found


def names(message: dict[str, Any]) -> list[str]:
    return [service["name"] for service in message["services"]["upsert"]]


def test_a_service_enters_with_its_first_pulse_and_leaves_after_a_quarter_of_an_hour() -> None:
    city = City()
    city.ingest(pulse(START_S, namespace="payments"), START_MS)
    entered = changes(city)
    assert [(s["id"], s["district"]) for s in entered["services"]["upsert"]] == [("production/checkout", "payments")]
    city.advance(START_MS + 15 * MINUTE_MS - 1)
    assert city.registry.take_changes() is None
    city.advance(START_MS + 15 * MINUTE_MS)
    assert changes(city)["services"]["remove"] == [0]
    assert city.view(START_MS + 15 * MINUTE_MS) == []


def test_one_that_comes_back_stands_where_it_stood() -> None:
    city = City()
    for name in ("checkout", "cart"):
        city.ingest(pulse(START_S, service=name), START_MS)
    before = city.registry.buildings[ServiceKey("production", "checkout")].lot
    later = START_MS + 20 * MINUTE_MS
    city.ingest(pulse(later // 1000, service="cart"), later)
    city.advance(later)
    city.ingest(pulse(later // 1000, service="new"), later)
    city.ingest(pulse(later // 1000, service="checkout"), later)
    assert city.registry.buildings[ServiceKey("production", "checkout")].lot == before


def test_a_restart_builds_the_same_city() -> None:
    order = [known("b", 1), known("a", 1), known("gone", 2, last_seen_ms=START_MS - 16 * MINUTE_MS), known("c", 3)]
    cities = [City(), City()]
    cities[0].learn(order, {}, START_MS)
    cities[1].learn(list(reversed(order)), {}, START_MS)
    first, second = (city.registry.as_json() for city in cities)
    assert first == second
    assert [service["name"] for service in first["services"]] == ["a", "b", "c"]


def test_a_service_known_from_the_store_is_unknown_until_it_sends() -> None:
    city = City()
    city.learn([known("checkout", 1)], {}, START_MS)
    entry = tick_entry(city.view(START_MS)[0])
    assert (entry.status, entry.health, entry.rps, entry.p95_ms, entry.error_ratio) == (
        "UNKNOWN",
        None,
        0.0,
        None,
        None,
    )


def test_learned_baselines_reach_services_there_and_to_come() -> None:
    city = City()
    city.ingest(pulse(START_S, 100, duration_ms=500), START_MS)
    baselines = {ServiceKey("production", name): Baseline(p95_ms=100.0) for name in ("checkout", "cart")}
    city.learn([], baselines, START_MS)
    city.ingest(pulse(START_S, 100, service="cart", duration_ms=500), START_MS)
    states = [view.measured.health.factors["response_time"] for view in city.view(START_MS + 1000)]
    assert [(factor.state, round(factor.score or 0, -1)) for factor in states] == [("ok", 0), ("ok", 0)]


def test_an_edge_starts_at_the_caller_when_it_is_in_the_city_else_at_the_ingress() -> None:
    city = City()
    city.ingest(pulse(START_S, service="web"), START_MS)
    city.ingest(pulse(START_S, caller="web"), START_MS)
    city.ingest(pulse(START_S, caller="stranger"), START_MS)
    changes(city)
    city.requests(START_MS + 200)
    edges = {(edge["from"], edge["to"]) for edge in changes(city)["edges"]["upsert"]}
    assert edges == {(None, 0), (0, 1), (None, 1)}


def test_particles_of_all_services_of_a_second_share_a_frame() -> None:
    city = City()
    for name in ("a", "b", "c"):
        city.ingest(pulse(START_S, 7, 2, service=name), START_MS)
    frames = [frame for step in range(20) for frame in city.requests(START_MS + step * 100)]
    assert [(len(frame.entries), sum(e.error for e in frame.entries), frame.sample) for frame in frames] == [(21, 6, 1)]
    assert frames[0].time_ms >= START_S * 1000


def test_more_than_the_screen_can_show_is_sampled_with_the_true_share_of_errors() -> None:
    city = City()
    shown = errors = 0
    for second in range(60):
        now_ms = START_MS + second * 1000
        city.ingest(pulse(START_S + second, 9_999, 123), now_ms)
        for step in range(10):
            for frame in city.requests(now_ms + step * 100):
                assert len(frame.entries) <= 2002  # a carried request of either kind may come on top
                shown += len(frame.entries) * frame.sample
                errors += sum(e.error for e in frame.entries) * frame.sample
    assert abs(shown - 60 * 9_999) < 12
    assert abs(errors - 60 * 123) < 6


def test_status_weighs_health_by_requests() -> None:
    city = City()
    assert city.status(START_MS)["health"] is None
    city.ingest(pulse(START_S, 90, service="good"), START_MS)
    city.ingest(pulse(START_S, 10, 10, service="bad"), START_MS)
    status = city.status(START_MS + 1500)
    assert status["requests_per_second"] == 10.0
    assert status["error_ratio"] == 0.1
    assert status["health"] == 90
    assert status["alerts_firing"] is None


def test_ingest_lag_is_the_age_of_the_newest_sample_when_pulses_come_and_none_when_none_do() -> None:
    city = City()
    assert city.status(START_MS)["ingest_lag_ms"] is None
    city.ingest(pulse(START_S), START_MS + 2500)
    assert city.status(START_MS + 2500)["ingest_lag_ms"] == 1501
    assert city.status(START_MS + 20_000)["ingest_lag_ms"] == 1501
    assert city.status(START_MS + 2500 + IDLE_AFTER_MS)["ingest_lag_ms"] is None


def test_a_tick_packs_what_a_view_shows_and_names_what_changed() -> None:
    city = City()
    for second in range(5):
        city.ingest(pulse(START_S + second, 10 + second), START_MS + second * 1000 + 500)
        city.ingest(pulse(START_S + second, 3, service="cart"), START_MS + second * 1000 + 700)
        changed = {view.building.key.name for view in city.measure(START_MS + second * 1000 + 700)}
        assert changed <= {"checkout", "cart"}
    for now_ms in range(START_MS + 5000, START_MS + 90_000, 100):
        changed_slots = {view.building.slot for view in city.measure(now_ms)}
        tick = decode(tick_of(city.packed(), now_ms))
        shown = decode(encode_tick(now_ms, [tick_entry(view) for view in city.view(now_ms)]))
        assert tick == shown
        assert changed_slots <= {0, 1}
    assert city.measure(START_MS + 90_000) == []


def test_a_number_is_free_again_only_after_its_removal_was_told() -> None:
    numbers = Numbers()
    assert [numbers.take(), numbers.take()] == [0, 1]
    numbers.give_back(0)
    assert numbers.take() == 2
    numbers.settle()
    assert numbers.take() == 0
