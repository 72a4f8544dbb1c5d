"""How often a comparison is wrong and how often it finds something: simulated services, looked at every minute.

A look counts as wrong when the p-value has been at or below 5 % at any minute so far although both sides are drawn
from the same world. vantage-api/tests/test_compare_rates.py holds the same worlds to bounds, with fewer repetitions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import sqrt
from time import perf_counter
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from vantage_api.compare.histogram import welch_p_value
from vantage_api.compare.plans import LEAST_VALUE
from vantage_api.compare.sequential import FIRST_LOOK, Sequence, sequence
from vantage_api.compare.sums import Scale, Sums, added, blocks

Array: TypeAlias = NDArray[np.float64]
Minutes: TypeAlias = dict[int, Sums]
SIGMA: Final = 0.5
ALPHA: Final = 0.05
HOURS: Final = 4
RUNS: Final = 2000
LONG_RUNS: Final = 200
LONG_MINUTES: Final = 24 * 60
SPREADS: Final = (20, 30, 45, 60, 120, 240)


def run() -> Iterator[str]:
    yield f"two alike services, {HOURS} h, a look a minute, {RUNS} runs each: wrong, its 99 % limit, interval right"
    for seed, world in enumerate(WORLDS):
        yield _shown(world, false_positives(world, RUNS, seed))
    yield f"the same over a day, {LONG_RUNS} runs each"
    for seed, world in enumerate(WORLDS):
        long = replace(world, minutes=LONG_MINUTES)
        yield _shown(long, false_positives(long, LONG_RUNS, seed))
    yield "beyond what is promised: one side alone changes for longer than can be told from a difference"
    for seed, world in enumerate(SLOWER):
        yield _shown(world, false_positives(world, RUNS, seed))
    yield f"Welch's test at every look, independent requests: wrong in {100 * naive_false_positives(200, 1):.0f} %"
    yield f"log-normal, deviation {SIGMA}, 10 000 requests a side: how often a shift is found"
    for percent in (2, 5, 10, 20):
        shares = [found_share(np.log1p(percent / 100), 10_000, minutes, 500, percent) for minutes in SPREADS]
        yield f"  {percent:3} %: " + ", ".join(
            f"in {minutes} min {100 * share:.0f} %" for minutes, share in zip(SPREADS, shares, strict=True)
        )
    yield _speed()


def _shown(world: "World", found: "Rates") -> str:
    right = found.covered / found.runs
    return f"  {world.name:58} {100 * found.share:5.2f} %  {100 * found.upper:5.2f} %  {100 * right:6.2f} %"


def _speed() -> str:
    """Of the test alone, over the longest range that a comparison reads."""
    rng = np.random.default_rng(1)
    minutes = 7 * LONG_MINUTES
    baseline, candidate = sides(rng, World("", minutes=minutes))
    started = perf_counter()
    tested(World("", minutes=minutes), baseline, candidate)
    return f"the test over 7 days ({minutes} minutes): {1000 * (perf_counter() - started):.0f} ms"


def log_normal(rng: np.random.Generator, n: int) -> Array:
    return 100.0 * np.exp(SIGMA * rng.standard_normal(n))


def heavy_tailed(rng: np.random.Generator, n: int) -> Array:
    """Pareto with a tail of exponent 2.2: hardly a variance."""
    return 100.0 * (1.0 + rng.pareto(2.2, n))


def zero_inflated(rng: np.random.Generator, n: int) -> Array:
    return np.where(rng.random(n) < 0.4, 0.0, log_normal(rng, n))


def autoregressive(rng: np.random.Generator, minutes: int, phi: float) -> Array:
    """AR(1) with deviation 1, from its stationary state."""
    state, *noise = rng.standard_normal(minutes).tolist()
    innovation = sqrt(1 - phi * phi)
    return np.array([state, *(state := phi * state + innovation * shock for shock in noise)])


def bursts(rng: np.random.Generator, minutes: int) -> Array:
    """1 in bursts that last 10 minutes on average and fill a twentieth of the time, else 0."""
    ends, begins = rng.random(minutes) < 0.1, rng.random(minutes) < 0.1 / 19
    found = np.empty(minutes)
    on = rng.random() < 0.05
    for minute in range(minutes):
        on = not ends[minute] if on else bool(begins[minute])
        found[minute] = on
    return found


def daily(minutes: int) -> Array:
    return np.sin(2 * np.pi * np.arange(minutes) / (24 * 60))


Load: TypeAlias = Callable[[np.random.Generator, int], Array]
"""What load adds to the logarithm of every duration, minute by minute."""


def idle(rng: np.random.Generator, minutes: int) -> Array:
    return np.zeros(minutes)


def slow(phi: float, deviation: float) -> Load:
    return lambda rng, minutes: deviation * autoregressive(rng, minutes, phi)


@dataclass(frozen=True)
class World:
    """Two services with so many requests a minute. `shared` is the load of both, `own` each one's own. A load of 1
    multiplies the traffic by exp(`traffic`)."""

    name: str
    rates: tuple[float, float] = (40.0, 40.0)
    values: Callable[[np.random.Generator, int], Array] = log_normal
    shared: Load = idle
    own: Load = idle
    traffic: float = 0.0
    scale: Scale = "log"
    error_ratio: float = 0.0
    minutes: int = HOURS * 60


WORLDS: Final = (
    World("independent requests"),
    World("the same, linear scale", scale="linear"),
    World("load shared by both, AR(1) 0.95", shared=slow(0.95, 0.5)),
    World("own load a minute, no memory", own=slow(0.0, 0.2)),
    World("own load, AR(1) 0.5", own=slow(0.5, 0.1)),
    World("own load, AR(1) 0.8", own=slow(0.8, 0.1)),
    World("own load, AR(1) 0.9", own=slow(0.9, 0.1)),
    World("own load, AR(1) 0.95", own=slow(0.95, 0.1)),
    World("own load, AR(1) 0.95, half of the noise", own=slow(0.95, 0.08)),
    World("own bursts of 10 minutes, twice as slow, 3 × the traffic", own=lambda r, m: 0.7 * bursts(r, m), traffic=1.5),
    World("daily pattern of latency and traffic, shared", shared=lambda _, m: 0.5 * daily(m), traffic=2.0),
    World("heavy tails, linear scale", values=heavy_tailed, scale="linear"),
    World("heavy tails, 20 times the traffic, linear scale", (100.0, 5.0), heavy_tailed, scale="linear"),
    World("20 times the traffic", (100.0, 5.0)),
    World("4 of 10 are zero", values=zero_inflated),
    World("4 of 10 are zero, linear scale", values=zero_inflated, scale="linear"),
    World("a request every two minutes", (0.5, 0.5)),
    World("1 % errors, latency or errors", error_ratio=0.01),
)
SLOWER: Final = (
    World("own load, AR(1) 0.98, a third of the noise", own=slow(0.98, 0.055)),
    World("own load, AR(1) 0.99, half of the noise", own=slow(0.99, 0.08)),
)
"""Beyond what is promised: one side alone drifts for longer than can be told from a difference."""


@dataclass
class Rates:
    """`wrong` of `runs` were significant at some minute; of `covered` the interval at the end held the truth."""

    runs: int
    wrong: int = 0
    covered: int = 0

    @property
    def share(self) -> float:
        return self.wrong / self.runs

    @property
    def upper(self) -> float:
        """One-sided 99 % limit of the true share, by Clopper and Pearson (1934)."""
        from scipy.special import betaincinv

        return float(betaincinv(self.wrong + 1, self.runs - self.wrong, 0.99)) if self.wrong < self.runs else 1.0


def side(rng: np.random.Generator, world: World, rate: float, load: Array, shift: float = 0.0) -> Minutes:
    counts = rng.poisson(rate * np.exp(world.traffic * load))
    at = np.repeat(np.arange(len(load)), counts)
    values = world.values(rng, len(at)) * np.exp(load[at] + shift)
    logs = np.log(np.maximum(values, LEAST_VALUE))
    failed = rng.random(len(at)) < world.error_ratio
    columns = [values, values**2, logs, logs**2]
    sums = [np.bincount(at, weights=column, minlength=len(load)).tolist() for column in columns]
    marks = [np.bincount(at[marked], minlength=len(load)).tolist() for marked in (failed, values < LEAST_VALUE)]
    return {
        minute: Sums(n, total, squares, log_total, log_squares, errors, floored)
        for minute, (n, total, squares, log_total, log_squares, errors, floored) in enumerate(
            zip(counts.tolist(), *sums, *marks, strict=True)
        )
        if n
    }


def sides(rng: np.random.Generator, world: World, shift: float = 0.0) -> tuple[Minutes, Minutes]:
    """The candidate's durations are exp(`shift`) times the baseline's."""
    common = world.shared(rng, world.minutes)
    loads = [common + world.own(rng, world.minutes) for _ in range(2)]
    return side(rng, world, world.rates[0], loads[0]), side(rng, world, world.rates[1], loads[1], shift)


def tested(world: World, baseline: Minutes, candidate: Minutes) -> list[Sequence]:
    """The test of the values and, where there are any, of the errors."""
    found = blocks(baseline, candidate, world.minutes)
    weights = np.array([block.weight for block in found])
    unit = 1.0 if world.scale == "log" else added(baseline.values()).mean
    values = sequence(np.array([block.difference(world.scale, unit) for block in found]), weights)
    if not world.error_ratio:
        return [values]
    return [values, sequence(np.array([block.error_difference for block in found]), weights)]


def is_significant(tests: list[Sequence]) -> bool:
    """At some minute; errors must be surer, as in the verdict."""
    bounds = (ALPHA, ALPHA / 5)
    return any(test.last_p_value <= bound for test, bound in zip(tests, bounds, strict=False))


def false_positives(world: World, runs: int, seed: int) -> Rates:
    rng = np.random.default_rng(seed)
    found = Rates(runs)
    for _ in range(runs):
        tests = tested(world, *sides(rng, world))
        interval = tests[0].interval(ALPHA)
        found.wrong += is_significant(tests)
        found.covered += interval is None or interval[0] <= 0.0 <= interval[1]
    return found


def found_share(shift: float, requests: int, minutes: int, runs: int, seed: int) -> float:
    """How often a shift is significant that many `requests` a side, spread over the minutes, have."""
    rng = np.random.default_rng(seed)
    world = World("", (requests / minutes, requests / minutes), minutes=minutes)
    return sum(is_significant(tested(world, *sides(rng, world, shift))) for _ in range(runs)) / runs


def naive_false_positives(runs: int, seed: int) -> float:
    """The same looks with Welch's test, as if each were the only one."""
    rng = np.random.default_rng(seed)
    world = World("", minutes=HOURS * 60)
    wrong = 0
    for _ in range(runs):
        baseline, candidate = sides(rng, world)
        wrong += any(p <= ALPHA for p in _welch_looks(world, baseline, candidate))
    return wrong / runs


def _welch_looks(world: World, baseline: Minutes, candidate: Minutes) -> Iterator[float]:
    first, second = Sums(), Sums()
    for minute in range(world.minutes):
        first, second = first + baseline.get(minute, Sums()), second + candidate.get(minute, Sums())
        if minute >= FIRST_LOOK:
            yield welch_p_value((first.mean, second.mean), (first.variance, second.variance), (first.n, second.n))
