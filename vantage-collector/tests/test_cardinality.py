"""New series are bounded a service and hour; what is beyond keeps its numbers, and nothing goes uncounted."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from vantage_collector.cardinality import HOUR_S, OTHER, SeriesCap
from vantage_collector.series import by_series
from vantage_common.clock import ManualClock
from vantage_common.model import Sample


def sample(user: object = "", **changes: Any) -> Sample:
    fields: dict[str, Any] = {
        "timestamp": 1_790_035_200_000,
        "service_name": "shop",
        "metric_name": "m",
        "metric_type": "counter",
        "value": 1.0,
        "tags": {"user": str(user)},
    }
    return Sample(**{**fields, **changes})


class Capped:
    """A cap with a clock, and what it told of."""

    def __init__(self, limit: int) -> None:
        self.clock = ManualClock(0)
        self.told: list[tuple[str, str, int, int]] = []
        self.cap = SeriesCap(limit, self.clock, lambda *what: self.told.append(what))

    def admit(self, *samples: Sample, workspace: str = "w") -> list[Sample]:
        series = self.cap.admit(workspace, by_series(samples))
        return [row for rows in series.values() for row in rows]


def test_series_beyond_the_bound_become_one() -> None:
    capped = Capped(3)
    rows = capped.admit(*(sample(user) for user in range(5)))
    assert [row.tags for row in rows] == [{"user": "0"}, {"user": "1"}, {"user": "2"}, *[{"series": OTHER}] * 2]
    assert {row.endpoint for row in rows[3:]} == {OTHER}
    assert capped.told == [("w", "shop", 1, 0), ("w", "shop", 1, 0)]


def test_a_series_known_before_keeps_its_name() -> None:
    capped = Capped(2)
    first = [sample(1), sample(2)]
    assert capped.admit(*first) == first
    assert [row.tags for row in capped.admit(sample(3), sample(2))] == [{"series": OTHER}, {"user": "2"}]


def test_each_service_and_workspace_has_its_own_allowance() -> None:
    capped = Capped(1)
    capped.admit(sample(1))
    assert capped.admit(sample(2, service_name="cart"))[0].tags == {"user": "2"}
    assert capped.admit(sample(2), workspace="v")[0].tags == {"user": "2"}
    assert capped.admit(sample(2))[0].tags == {"series": OTHER}


def test_an_hour_later_there_is_room_again_and_what_lives_on_is_not_new() -> None:
    capped = Capped(2)
    capped.admit(sample(1), sample(2))
    capped.clock.advance(HOUR_S)
    rows = capped.admit(sample(1), sample(2), sample(3), sample(4), sample(5))
    assert [row.tags.get("user") for row in rows] == ["1", "2", "3", "4", None]
    capped.clock.advance(3 * HOUR_S)
    assert [row.tags.get("user") for row in capped.admit(sample(9), sample(1), sample(2))] == ["9", "1", None]


def test_a_service_that_invents_metric_names_gets_one_for_all() -> None:
    capped = Capped(1)
    rows = capped.admit(sample(metric_name="a"), sample(metric_name="b"), sample(metric_name="c"))
    assert [row.metric_name for row in rows] == ["a", OTHER, OTHER]


def test_totals_beyond_the_bound_are_left_out_and_counted() -> None:
    capped = Capped(1)
    totals = [sample(user, temporality="cumulative", value=100.0) for user in range(3)]
    assert capped.admit(*totals) == totals[:1]
    assert capped.told == [("w", "shop", 0, 1), ("w", "shop", 0, 1)]


def test_without_a_bound_nothing_is_remembered() -> None:
    capped = Capped(0)
    samples = [sample(user) for user in range(50)]
    assert capped.admit(*samples) == samples


@given(st.lists(st.lists(st.integers(0, 30), max_size=20), max_size=20), st.integers(1, 20))
def test_deltas_add_up_whatever_is_capped(batches: list[list[int]], limit: int) -> None:
    capped = Capped(limit)
    rows = [row for users in batches for row in capped.admit(*(sample(user) for user in users))]
    assert sum(row.value for row in rows) == sum(map(len, batches))
    named = {row.tags["user"] for row in rows if "user" in row.tags}
    assert len(named) <= limit
