"""Pulses: what the live city moves by, taken from a request before its samples are merged. Pure."""

from collections.abc import Hashable, Iterable, Mapping

from vantage_common.logbins import bins_of
from vantage_common.model import (
    NAMESPACE_TAGS,
    PULSE_GAMMA,
    REQUEST_METRIC,
    VERSION_TAGS,
    Pulse,
    PulseSource,
    Sample,
    Span,
    first_of,
)

from vantage_collector.enrich import is_error
from vantage_collector.series import Series


def pulses_of_samples(workspace: str, series: Series) -> list[Pulse]:
    """The requests that the request metric tells of, one pulse a second, service, caller and instance.

    None of cumulative samples: how many of their requests are new only who has the one before can say.
    """
    pulses = _Pulses(workspace, "metric")
    for samples in series.values():
        first = samples[0]
        if first.metric_name == REQUEST_METRIC and first.metric_type != "counter" and first.temporality == "delta":
            pulses.add(
                first,
                labels=first.tags,
                caller=first.tags.get("caller", ""),
                failed=is_error(first),
                seconds=[sample.timestamp // 1000 for sample in samples],
                durations_ms=[sample.value for sample in samples],
                counts=[sample.count for sample in samples],
            )
    return pulses.all()


def pulses_of_spans(workspace: str, spans: Iterable[Span]) -> list[Pulse]:
    """The requests that server spans tell of, by the second in which they ended."""
    pulses = _Pulses(workspace, "span")
    for span in spans:
        if span.kind == "server":
            pulses.add(
                span,
                labels=span.attributes,
                caller=span.caller,
                failed=span.status == "error",
                seconds=(int(span.timestamp + span.duration_ms) // 1000,),
                durations_ms=(span.duration_ms,),
                counts=(1,),
            )
    return pulses.all()


class _Pulses:
    """Pulses being added up: by everything but their second, then by that."""

    def __init__(self, workspace: str, source: PulseSource) -> None:
        self._workspace = workspace
        self._source = source
        self._pulses: dict[Hashable, dict[int, Pulse]] = {}

    def all(self) -> list[Pulse]:
        return [pulse for seconds in self._pulses.values() for pulse in seconds.values()]

    def add(
        self,
        row: Sample | Span,
        *,
        labels: Mapping[str, str],
        caller: str,
        failed: bool,
        seconds: Iterable[int],
        durations_ms: Iterable[float],
        counts: Iterable[int],
    ) -> None:
        """Requests that agree in all but second, duration and number."""
        namespace, version = first_of(labels, NAMESPACE_TAGS), first_of(labels, VERSION_TAGS)
        key = (row.service_name, caller, row.instance, row.environment, namespace, version)
        of_second = self._pulses.setdefault(key, {})
        for second, number, count in zip(seconds, bins_of(durations_ms, PULSE_GAMMA), counts, strict=True):
            pulse = of_second.get(second)
            if pulse is None:
                pulse = of_second[second] = Pulse(
                    workspace=self._workspace,
                    service=row.service_name,
                    second=second,
                    count=0,
                    errors=0,
                    environment=row.environment,
                    namespace=namespace,
                    caller=caller,
                    instance=row.instance,
                    version=version,
                    source=self._source,
                    durations={},
                )
            pulse.count += count
            if failed:
                pulse.errors += count
            durations = pulse.durations
            durations[number] = durations.get(number, 0) + count
