"""When which hour is rolled up; the store is a list of what it was asked for."""

from collections import defaultdict

import pytest
from vantage_common.clock import ManualClock
from vantage_common.errors import StoreUnavailable
from vantage_common.store.api import Arrivals, RollupSource
from vantage_common.store.retention import Retention
from vantage_worker.metrics import WorkerMetrics
from vantage_worker.rollups import HOUR_MS, HOURS_A_TURN, RollupChore

DAY_MS = 24 * HOUR_MS
NINE_MS = 20_000 * DAY_MS + 9 * HOUR_MS
MINUTE_S = 60


class Recorded:
    """Rows by their arrival on a clock, and every hour that was computed."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.rows: list[tuple[int, int]] = []
        self.computed: list[int] = []
        self.positions: dict[RollupSource, int] = defaultdict(int)
        self.outdated: set[int] = set()
        self.failing: set[int] = set()
        self.is_away = False
        self._known: dict[int, int] = {}

    def arrive(self, *hours: int) -> None:
        self.rows += [(self.clock.now_ms(), hour) for hour in hours]

    async def position(self, source: RollupSource) -> int:
        return self.positions[source]

    async def advance(self, source: RollupSource, position_ms: int) -> None:
        self.positions[source] = position_ms

    async def arrivals(self, source: RollupSource, since_ms: int) -> Arrivals:
        if self.is_away:
            raise StoreUnavailable("away")
        rows = self.rows if source == "metrics" else []
        return Arrivals(tuple(sorted({hour for at, hour in rows if at >= since_ms})), self.clock.now_ms() - 300_000)

    async def outdate(self, source: RollupSource, hour_ms: int) -> bool:
        number = sum(hour == hour_ms for _, hour in self.rows)
        if hour_ms in self.outdated or number <= self._known.get(hour_ms, number):
            return False
        self.outdated.add(hour_ms)
        return True

    async def recompute(self, source: RollupSource, hour_ms: int, now_ms: int) -> bool:
        if hour_ms in self.failing:
            raise StoreUnavailable("this hour is too much")
        number = sum(hour == hour_ms for _, hour in self.rows)
        if number == self._known.get(hour_ms):
            return False
        self._known[hour_ms] = number
        self.outdated.discard(hour_ms)
        self.computed.append((hour_ms - NINE_MS) // HOUR_MS)
        return True


class Bench:
    def __init__(self, raw_days: int = 90) -> None:
        self.metrics = WorkerMetrics()
        self.clock = ManualClock(NINE_MS)
        self.store = Recorded(self.clock)
        self.is_mine = True
        self.raw_days = raw_days
        self.chore = self.restarted()

    def restarted(self) -> RollupChore:
        retention = Retention(self.raw_days, 30)
        return RollupChore(self.store, self.clock, retention, self.metrics, is_mine=lambda: self.is_mine)

    async def after(self, minutes: float) -> list[int]:
        """The hours computed in the turn so many minutes later, counted from nine o'clock."""
        self.clock.advance(minutes * MINUTE_S)
        self.store.computed.clear()
        await self.chore.turn()
        return list(self.store.computed)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_an_hour_is_computed_five_minutes_after_it_closed(bench: Bench) -> None:
    bench.store.arrive(NINE_MS)
    assert await bench.after(1) == []
    assert await bench.after(63) == []
    assert await bench.after(1) == [0]
    assert await bench.after(60) == []


async def test_a_late_row_runs_its_hour_again_at_most_every_ten_minutes(bench: Bench) -> None:
    bench.store.arrive(NINE_MS)
    assert await bench.after(65) == [0]
    bench.store.arrive(NINE_MS)
    assert await bench.after(1) == []
    bench.store.arrive(NINE_MS)
    assert await bench.after(8) == []
    assert await bench.after(1) == [0]
    bench.store.arrive(NINE_MS - 3 * HOUR_MS)
    assert await bench.after(0.5) == [-3]


