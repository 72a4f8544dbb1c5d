"""One trace as a tree, and what in it took the time. Pure.

Times are ms as the spans' own clocks tell them. Nothing is shifted: where the clocks of two services disagree so much
that a span seems to begin before its parent, it says by how much.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

MOST_ERRORS: Final = 100
Place: TypeAlias = Literal["root", "child", "orphan", "cycle"]
"""How a span came to its place: it has no parent; its parent is there; its parent is missing; its parents lead back to
it, and the earliest of them stands first."""
Children: TypeAlias = Mapping[str, Sequence["Span"]]


@dataclass(frozen=True, slots=True)
class Span:
    span_id: str
    parent_span_id: str
    service: str
    name: str
    kind: str
    start: float
    duration: float
    status: str

    @property
    def end(self) -> float:
        return self.start + self.duration

    @property
    def failed(self) -> bool:
        return self.status == "error"


@dataclass(frozen=True, slots=True)
class Node:
    """`skew_ms` is how long before its parent the span seems to begin."""

    span: Span
    place: Place
    depth: int
    children: int
    self_ms: float
    skew_ms: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the critical path: from `start` on, for `duration`, the trace waited for the span itself."""

    span: Span
    start: float
    duration: float


@dataclass(frozen=True, slots=True)
class Tree:
    """`nodes` are depth first, siblings by begin. `critical_path` is by time, that of the tree of `main`."""

    nodes: Sequence[Node]
    main: Span
    critical_path: Sequence[Segment]
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Share:
    """What a service did of a trace: `self_ms` is the time of its spans in which none of their children ran."""

    service: str
    spans: int
    errors: int
    self_ms: float
    critical_ms: float


def grow(spans: Iterable[Span]) -> Tree:
    """The tree of at least one span; of several with one id the first counts."""
    by_id: dict[str, Span] = {}
    for span in sorted(spans, key=_begin):
        by_id.setdefault(span.span_id, span)
    children: dict[str, list[Span]] = defaultdict(list)
    for span in by_id.values():
        if span.parent_span_id in by_id:
            children[span.parent_span_id].append(span)
    nodes = _nodes(by_id, children)
    tops = [node for node in nodes if node.depth == 0]
    main = min(tops, key=lambda node: (node.place != "root", *_begin(node.span))).span
    return Tree(
        nodes,
        main,
        critical_path(main, children),
        min(span.start for span in by_id.values()),
        max(span.end for span in by_id.values()),
    )


def critical_path(root: Span, children: Children) -> list[Segment]:
    """What the root waited for, from its begin to its end without a gap, by time.

    Walked back from the root's end: the child that ended last was waited for, so the time after it was the span's own;
    from that child's begin on the same question is asked again. A child that still ran when a later one on the path had
    begun ran beside it. The method is that of CRISP (Zhang et al., USENIX ATC 2022), which Jaeger shows too. What a
    child does beyond its parent is cut off; a consumer that outlives its parent was not waited for at all.
    """
    segments: list[Segment] = []
    todo = [(root, root.start, root.end)]
    seen = {root.span_id}
    while todo:
        span, low, high = todo.pop()
        cursor = high
        for child in _last_first(children.get(span.span_id, ()), high):
            start, end = max(child.start, low), min(child.end, high)
            is_beside = end > cursor or start >= end
            if is_beside or child.span_id in seen or (child.kind == "consumer" and child.end > span.end):
                continue
            seen.add(child.span_id)
            _add(segments, span, end, cursor)
            todo.append((child, start, end))
            cursor = start
        _add(segments, span, low, cursor)
    return sorted(segments, key=lambda segment: segment.start)


def self_time(span: Span, children: Sequence[Span]) -> float:
    """The time of a span, ms, in which none of its children ran."""
    busy, reached = 0.0, span.start
    for child in sorted(children, key=_begin):
        start, end = max(child.start, reached), min(child.end, span.end)
        if end > start:
            busy += end - start
            reached = end
    return max(span.duration - busy, 0.0)


def shares(tree: Tree) -> list[Share]:
    """By service, the one that was waited for longest first."""
    critical: dict[str, float] = defaultdict(float)
    for segment in tree.critical_path:
        critical[segment.span.service] += segment.duration
    nodes: dict[str, list[Node]] = defaultdict(list)
    for node in tree.nodes:
        nodes[node.span.service].append(node)
    found = [
        Share(
            service,
            len(own),
            sum(node.span.failed for node in own),
            sum(node.self_ms for node in own),
            critical[service],
        )
        for service, own in nodes.items()
    ]
    return sorted(found, key=lambda share: (-share.critical_ms, -share.self_ms, share.service))


def errors(tree: Tree) -> list[tuple[Span, bool]]:
    """The failed spans and whether the failure began there: none of their children failed. Those first, by begin."""
    passed_on = {node.span.parent_span_id for node in tree.nodes if node.span.failed}
    failed = [(node.span, node.span.span_id not in passed_on) for node in tree.nodes if node.span.failed]
    return sorted(failed, key=lambda found: (not found[1], *_begin(found[0])))[:MOST_ERRORS]


def _nodes(by_id: Mapping[str, Span], children: Children) -> list[Node]:
    """Every span once: below the roots and the orphans, then what only leads back to itself."""
    nodes: list[Node] = []
    seen: set[str] = set()
    for span in by_id.values():
        if span.parent_span_id not in by_id:
            _visit(span, "orphan" if span.parent_span_id else "root", by_id, children, seen, nodes)
    for span in by_id.values():
        if span.span_id not in seen:
            _visit(span, "cycle", by_id, children, seen, nodes)
    return nodes


def _visit(
    top: Span, place: Place, by_id: Mapping[str, Span], children: Children, seen: set[str], nodes: list[Node]
) -> None:
    todo: list[tuple[Span, Place, int]] = [(top, place, 0)]
    while todo:
        span, found, depth = todo.pop()
        if span.span_id in seen:
            continue
        seen.add(span.span_id)
        below = children.get(span.span_id, ())
        parent = by_id.get(span.parent_span_id) if found == "child" else None
        skew_ms = 0.0 if parent is None else max(parent.start - span.start, 0.0)
        nodes.append(Node(span, found, depth, len(below), self_time(span, below), skew_ms))
        todo.extend((child, "child", depth + 1) for child in reversed(below))


def _last_first(spans: Sequence[Span], high: float) -> list[Span]:
    """By their end, what lies after `high` cut off; of two that end together the one that ran longer."""
    return sorted(spans, key=lambda span: (-min(span.end, high), span.start, span.span_id))


def _add(segments: list[Segment], span: Span, start: float, end: float) -> None:
    if end > start:
        segments.append(Segment(span, start, end - start))


def _begin(span: Span) -> tuple[float, str]:
    return span.start, span.span_id
