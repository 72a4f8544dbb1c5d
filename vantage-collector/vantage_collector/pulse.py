"""Pulses: what the live city moves by, taken from a request before its samples are merged. Pure."""

from collections.abc import Hashable, Iterable, Mapping

from vantage_common.logbins import bin_of
from vantage_common.model import PULSE_GAMMA, REQUEST_METRIC, Pulse, PulseSource, Sample, Span

from vantage_collector.enrich import is_error

_NAMESPACE_TAGS = ("namespace", "service.namespace", "k8s.namespace.name")
_VERSION_TAGS = ("version", "service.version")


def pulses_of_samples(workspace: str, samples: Iterable[Sample]) -> list[Pulse]:
    """The requests that the request metric tells of, one pulse a second, service, caller and instance."""
    pulses = _Pulses(workspace, "metric")
    for sample in samples:
        if sample.metric_name == REQUEST_METRIC and sample.metric_type != "counter":
            pulses.add(
                second=sample.timestamp // 1000,
                row=sample,
                labels=sample.tags,
                caller=sample.tags.get("caller", ""),
                duration_ms=sample.value,
                count=sample.count,
                failed=is_error(sample),
            )
    return pulses.all()


def pulses_of_spans(workspace: str, spans: Iterable[Span]) -> list[Pulse]:
    """The requests that server spans tell of, by the second in which they ended."""
    pulses = _Pulses(workspace, "span")
    for span in spans:
        if span.kind == "server":
            pulses.add(
                second=int(span.timestamp + span.duration_ms) // 1000,
                row=span,
                labels=span.attributes,
                caller=span.caller,
                duration_ms=span.duration_ms,
                count=1,
                failed=span.status == "error",
            )
    return pulses.all()


class _Pulses:
    """Pulses being added up."""

    def __init__(self, workspace: str, source: PulseSource) -> None:
        self._workspace = workspace
        self._source = source
        self._pulses: dict[Hashable, Pulse] = {}

    def all(self) -> list[Pulse]:
        return list(self._pulses.values())

    def add(
        self,
        *,
        second: int,
        row: Sample | Span,
        labels: Mapping[str, str],
        caller: str,
        duration_ms: float,
        count: int,
        failed: bool,
    ) -> None:
        namespace, version = _first(labels, _NAMESPACE_TAGS), _first(labels, _VERSION_TAGS)
        key = (second, row.service_name, caller, row.instance, row.environment, namespace, version)
        pulse = self._pulses.get(key)
        if pulse is None:
            pulse = self._pulses[key] = Pulse(
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
        pulse.errors += count if failed else 0
        number = bin_of(duration_ms, PULSE_GAMMA)
        pulse.durations[number] = pulse.durations.get(number, 0) + count


def _first(labels: Mapping[str, str], names: Iterable[str]) -> str:
    for name in names:
        if name in labels:
            return labels[name]
    return ""
