"""The city plan: nobody moves, nobody shares a lot, and a restart builds the same city."""

from hypothesis import given
from hypothesis import strategies as st
from vantage_api.live.plan import BLOCK, District, Founder, Lot, Plan, ServiceKey

KEYS = st.builds(ServiceKey, st.sampled_from(["production", "staging", ""]), st.text("abc", min_size=1, max_size=4))
FOUNDERS = st.builds(Founder, KEYS, st.sampled_from(["payments", "shop", "search", ""]), st.integers(0, 5))
DISTINCT = st.lists(FOUNDERS, max_size=60, unique_by=lambda founder: founder.key)


def lots(plan: Plan, founders: list[Founder]) -> dict[ServiceKey, Lot]:
    return {founder.key: plan.place(founder.key, founder.district) for founder in founders}


def fill(plan: Plan, district: str, number: int) -> list[Lot]:
    return [plan.place(ServiceKey("production", f"{district}-{n}"), district) for n in range(number)]


def area(district: District) -> set[tuple[int, int]]:
    return {(district.x + dx, district.z + dz) for dx in range(district.width) for dz in range(district.depth)}


@given(DISTINCT, DISTINCT)
def test_adding_services_moves_none(first: list[Founder], later: list[Founder]) -> None:
    plan = Plan.founded(first)
    before = lots(plan, first)
    districts = plan.districts()
    lots(plan, later)
    assert lots(plan, first) == before
    assert [district for district in plan.districts() if district in districts] == districts


@given(DISTINCT, st.randoms(use_true_random=False))
def test_the_order_they_are_told_in_does_not_matter(founders: list[Founder], random: object) -> None:
    shuffled = list(founders)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert lots(Plan.founded(shuffled), founders) == lots(Plan.founded(founders), founders)


@given(DISTINCT)
def test_every_service_has_a_lot_of_its_own_inside_its_district(founders: list[Founder]) -> None:
    plan = Plan.founded(founders)
    placed = lots(plan, founders)
    assert len({(lot.x, lot.z) for lot in placed.values()}) == len(placed)
    areas = {district.name: area(district) for district in plan.districts()}
    assert all((lot.x, lot.z) in areas[lot.district] for lot in placed.values())


def test_districts_are_two_lots_apart() -> None:
    plan = Plan()
    for name in "abcdefghijkl":
        fill(plan, name, 1)
    blocks = plan.districts()
    for one in blocks:
        grown = {(x + dx, z + dz) for x, z in area(one) for dx in range(-2, 3) for dz in range(-2, 3)}
        assert all(grown.isdisjoint(area(other)) for other in blocks if other is not one)


def test_a_full_district_goes_on_in_a_quarter_next_to_it() -> None:
    plan = Plan()
    fill(plan, "shop", 1)
    placed = fill(plan, "payments", BLOCK * BLOCK + 1)
    assert {lot.district for lot in placed[:-1]} == {"payments"}
    assert placed[-1].district == "payments 2"
    home, quarter = (next(d for d in plan.districts() if d.name == name) for name in ("payments", "payments 2"))
    assert max(abs(home.x - quarter.x), abs(home.z - quarter.z)) == 6


def test_a_quarter_never_takes_the_name_of_a_district() -> None:
    plan = Plan()
    fill(plan, "a 2", 1)
    assert fill(plan, "a", BLOCK * BLOCK + 1)[-1].district == "a 3"


def test_the_first_service_stands_in_the_middle() -> None:
    lot = fill(Plan(), "payments", 1)[0]
    assert abs(lot.x) <= 1
    assert abs(lot.z) <= 1
