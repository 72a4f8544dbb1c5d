"""Answers that are kept: who gets which, for how long, and how many there are."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from vantage_api.kept import KEPT_S, MAX_ANSWER_BYTES, MAX_RENEWED, KeptAnswers, Question, View, key_of, size_of
from vantage_api.metrics import ApiMetrics
from vantage_common.clock import ManualClock
from vantage_common.errors import StoreUnavailable
from vantage_common.store.plan import (
    Call,
    Column,
    Expr,
    Literal,
    QueryPlan,
    Result,
    Selected,
    Time,
    all_of,
    between,
    eq,
)

NOW_MS = 1_790_035_200_000
HOUR_MS = 3_600_000


def plan(start_ms: int = NOW_MS - HOUR_MS, end_ms: int = NOW_MS, workspace: str = "w", *conditions: Expr) -> QueryPlan:
    where = all_of(between("timestamp", start_ms, end_ms), *conditions)
    return QueryPlan("metrics", workspace, (Selected(Call("count"), "n"),), where=where)


class Store:
    """Counts what it is asked, and answers with the number of the question once it may."""

    def __init__(self, *, open_: bool = True) -> None:
        self.asked: list[QueryPlan] = []
        self.cancelled = 0
        self.may_answer = asyncio.Event()
        self.fails = False
        if open_:
            self.may_answer.set()

    async def __call__(self, asked: QueryPlan) -> Result:
        self.asked.append(asked)
        number = len(self.asked)
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.fails:
            raise StoreUnavailable("away")
        return Result((), ((number,),), 1.0, "metrics")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture
def metrics() -> ApiMetrics:
    return ApiMetrics()


@pytest.fixture
def kept(clock: ManualClock, metrics: ApiMetrics) -> KeptAnswers:
    return KeptAnswers(clock, metrics)


def number(metrics: ApiMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


async def some_turns() -> None:
    """Lets every task go as far as it gets."""
    for _ in range(20):
        await asyncio.sleep(0)


async def renewed(kept: KeptAnswers) -> None:
    """Waits for what is renewed behind: its size is reckoned in a thread."""
    while kept.renewing:  # noqa: ASYNC110 - it tells nobody else
        await asyncio.sleep(0.001)


async def numbers(
    kept: KeptAnswers, store: Store, plans: Sequence[QueryPlan], *, even_older: bool = False
) -> list[tuple[int, bool]]:
    answers = [await kept.answer(asked, store, even_older=even_older) for asked in plans]
    return [(answer.result.rows[0][0], answer.cached) for answer in answers]


def of_now(clock: ManualClock) -> QueryPlan:
    return plan(clock.now_ms() - HOUR_MS, clock.now_ms())


async def test_a_question_within_a_step_of_its_range_is_asked_once(kept: KeptAnswers, clock: ManualClock) -> None:
    store = Store()
    assert await numbers(kept, store, [of_now(clock)]) == [(1, False)]
    clock.advance(29)
    assert await numbers(kept, store, [of_now(clock)]) == [(1, True)]
    clock.advance(2)
    assert await numbers(kept, store, [of_now(clock)]) == [(2, False)]


async def test_an_older_answer_is_given_while_it_is_renewed_behind(
    kept: KeptAnswers, clock: ManualClock, metrics: ApiMetrics
) -> None:
    store = Store()
    assert await numbers(kept, store, [of_now(clock)], even_older=True) == [(1, False)]
    clock.advance(31)
    store.may_answer.clear()
    assert await numbers(kept, store, [of_now(clock)] * 3, even_older=True) == [(1, True)] * 3
    assert number(metrics, "vantage_api_kept_answers_total", outcome="older") == 3
    await some_turns()
    assert len(store.asked) == 2
    store.may_answer.set()
    await renewed(kept)
    assert await numbers(kept, store, [of_now(clock)], even_older=True) == [(2, True)]
    assert len(store.asked) == 2


async def test_a_range_that_ended_just_now_is_not_given_an_answer_of_a_later_one(
    kept: KeptAnswers, clock: ManualClock
) -> None:
    """They differ by nothing but their end; the other way round it is an older answer."""
    store, just_ended = Store(), plan(NOW_MS - HOUR_MS - 45_000, NOW_MS - 45_000)
    assert await numbers(kept, store, [of_now(clock), just_ended], even_older=True) == [(1, False), (2, False)]
    assert await numbers(kept, store, [of_now(clock)], even_older=True) == [(2, True)]
    await renewed(kept)
    assert await numbers(kept, store, [of_now(clock)]) == [(3, True)]


async def test_few_are_renewed_at_once(kept: KeptAnswers, clock: ManualClock) -> None:
    store = Store()
    past = [plan(NOW_MS - (9 + n) * HOUR_MS, NOW_MS - HOUR_MS) for n in range(MAX_RENEWED + 2)]
    await numbers(kept, store, past, even_older=True)
    before = len(store.asked)
    clock.advance(KEPT_S)
    store.may_answer.clear()
    await numbers(kept, store, past, even_older=True)
    await some_turns()
    assert len(store.asked) == before + MAX_RENEWED
    store.may_answer.set()
    for _ in past:
        await renewed(kept)
        await numbers(kept, store, past, even_older=True)
    assert len(store.asked) == before + len(past)


async def test_who_asks_while_an_answer_is_renewed_and_goes_away_does_not_end_that(
    kept: KeptAnswers, clock: ManualClock
) -> None:
    store = Store()
    await numbers(kept, store, [of_now(clock)], even_older=True)
    clock.advance(31)
    store.may_answer.clear()
    await numbers(kept, store, [of_now(clock)], even_older=True)
    await some_turns()
    clock.advance(20)
    waiting = asyncio.create_task(kept.answer(of_now(clock), store))
    await some_turns()
    waiting.cancel()
    await asyncio.wait({waiting})
    store.may_answer.set()
    await renewed(kept)
    assert (len(store.asked), store.cancelled) == (2, 0)
    assert await numbers(kept, store, [of_now(clock)], even_older=True) == [(2, True)]


async def test_a_renewal_that_fails_is_tried_again_and_told_once_nothing_is_left(
    kept: KeptAnswers, clock: ManualClock
) -> None:
    store = Store()
    await numbers(kept, store, [of_now(clock)], even_older=True)
    clock.advance(31)
    store.fails = True
    for asked in (2, 3):
        assert await numbers(kept, store, [of_now(clock)], even_older=True) == [(1, True)]
        await renewed(kept)
        assert len(store.asked) == asked
    clock.advance(30)
    with pytest.raises(StoreUnavailable):
        await numbers(kept, store, [of_now(clock)], even_older=True)


async def test_no_answer_is_older_than_two_minutes(kept: KeptAnswers, clock: ManualClock) -> None:
    store, past = Store(), plan(NOW_MS - 3 * HOUR_MS, NOW_MS - HOUR_MS)
    clock.advance(0.5)
    assert await numbers(kept, store, [past, past], even_older=True) == [(1, False), (1, True)]
    clock.advance(KEPT_S - 0.1)
    assert await numbers(kept, store, [past], even_older=True) == [(1, True)]
    await some_turns()
    assert len(store.asked) == 1
    clock.advance(KEPT_S + 0.1)
    assert await numbers(kept, store, [past], even_older=True) == [(2, False)]


async def test_a_tenant_never_gets_the_answer_of_another(kept: KeptAnswers) -> None:
    asked = [plan(workspace=name) for name in ("a", "b", "a", "b")]
    assert await numbers(kept, Store(), asked) == [(1, False), (2, False), (1, True), (2, True)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (eq("value", 1), eq("value", 1.0)),
        (eq("value", 1), Call("=", (Column("value"), Literal(True)))),
        (eq("service_name", "a"), eq("service_name", "a ")),
        (eq("service_name", "x', 'y"), Call("in", (Column("service_name"), Literal("x"), Literal("y")))),
    ],
)
async def test_questions_that_only_look_alike_are_two(kept: KeptAnswers, one: Expr, other: Expr) -> None:
    asked = [plan(NOW_MS - HOUR_MS, NOW_MS, "w", condition) for condition in (one, other)]
    assert await numbers(kept, Store(), asked) == [(1, False), (2, False)]


@pytest.mark.parametrize(
    "asked",
    [
        QueryPlan("metrics", "w", (Selected(Call("count"), "n"),)),
        QueryPlan(
            "metrics", "w", (Selected(Call("count"), "n"),), where=Call("<", (Column("timestamp"), Time(NOW_MS)))
        ),
        plan(NOW_MS - 300_000),
        plan(NOW_MS, NOW_MS - HOUR_MS),
    ],
    ids=["no range", "no begin", "five minutes", "no time at all"],
)
async def test_what_has_to_be_fresh_is_always_asked(kept: KeptAnswers, asked: QueryPlan) -> None:
    assert await numbers(kept, Store(), [asked, asked]) == [(1, False), (2, False)]


def test_a_range_in_the_past_is_exact() -> None:
    early, late = (plan(NOW_MS - 9 * HOUR_MS + shift, NOW_MS - HOUR_MS) for shift in (0, 1))
    assert key_of(early, NOW_MS) != key_of(late, NOW_MS)


async def test_the_same_question_at_once_is_asked_once(kept: KeptAnswers, metrics: ApiMetrics) -> None:
    store = Store(open_=False)
    waiting = [asyncio.create_task(kept.answer(plan(), store)) for _ in range(5)]
    await some_turns()
    assert number(metrics, "vantage_api_kept_answers_total", outcome="joined") == 4
    store.may_answer.set()
    answers = await asyncio.gather(*waiting)
    assert [answer.cached for answer in answers] == [False, True, True, True, True]
    assert len(store.asked) == 1


async def test_a_question_is_given_up_when_the_last_who_waits_has_gone(kept: KeptAnswers, metrics: ApiMetrics) -> None:
    store = Store(open_=False)
    waiting = [asyncio.create_task(kept.answer(plan(), store)) for _ in range(2)]
    await some_turns()
    assert number(metrics, "vantage_api_kept_answers_total", outcome="joined") == 1
    waiting[0].cancel()
    await asyncio.wait({waiting[0]})
    assert store.cancelled == 0
    waiting[1].cancel()
    await asyncio.wait({waiting[1]})
    late = asyncio.create_task(kept.answer(plan(), store))
    await some_turns()
    assert store.cancelled == 1
    store.may_answer.set()
    assert (await late).result.rows == ((2,),)


async def test_a_failure_is_told_to_all_and_never_kept(kept: KeptAnswers) -> None:
    store = Store()
    store.fails = True
    found = await asyncio.gather(*(kept.answer(plan(), store) for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in found] == [StoreUnavailable] * 3
    store.fails = False
    assert await numbers(kept, store, [plan()]) == [(2, False)]


async def test_what_was_not_used_for_longest_goes_first(clock: ManualClock, metrics: ApiMetrics) -> None:
    kept, store = KeptAnswers(clock, metrics, max_answers=2), Store()
    a, b, c = (plan(workspace=name) for name in "abc")
    assert await numbers(kept, store, [a, b, a, c]) == [(1, False), (2, False), (1, True), (3, False)]
    assert await numbers(kept, store, [a, c, b]) == [(1, True), (3, True), (4, False)]
    assert number(metrics, "vantage_api_kept_answers_held") == 2


async def test_the_bytes_that_are_kept_are_bounded(clock: ManualClock, metrics: ApiMetrics) -> None:
    async def answer(_: QueryPlan) -> Result:
        return Result((), (("x" * 1000,),), 1.0, "metrics")

    kept = KeptAnswers(clock, metrics, max_bytes=10_000)
    for name in range(50):
        await kept.answer(plan(workspace=str(name)), answer)
        held = number(metrics, "vantage_api_kept_answers_bytes")
        assert held is not None
        assert 1000 < held <= 10_000


async def test_an_answer_that_is_too_large_is_not_kept(kept: KeptAnswers) -> None:
    asked: list[QueryPlan] = []

    async def answer(question: QueryPlan) -> Result:
        asked.append(question)
        return Result((), (("x" * MAX_ANSWER_BYTES,),), 1.0, "metrics")

    for _ in range(2):
        await kept.answer(plan(), answer)
    assert len(asked) == 2


@pytest.mark.parametrize("rows", [(), ((0, None),), ((0, float("nan"), ""),)])
async def test_nothing_found_is_given_again_to_those_alone_who_take_it(
    kept: KeptAnswers, rows: tuple[tuple[Any, ...], ...]
) -> None:
    """Who has just sent his first rows looks until they are there; a count and a mean of nothing are a row."""
    asked: list[QueryPlan] = []

    async def answer(question: QueryPlan) -> Result:
        asked.append(question)
        return Result((), rows, 1.0, "metrics")

    for _ in range(2):
        assert not (await kept.answer(plan(), answer)).cached
    assert (await kept.answer(plan(), answer, even_nothing=True)).cached
    assert len(asked) == 2


def test_the_size_of_an_answer_is_all_that_is_in_it() -> None:
    assert size_of((("x" * 1000, [1.5] * 10, {"k": "y" * 1000}),)) > 2000


class Views:
    """Makes views, each with its number for a body."""

    def __init__(self, *, whole: bool = True, most_s: float = KEPT_S) -> None:
        self.made = 0
        self.whole = whole
        self.most_s = most_s
        self.may_make = asyncio.Event()
        self.may_make.set()

    async def __call__(self) -> View:
        self.made += 1
        number = self.made
        await self.may_make.wait()
        return View(b"%d" % number, self.whole, self.most_s)


def question(clock: ManualClock, workspace: str = "w", *about: object, ago_ms: int = 0) -> Question:
    end_ms = clock.now_ms() - ago_ms
    return Question(workspace, about, end_ms - HOUR_MS, end_ms)


async def test_a_view_is_made_once_a_step_and_given_once_more_while_it_is_made_anew(
    kept: KeptAnswers, clock: ManualClock
) -> None:
    views = Views()
    assert [await kept.view(question(clock), views) for _ in range(2)] == [b"1", b"1"]
    clock.advance(31)
    assert await kept.view(question(clock), views) == b"1"
    await renewed(kept)
    assert await kept.view(question(clock), views) == b"2"
    clock.advance(61)
    assert await kept.view(question(clock), views) == b"3"


async def test_a_view_may_be_fresh_for_less_than_a_step(kept: KeptAnswers, clock: ManualClock) -> None:
    for ago_ms in (0, HOUR_MS):
        views, fixed = Views(most_s=5.0), question(clock, ago_ms=ago_ms)
        assert await kept.view(fixed, views) == b"1"
        clock.advance(4)
        assert await kept.view(fixed if ago_ms else question(clock), views) == b"1"
        clock.advance(7)
        assert await kept.view(fixed if ago_ms else question(clock), views) == b"2"


async def test_views_of_other_things_tenants_and_ranges_are_others(kept: KeptAnswers, clock: ManualClock) -> None:
    views = Views()
    asked = [
        question(clock, "w", "health", 60),
        question(clock, "v", "health", 60),
        question(clock, "w", "health", 60.0),
        question(clock, "w", "health", "60"),
        question(clock, "w", "health", 60, ago_ms=90_000),
        question(clock, "w", "health", 60, ago_ms=90_001),
        replace(question(clock, "w", "health", 60), end_ms=NOW_MS + 90_000),
    ]
    for _ in range(2):
        assert [await kept.view(one, views) for one in asked] == [b"%d" % (n + 1) for n in range(len(asked))]


async def test_a_view_that_is_not_whole_is_nobody_elses(kept: KeptAnswers, clock: ManualClock) -> None:
    views = Views(whole=False)
    assert [await kept.view(question(clock), views) for _ in range(2)] == [b"1", b"2"]
    views.may_make.clear()
    waiting = [asyncio.create_task(kept.view(question(clock), views)) for _ in range(2)]
    await some_turns()
    views.may_make.set()
    assert await asyncio.gather(*waiting) == [b"3", b"4"]


async def test_the_view_of_a_short_range_is_always_made_anew(kept: KeptAnswers, clock: ManualClock) -> None:
    views, now_ms = Views(), clock.now_ms()
    short = Question("w", (), now_ms - 300_000, now_ms)
    assert [await kept.view(short, views) for _ in range(2)] == [b"1", b"2"]


async def test_the_bytes_of_views_count(clock: ManualClock, metrics: ApiMetrics) -> None:
    async def large() -> View:
        return View(b"x" * 4000, whole=True)

    kept = KeptAnswers(clock, metrics, max_bytes=10_000)
    for n in range(5):
        await kept.view(question(clock, "w", n), large)
    assert number(metrics, "vantage_api_kept_answers_held") == 2


async def test_an_answer_about_the_past_may_be_fresh_for_longer(kept: KeptAnswers, clock: ManualClock) -> None:
    store, past = Store(), plan(NOW_MS - 3 * HOUR_MS, NOW_MS - HOUR_MS)
    for seconds, asked in ((0, 1), (299, 1), (2, 2)):
        clock.advance(seconds)
        assert (await kept.answer(past, store, past_s=300.0)).result.rows == ((asked,),)
