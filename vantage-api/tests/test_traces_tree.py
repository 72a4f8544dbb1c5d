"""Trees of traces: every span once, whatever the parents say; the critical path explains the root's time."""

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_api.traces.answer import answered
from vantage_api.traces.tree import Place, Segment, Span, critical_path, errors, grow, self_time, shares


def span(
    span_id: str,
    parent: str,
    start: float,
    end: float,
    *,
    service: str = "s",
    kind: str = "internal",
    status: str = "ok",
) -> Span:
    return Span(span_id, parent, service, f"op {span_id}", kind, start, end - start, status)


def path(spans: Sequence[Span]) -> list[tuple[str, float, float]]:
    return [(step.span.span_id, step.start, step.start + step.duration) for step in grow(spans).critical_path]


ROOT = span("r", "", 0, 100)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([ROOT], [("r", 0, 100)]),
        # one after the other
        (
            [ROOT, span("a", "r", 10, 30), span("b", "r", 40, 90)],
            [("r", 0, 10), ("a", 10, 30), ("r", 30, 40), ("b", 40, 90), ("r", 90, 100)],
        ),
        # beside each other: the one that ended last was waited for
        (
            [ROOT, span("a", "r", 10, 80), span("b", "r", 20, 90)],
            [("r", 0, 20), ("b", 20, 90), ("r", 90, 100)],
        ),
        # both end together: the longer one
        ([ROOT, span("a", "r", 99, 100), span("b", "r", 0, 100)], [("b", 0, 100)]),
        # a child runs on after its parent, which did not wait for it
        ([ROOT, span("a", "r", 60, 500)], [("r", 0, 60), ("a", 60, 100)]),
        # a consumer was not waited for, unless it was done in time
        ([ROOT, span("a", "r", 60, 500, kind="consumer")], [("r", 0, 100)]),
        ([ROOT, span("a", "r", 60, 70, kind="consumer")], [("r", 0, 60), ("a", 60, 70), ("r", 70, 100)]),
        # a child that begins after its parent ended, and one whose clock is behind
        ([ROOT, span("a", "r", 150, 200)], [("r", 0, 100)]),
        ([ROOT, span("a", "r", -20, 30)], [("a", 0, 30), ("r", 30, 100)]),
        # grandchildren
        (
            [ROOT, span("a", "r", 10, 90), span("b", "a", 20, 50), span("c", "b", 30, 40)],
            [("r", 0, 10), ("a", 10, 20), ("b", 20, 30), ("c", 30, 40), ("b", 40, 50), ("a", 50, 90), ("r", 90, 100)],
        ),
        # no time at all
        ([span("r", "", 5, 5), span("a", "r", 5, 5)], []),
    ],
)
def test_the_critical_path_is_what_was_waited_for(spans: list[Span], expected: list[tuple[str, float, float]]) -> None:
    assert path(spans) == expected


def places(spans: Sequence[Span]) -> list[tuple[str, Place, int]]:
    return [(node.span.span_id, node.place, node.depth) for node in grow(spans).nodes]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        (
            [span("b", "r", 2, 3), span("a", "r", 1, 9), ROOT, span("c", "a", 2, 3)],
            [("r", "root", 0), ("a", "child", 1), ("c", "child", 2), ("b", "child", 1)],
        ),
        ([ROOT, span("a", "gone", 1, 2)], [("r", "root", 0), ("a", "orphan", 0)]),
        ([ROOT, span("q", "", 1, 2)], [("r", "root", 0), ("q", "root", 0)]),
        ([span("a", "b", 1, 2), span("b", "a", 2, 3)], [("a", "cycle", 0), ("b", "child", 1)]),
        ([span("a", "a", 1, 2)], [("a", "cycle", 0)]),
        ([ROOT, ROOT, span("a", "r", 1, 2), span("a", "r", 3, 4)], [("r", "root", 0), ("a", "child", 1)]),
    ],
)
def test_every_span_has_one_place(spans: list[Span], expected: list[tuple[str, Place, int]]) -> None:
    assert places(spans) == expected


