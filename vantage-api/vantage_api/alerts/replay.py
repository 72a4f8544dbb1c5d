"""When a rule would have fired: its windows of the past, one after the other, through the same judge and states.

Windows stand side by side here, while the evaluator's overlap, so an alert may begin or end up to a window later than
it would have. An adaptive rule knows at each day what the days before it taught, and nothing of what came after.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from vantage_api.alerts.baselines import CHUNK_HOURS, Learned, taught
from vantage_api.alerts.judge import Reading, Verdict, judge_adaptive, judge_fixed, judge_silence
from vantage_api.alerts.measures import measure_of
from vantage_api.alerts.notification import Severity
from vantage_api.alerts.rules import Adaptive, Fixed, Rule
from vantage_api.alerts.seasonal import HOUR_MS, hour_of
from vantage_api.alerts.states import Alert, step

DAY_MS: Final = CHUNK_HOURS * HOUR_MS
_NOTHING: Final = Reading(None, 0)


@dataclass(frozen=True, slots=True)
class Firing:
    """`ended_ms` is None for what still fired at the end."""

    service: str
    severity: Severity
    fired_ms: int
    ended_ms: int | None
    value: float | None
    threshold: float | None
    expected: float | None


class Replay:
    """One rule and one service; feed it its windows in order."""

    def __init__(self, rule: Rule, service: str) -> None:
        self._rule = rule
        self._service = service
        self._learned: Learned | None = None
        self._alert: Alert | None = None
        self._fired: Alert | None = None
        self.firings: list[Firing] = []

    def day(self, slots: Mapping[int, Reading], start_ms: int, *, judge: bool) -> None:
        """The windows that begin in the day from `start_ms`, by their begin in ms; those of a rule that learns teach,
        after they were judged."""
        width_ms = self._rule.body.window_s * 1000
        if judge:
            for at_ms in range(start_ms, start_ms + DAY_MS, width_ms):
                verdict = self._verdict(slots.get(at_ms, _NOTHING), at_ms + width_ms // 2)
                self.take(verdict, at_ms + width_ms)
        if isinstance(self._rule.body.condition, Adaptive):
            first, measure = hour_of(start_ms), measure_of(self._rule.body)
            self._learned = taught(self._learned, self._service, slots, first, first + CHUNK_HOURS, measure)

    def silence(self, seen_ms: Iterable[int], start_ms: int, end_ms: int, step_ms: int) -> None:
        """For a no_data rule: what it would have said every `step_ms`, something having come at `seen_ms`."""
        seen = sorted(seen_ms)
        known = 0
        for now_ms in range(start_ms, end_ms, step_ms):
            while known < len(seen) and seen[known] <= now_ms:
                known += 1
            if known:
                self.take(judge_silence(self._rule.body, (now_ms - seen[known - 1]) / 1000), now_ms)

    def take(self, verdict: Verdict, now_ms: int) -> None:
        """One evaluation. An alert that comes back soon goes on."""
        after = step(self._alert, verdict, self._rule, self._service, now_ms, "replayed")
        if after is not None and after.is_up:
            self._fired = after
        elif self._fired is not None:
            self.firings.append(_firing(self._fired, now_ms))
            self._fired = None
        self._alert = after

    def finish(self) -> list[Firing]:
        if self._fired is not None:
            self.firings.append(_firing(self._fired, None))
            self._fired = None
        return self.firings

    def _verdict(self, reading: Reading, middle_ms: int) -> Verdict:
        rule = self._rule.body
        up = self._alert if self._alert is not None and self._alert.is_up else None
        match rule.condition:
            case Fixed() as fixed:
                return judge_fixed(rule, fixed, reading, up is not None)
            case Adaptive() as adaptive:
                band = None if self._learned is None else self._learned.season.at(middle_ms)
                return judge_adaptive(rule, adaptive, reading, band, None if up is None else up.severity)
            case _:
                raise ValueError(f"a {rule.condition.kind} rule has no windows")


def _firing(alert: Alert, ended_ms: int | None) -> Firing:
    assert alert.fired_ms is not None
    return Firing(alert.service, alert.severity, alert.fired_ms, ended_ms, alert.value, alert.threshold, alert.expected)
