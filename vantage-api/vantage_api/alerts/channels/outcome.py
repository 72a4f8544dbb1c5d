"""What became of one attempt to send a message."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["delivered", "failed", "refused", "timeout"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`refused` is our own doing: the target is none that a message may go to. `reason` is for people, without
    secrets; `again` says whether the same message may get through later."""

    kind: Kind
    reason: str = ""
    again: bool = False


DELIVERED = Outcome("delivered")


def timed_out(timeout_s: float) -> Outcome:
    return Outcome("timeout", f"no answer within {timeout_s:g} s", again=True)
