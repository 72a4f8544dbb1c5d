"""The series of one request: samples that agree in everything that names them, found once for all who ask. Pure."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeAlias

from vantage_common.model import Sample

Series: TypeAlias = Mapping[Hashable, Sequence[Sample]]
"""Samples by what names their series. No list is empty; the order of a list is that of the request."""


def by_series(samples: Iterable[Sample]) -> Series:
    """The samples, told apart by series.

    Tags in another order count as another series: it costs a merge, never a fact, and senders keep their order.
    """
    found: dict[Hashable, list[Sample]] = {}
    for sample in samples:
        tags = sample.tags
        name = (
            sample.metric_name,
            sample.endpoint,
            sample.status_code,
            sample.method,
            tuple(tags),
            tuple(tags.values()),
            sample.instance,
            sample.service_name,
            sample.metric_type,
            sample.temporality,
            sample.environment,
        )
        group = found.get(name)
        if group is None:
            found[name] = [sample]
        else:
            group.append(sample)
    return found
