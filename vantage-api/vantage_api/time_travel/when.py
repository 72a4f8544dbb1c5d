"""Which past can be asked for, and how finely. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from vantage_common.errors import UserError

from vantage_api.time_travel.plans import FINE_S, MINUTE_S
from vantage_api.times import Range

DAY_MS: Final = 24 * 3_600_000
FINE_MS: Final = 7 * DAY_MS
"""So long there are slots of ten seconds."""
MAX_FRAMES: Final = 600
MAX_CELLS: Final = 20_000
"""Frames times services of one page."""
STEPS_S: Final = (10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400)


@dataclass(frozen=True, slots=True)
class Moment:
    """`at_ms` is the last multiple of the resolution, counted from the epoch."""

    at_ms: int
    resolution_s: int


@dataclass(frozen=True, slots=True)
class Steps:
    """The moments start ≤ t ≤ end in steps, all of them multiples of the step."""

    start_ms: int
    end_ms: int
    step_s: int

    def moments(self) -> range:
        return range(self.start_ms, self.end_ms + 1, self.step_s * 1000)


def moment(at_ms: int, now_ms: int, retention_days: int) -> Moment:
    """Raises UserError 400 for the future, 404 for what is not kept any more."""
    _check(at_ms, "at", now_ms, retention_days)
    resolution_s = resolution_at(at_ms, now_ms)
    return Moment(at_ms // (resolution_s * 1000) * resolution_s * 1000, resolution_s)


def resolution_at(at_ms: int, now_ms: int) -> int:
    """10 s for a week, then a minute. The first minute read lies before the moment, hence one minute less."""
    return FINE_S if now_ms - at_ms <= FINE_MS - MINUTE_S * 1000 else MINUTE_S


def steps(asked: Range, step_s: int | None, now_ms: int, retention_days: int) -> Steps:
    """The moments of a replay; without a step the finest of `STEPS_S` that needs no more than `MAX_FRAMES`.

    Raises UserError 400 for a step that is too fine or too long, 404 for what is not kept any more.
    """
    _check(asked.start_ms, "start", now_ms, retention_days)
    _check(asked.end_ms, "end", now_ms, retention_days)
    least_s = resolution_at(asked.start_ms, now_ms)
    fitting = [step for step in STEPS_S if step >= least_s and asked.seconds / step < MAX_FRAMES]
    if step_s is None:
        chosen = fitting[0] if fitting else STEPS_S[-1]
    elif step_s not in STEPS_S or step_s < least_s:
        usable = ", ".join(str(step) for step in STEPS_S if step >= least_s)
        raise UserError("bad_step", f"step={step_s} cannot be used for this range", hint=f"seconds, one of {usable}")
    elif asked.seconds / step_s >= MAX_FRAMES:
        hint = f"at most {MAX_FRAMES} frames; " + (f"a step of {fitting[0]} s fits" if fitting else "ask for less")
        raise UserError("too_many_frames", f"{asked.seconds:g} s in steps of {step_s} s are too many", hint=hint)
    else:
        chosen = step_s
    step_ms = chosen * 1000
    first, last = -(-asked.start_ms // step_ms) * step_ms, asked.end_ms // step_ms * step_ms
    if first > last:
        raise UserError("bad_range", f"no multiple of {chosen} s lies in the range", hint="ask for a longer range")
    return Steps(first, last, chosen)


def page(asked: Steps, services: int) -> tuple[Steps, int | None]:
    """The part of the moments that one answer holds, and where the next part begins."""
    moments = asked.moments()
    frames = max(1, MAX_CELLS // max(1, services))
    if len(moments) <= frames:
        return asked, None
    return Steps(asked.start_ms, moments[frames - 1], asked.step_s), moments[frames]


def _check(ms: int, name: str, now_ms: int, retention_days: int) -> None:
    if ms > now_ms:
        raise UserError("bad_time", f"{name}={_shown(ms)} lies in the future", hint="leave it out for now")
    if now_ms - ms > retention_days * DAY_MS - 2 * MINUTE_S * 1000:
        raise UserError(
            "beyond_retention",
            f"{name}={_shown(ms)}: nothing is kept for so long",
            status=404,
            hint=f"the city can be rebuilt for {retention_days} days (VANTAGE_RETENTION_RAW_DAYS)",
        )


def _shown(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return f"{ms} ms"