def test_the_main_tree_is_the_earliest_root_else_the_earliest_orphan() -> None:
    assert grow([span("o", "gone", 0, 900), span("r", "", 5, 6), span("q", "", 7, 8)]).main.span_id == "r"
    assert grow([span("p", "gone", 3, 4), span("o", "gone", 0, 9)]).main.span_id == "o"


def test_a_clock_that_is_behind_is_told_and_nothing_is_shifted() -> None:
    tree = grow([ROOT, span("a", "r", -20, 30, service="other")])
    assert [(node.span.start, node.skew_ms) for node in tree.nodes] == [(0, 0.0), (-20, 20.0)]
    assert (tree.start, tree.end) == (-20, 100)


def test_own_time_is_without_what_children_cover_together() -> None:
    assert self_time(ROOT, [span("a", "r", 10, 50), span("b", "r", 30, 60), span("c", "r", 90, 300)]) == 40
    assert self_time(ROOT, [span("a", "r", -50, 500)]) == 0
    assert self_time(ROOT, []) == 100


def test_failures_come_first_where_they_began() -> None:
    spans = [
        span("r", "", 0, 100, status="error"),
        span("a", "r", 10, 50, status="error"),
        span("b", "a", 20, 30, status="error"),
        span("c", "r", 5, 6, status="error"),
        span("d", "r", 60, 61),
    ]
    assert [(failed.span_id, is_origin) for failed, is_origin in errors(grow(spans))] == [
        ("c", True),
        ("b", True),
        ("r", False),
        ("a", False),
    ]


def test_services_have_their_shares() -> None:
    spans = [ROOT, span("a", "r", 20, 80, service="db", status="error"), span("b", "r", 30, 70, service="idle")]
    found = [(share.service, share.spans, share.errors, share.critical_ms) for share in shares(grow(spans))]
    assert found == [("db", 1, 1, 60), ("s", 1, 0, 40), ("idle", 1, 0, 0)]


def deep(number: int) -> list[Span]:
    return [span(str(n), str(n - 1) if n else "", n, 2 * number - n) for n in range(number)]


def test_a_hundred_thousand_spans_below_each_other_are_no_matter() -> None:
    tree = grow(deep(100_000))
    assert tree.nodes[-1].depth == 99_999
    assert sum(step.duration for step in tree.critical_path) == 200_000


def test_the_answer_rounds_times_and_adds_up() -> None:
    body = answered("t", grow([ROOT, span("a", "r", 1 / 3, 30)]), truncated=False)
    assert [item.offset for item in body.spans] == [0.0, 0.333]
    assert sum(item.critical_ms for item in body.spans) == pytest.approx(100)


ids = st.integers(0, 12).map(str)
times = st.integers(-50, 150).map(float)
wild_spans = st.lists(
    st.builds(
        lambda own, parent, start, length, kind: span(own, parent, start, start + length, kind=kind),
        ids,
        st.one_of(st.just(""), ids, st.just("gone")),
        times,
        st.integers(0, 90).map(float),
        st.sampled_from(["internal", "consumer", "server"]),
    ),
    min_size=1,
    max_size=30,
)


@given(wild_spans)
def test_whatever_the_parents_say(spans: list[Span]) -> None:
    tree = grow(spans)
    assert sorted(node.span.span_id for node in tree.nodes) == sorted({one.span_id for one in spans})
    assert all(0 <= node.self_ms <= node.span.duration for node in tree.nodes)
    depths = [node.depth for node in tree.nodes]
    assert all(later <= earlier + 1 for earlier, later in pairwise(depths))
    assert_explains(tree.critical_path, tree.main)


def assert_explains(segments: Sequence[Segment], root: Span) -> None:
    """They follow each other from the root's begin to its end, each within the span it is of."""
    reached = root.start
    for step in segments:
        assert step.start == reached
        assert step.span.start <= step.start
        assert step.start + step.duration <= step.span.end
        reached += step.duration
    assert reached == root.end


def test_a_wide_trace_is_walked_in_time() -> None:
    rng = random.Random(1)
    children = {"r": [span(str(n), "r", start := rng.uniform(0, 90), start + 5) for n in range(100_000)]}
    assert_ends_meet(critical_path(ROOT, children))


def assert_ends_meet(segments: list[Segment]) -> None:
    assert sum(step.duration for step in segments) == pytest.approx(ROOT.duration)
