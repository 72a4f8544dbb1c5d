"""The simulated fleet: any size is a believable system whose traffic adds up."""

import re

import pytest
from vantage_cli.simulate.blueprint import DEFAULT_FLEET
from vantage_cli.simulate.fleet import MAX_SERVICES, build_fleet, calls_per_request
from vantage_common.errors import UserError

SIZES = [1, 2, 7, 30, 31, 120, MAX_SERVICES]


@pytest.mark.parametrize("services", SIZES)
def test_a_fleet_has_the_size_asked_for_and_valid_names(services: int) -> None:
    fleet = build_fleet(services)
    assert len(fleet.services) == services
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{1,60}", name) for name in fleet.services)


@pytest.mark.parametrize("services", SIZES)
@pytest.mark.parametrize("factor", [0.6, 3.0])
def test_all_services_together_answer_a_thousand_requests_times_the_factor(services: int, factor: float) -> None:
    fleet = build_fleet(services, rps_factor=factor)
    assert sum(service.rps for service in fleet.services.values()) == pytest.approx(1000 * factor)


@pytest.mark.parametrize("services", SIZES)
def test_calls_go_inward_and_reach_every_service(services: int) -> None:
    fleet = build_fleet(services)
    position = {name: at for at, name in enumerate(fleet.services)}
    for name, service in fleet.services.items():
        assert all(position[name] < position[callee] for callee in calls_per_request(service))
    if services >= 30:
        assert all(service.rps > 0 for service in fleet.services.values())


def test_a_callees_load_is_what_its_callers_send() -> None:
    services = build_fleet().services
    callers = {n: s.rps * calls_per_request(s).get("catalog-db", 0.0) for n, s in services.items()}
    assert services["catalog-db"].rps == pytest.approx(sum(callers.values()))
    assert sum(rps > 0 for rps in callers.values()) >= 3


def test_the_default_fleet_fills_six_districts() -> None:
    assert len(DEFAULT_FLEET) == 30
    assert len({blueprint.namespace for blueprint in DEFAULT_FLEET}) == 6


def test_pods_do_not_depend_on_the_traffic_factor() -> None:
    small, large = build_fleet(rps_factor=0.5), build_fleet(rps_factor=4)
    assert {n: s.pods for n, s in small.services.items()} == {n: s.pods for n, s in large.services.items()}


@pytest.mark.parametrize(("services", "factor"), [(0, 1.0), (MAX_SERVICES + 1, 1.0), (30, 0.0), (30, -1.0)])
def test_impossible_fleets_are_refused(services: int, factor: float) -> None:
    with pytest.raises(UserError, match=r"fleet has|factor"):
        build_fleet(services, 1, factor)
