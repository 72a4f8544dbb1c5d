"""The tree of a trace as the API answers it. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from vantage_api.traces import tree
from vantage_api.traces.lookup import status_of
from vantage_api.traces.models import CriticalStep, ServiceShare, TraceError, TraceTree, TreeSpan
from vantage_api.traces.tree import Node, Span, Tree


def tree_body(trace_id: str, rows: Sequence[Mapping[str, Any]], *, truncated: bool) -> bytes:
    """The JSON of a `TraceTree` of at least one row. The models are made unchecked: there may be a hundred thousand."""
    grown = tree.grow(_span(row) for row in rows)
    return answered(trace_id, grown, truncated=truncated).model_dump_json().encode()


def answered(trace_id: str, grown: Tree, *, truncated: bool) -> TraceTree:
    critical: dict[str, float] = defaultdict(float)
    for segment in grown.critical_path:
        critical[segment.span.span_id] += segment.duration
    return TraceTree.model_construct(
        trace_id=trace_id,
        start=round(grown.start, 3),
        duration=round(grown.end - grown.start, 3),
        span_count=len(grown.nodes),
        error_count=sum(node.span.failed for node in grown.nodes),
        truncated=truncated,
        root_count=sum(node.place == "root" for node in grown.nodes),
        orphan_count=sum(node.place == "orphan" for node in grown.nodes),
        main_span_id=grown.main.span_id,
        errors=[
            TraceError(
                span_id=span.span_id,
                service=span.service,
                name=span.name,
                offset=round(span.start - grown.start, 3),
                is_origin=is_origin,
            )
            for span, is_origin in tree.errors(grown)
        ],
        services=_services(grown),
        critical_path=[
            CriticalStep.model_construct(
                span_id=segment.span.span_id,
                service=segment.span.service,
                name=segment.span.name,
                offset=round(segment.start - grown.start, 3),
                duration=round(segment.duration, 3),
            )
            for segment in grown.critical_path
        ],
        spans=[_tree_span(node, grown.start, critical[node.span.span_id]) for node in grown.nodes],
    )


def _services(grown: Tree) -> list[ServiceShare]:
    shares = tree.shares(grown)
    total, critical = sum(share.self_ms for share in shares), sum(share.critical_ms for share in shares)
    return [
        ServiceShare(
            service=share.service,
            spans=share.spans,
            errors=share.errors,
            self_ms=round(share.self_ms, 3),
            self_share=share.self_ms / total if total else 0.0,
            critical_ms=round(share.critical_ms, 3),
            critical_share=share.critical_ms / critical if critical else 0.0,
        )
        for share in shares
    ]


def _tree_span(node: Node, start: float, critical_ms: float) -> TreeSpan:
    span = node.span
    return TreeSpan.model_construct(
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        service=span.service,
        name=span.name,
        kind=span.kind,
        start=round(span.start, 3),
        offset=round(span.start - start, 3),
        duration=span.duration,
        status=status_of(span.status),
        depth=node.depth,
        place=node.place,
        children=node.children,
        self_ms=round(node.self_ms, 3),
        critical_ms=round(critical_ms, 3),
        skew_ms=round(node.skew_ms, 3),
    )


def _span(row: Mapping[str, Any]) -> Span:
    return Span(
        row["span_id"],
        row["parent_span_id"],
        row["service_name"],
        row["name"],
        row["kind"],
        row["start"],
        row["duration_ms"],
        row["status"],
    )
