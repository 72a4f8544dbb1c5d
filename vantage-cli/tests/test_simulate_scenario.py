"""What happens to the fleet: eventful from the first minute, mostly healthy, and the same for the same seed."""

import pytest
from vantage_cli.simulate.fleet import build_fleet
from vantage_cli.simulate.scenario import (
    COLD_S,
    ROLL_S,
    Event,
    EventKind,
    Timeline,
    conditions,
    expected_errors,
)

FLEET = build_fleet()
SEEDS = [1, 2, 3, 7, 42]


def first(timeline: Timeline, kind: EventKind, until_s: float = 600) -> Event:
    return next(event for event in timeline.events(0, until_s) if event.kind == kind)


@pytest.mark.parametrize("seed", SEEDS)
def test_equal_seeds_have_equal_histories_however_they_are_asked(seed: int) -> None:
    forwards, backwards = Timeline(FLEET, seed), Timeline(FLEET, seed)
    moments = [0.0, 12.5, 61.0, 119.9, 305.0]
    later = {at: backwards.state_at(at) for at in reversed(moments)}
    assert {at: forwards.state_at(at) for at in moments} == later


def test_other_seeds_have_other_histories() -> None:
    assert Timeline(FLEET, 1).events(0, 120) != Timeline(FLEET, 2).events(0, 120)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_minute_holds_deploys_a_slow_service_and_a_bad_deploy(seed: int) -> None:
    events = Timeline(FLEET, seed).events(0, 60)
    assert {"deploy", "slow", "bad_deploy"} <= {event.kind for event in events}
    assert events[0].start < 10
    assert events == sorted(events, key=lambda event: event.start)


@pytest.mark.parametrize(("services", "seed"), [*((30, seed) for seed in SEEDS), (150, 1)])
def test_after_twenty_seconds_something_is_always_unwell_and_most_is_well(services: int, seed: int) -> None:
    fleet = build_fleet(services)
    timeline = Timeline(fleet, seed)
    troubled: list[int] = []
    failing: list[int] = []
    for second in range(25, 600, 5):
        statuses = list(conditions(fleet, timeline.state_at(second)).values())
        assert statuses.count("HEALTHY") >= services - 6
        failing.append(statuses.count("UNHEALTHY") + statuses.count("UNKNOWN"))
        troubled.append(services - statuses.count("HEALTHY"))
    usual = [number for number in troubled if 1 <= number <= 3]
    assert len(usual) >= 0.85 * len(troubled)
    assert min(troubled) >= 1
    assert 0.2 < sum(number == 1 for number in failing) / len(failing) < 0.6
    assert sum(number > 1 for number in failing) <= 0.03 * len(failing)


def test_pods_follow_the_load_with_the_days_wave() -> None:
    timeline = Timeline(FLEET, 1)
    days = [timeline.state_at(second) for second in range(0, 240, 10)]
    pods = [sum(len(service.pods) for service in state.services.values()) for state in days]
    load = [sum(service.rps for service in state.services.values()) for state in days]
    assert max(pods) > 1.3 * min(pods)
    assert max(load) > 1.7 * min(load)
    assert abs(pods.index(max(pods)) - load.index(max(load))) <= 4


@pytest.mark.parametrize("seed", SEEDS)
def test_a_deploy_goes_pod_by_pod_and_stays(seed: int) -> None:
    timeline = Timeline(FLEET, seed)
    deploy = first(timeline, "deploy")
    assert deploy.version != deploy.previous

    def versions(at: float) -> set[str]:
        return {pod.version for pod in timeline.state_at(at).services[deploy.service].pods}

    assert versions(deploy.start - 0.1) == {deploy.previous}
    assert versions(deploy.start + 0.7 * ROLL_S) == {deploy.previous, deploy.version}
    assert versions(deploy.end + 5) == {deploy.version}
    fresh = [p for p in timeline.state_at(deploy.start + ROLL_S).services[deploy.service].pods if p.latency_factor > 1]
    assert fresh
    warm = timeline.state_at(deploy.start + ROLL_S + COLD_S + 1).services[deploy.service].pods
    assert all(pod.latency_factor == 1 for pod in warm)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_bad_deploy_fails_and_is_rolled_back(seed: int) -> None:
    timeline = Timeline(FLEET, seed)
    deploy = first(timeline, "bad_deploy")
    before, worst, after = (
        timeline.state_at(at).services[deploy.service]
        for at in (deploy.start - 1, deploy.start + ROLL_S + 3, deploy.end + 1)
    )
    assert before.failing < 0.01
    assert worst.failing > 0.25
    assert after.failing < 0.01
    assert {pod.version for pod in after.pods} == {deploy.previous}


def test_a_version_that_was_rolled_back_is_never_used_again() -> None:
    events = Timeline(FLEET, 3).events(0, 3600)
    brought = [(event.service, event.version) for event in events if event.version]
    assert len(brought) > 120
    assert len(brought) == len(set(brought))


def test_a_deploy_replaces_what_the_last_good_one_brought() -> None:
    running = {name: "v{}.{}.{}".format(*service.release) for name, service in FLEET.services.items()}
    for event in (event for event in Timeline(FLEET, 3).events(0, 3600) if event.version):
        assert event.previous == running[event.service]
        if event.kind == "deploy":
            running[event.service] = event.version


@pytest.mark.parametrize("seed", SEEDS)
def test_an_outage_leaves_no_pod_and_ends(seed: int) -> None:
    timeline = Timeline(FLEET, seed)
    outage = first(timeline, "outage")
    during, after = timeline.state_at(outage.start + 1), timeline.state_at(outage.end + 1)
    assert during.services[outage.service].pods == ()
    assert conditions(FLEET, during)[outage.service] == "UNKNOWN"
    assert len(after.services[outage.service].pods) >= 2


@pytest.mark.parametrize("seed", SEEDS)
def test_a_surge_brings_more_traffic_to_one_gateway(seed: int) -> None:
    timeline = Timeline(FLEET, seed)
    surge = first(timeline, "surge")
    before, peak = timeline.state_at(surge.start), timeline.state_at(surge.start + 10)
    assert peak.ingress_rps[surge.service] > 1.35 * before.ingress_rps[surge.service]


def test_errors_reach_callers_by_the_share_of_their_calls() -> None:
    errors = expected_errors(FLEET, {"users-db": 0.5})
    assert errors["users-db"] == pytest.approx(0.5)
    assert errors["accounts"] == pytest.approx(0.5 * 3.0 / 3.1)
    assert 0 < errors["web-gateway"] < errors["accounts"]
    assert errors["search"] == 0


def test_what_a_route_can_do_without_does_not_fail_it() -> None:
    errors = expected_errors(FLEET, {"email-sender": 1.0})
    assert errors.pop("email-sender") == 1
    assert max(errors.values()) == pytest.approx(0)


@pytest.mark.parametrize("services", [1, 2, 3])
def test_the_smallest_fleets_have_their_events_too(services: int) -> None:
    fleet = build_fleet(services)
    timeline = Timeline(fleet, 1)
    assert {event.service for event in timeline.events(0, 300)} <= set(fleet.services)
    assert timeline.events(0, 60)
    for second in range(0, 300, 7):
        timeline.state_at(second)