async def test_an_hour_that_rows_come_late_for_is_outdated_until_it_is_computed_again(bench: Bench) -> None:
    bench.store.arrive(NINE_MS)
    await bench.after(65)
    assert not bench.store.outdated
    bench.store.arrive(NINE_MS)
    assert await bench.after(0.5) == []
    assert bench.store.outdated == {NINE_MS}
    bench.chore = bench.restarted()
    assert await bench.after(0) == [0]
    assert not bench.store.outdated


async def test_hours_at_the_edge_of_retention_are_left_alone() -> None:
    bench = Bench(raw_days=2)
    now_ms = NINE_MS + 70 * MINUTE_S * 1000
    edge = (now_ms - 2 * DAY_MS) // HOUR_MS * HOUR_MS
    bench.store.arrive(edge, edge + HOUR_MS, edge + 2 * HOUR_MS, edge + 3 * HOUR_MS, NINE_MS)
    assert await bench.after(70) == [0, -44]


async def test_the_newest_hours_come_first_and_a_turn_is_short(bench: Bench) -> None:
    bench.store.arrive(*(NINE_MS - n * HOUR_MS for n in range(1, 50)))
    assert await bench.after(65) == [-n for n in range(1, HOURS_A_TURN + 1)]
    bench.store.arrive(NINE_MS)
    assert (await bench.after(0.5))[0] == 0


async def test_a_restart_forgets_nothing_that_was_still_to_do(bench: Bench) -> None:
    bench.store.arrive(NINE_MS)
    await bench.after(65)
    bench.store.arrive(NINE_MS, NINE_MS - HOUR_MS)
    bench.store.failing = {NINE_MS - HOUR_MS}
    bench.clock.advance(30 * MINUTE_S)
    for _ in range(120):
        await bench.after(0.5)
    assert bench.store.positions["metrics"] > 0
    bench.store.failing.clear()
    bench.chore = bench.restarted()
    assert await bench.after(0) == [-1]


async def test_the_position_moves_on_so_that_a_restart_looks_at_little(bench: Bench) -> None:
    for _ in range(5):
        bench.store.arrive(bench.clock.now_ms() // HOUR_MS * HOUR_MS)
        for _ in range(6):
            await bench.after(10)
    assert bench.clock.now_ms() - bench.store.positions["metrics"] <= 2 * HOUR_MS


async def test_hours_that_have_not_begun_do_not_wait(bench: Bench) -> None:
    """The first look at a day names all of its hours: they would else hold back the position until midnight."""
    bench.store.arrive(NINE_MS - HOUR_MS, *(NINE_MS + hour * HOUR_MS for hour in range(15)))
    await bench.after(minutes=6)
    waiting = bench.metrics.registry.get_sample_value("vantage_worker_rollup_hours_waiting")
    assert waiting == 2  # this hour and the next
    await bench.after(minutes=125)
    assert bench.store.positions["metrics"] > 0


async def test_an_hour_that_always_fails_holds_up_no_other(bench: Bench) -> None:
    bench.store.arrive(NINE_MS, NINE_MS - HOUR_MS)
    bench.store.failing = {NINE_MS}
    assert await bench.after(65) == []
    assert await bench.after(0.5) == [-1]
    bench.store.failing.clear()
    assert await bench.after(1) == [0]


async def test_a_store_that_is_away_is_asked_again(bench: Bench) -> None:
    bench.store.arrive(NINE_MS)
    bench.store.is_away = True
    assert await bench.after(65) == []
    bench.store.is_away = False
    assert await bench.after(0.5) == [0]


async def test_only_the_worker_whose_turn_it_is_rolls_up(bench: Bench) -> None:
    bench.store.arrive(NINE_MS)
    bench.is_mine = False
    assert await bench.after(65) == []
    bench.is_mine = True
    assert await bench.after(0.5) == [0]
