"""The error tree. A caller decides by class alone: wait and try again, give up, or tell the user."""

from collections.abc import Sequence
from dataclasses import dataclass


class VantageError(Exception):
    """Root of every error Vantage raises on purpose."""


class RetryableError(VantageError):
    """The same call may succeed later: a broker or a store that does not answer in time."""


class PermanentError(VantageError):
    """The same call will never succeed: a record that cannot be decoded, a schema that is too new."""


class BusUnavailable(RetryableError):
    """The broker has not acknowledged, or cannot be reached, within the deadline."""


class CommitRejected(RetryableError):
    """The group moved on without us: another member owns the partition now."""


class StoreUnavailable(RetryableError):
    """The store does not answer, or refused for a reason that passes (memory, disk, connection)."""


class QueryTimeout(RetryableError):
    """A query ran over its time limit and was stopped."""


class PoisonRecord(PermanentError):
    """A bus record that cannot be turned into rows. The message is the reason kept in the dead letter."""


class NewerSchema(PermanentError):
    """A block or table written by a newer Vantage: this one must not guess its meaning."""


class StoreRejected(PermanentError):
    """The store refused the rows or the query itself."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One fault inside a request: where it is (`loc`, e.g. ``metrics.3.value``) and what is wrong."""

    loc: str
    msg: str


class UserError(VantageError):
    """What a client did wrong, in the one error shape of the HTTP API."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        hint: str | None = None,
        position: int | None = None,
        details: Sequence[Detail] = (),
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.hint = hint
        self.position = position
        self.details = tuple(details)
        self.retry_after_s = retry_after_s

    def as_body(self) -> dict[str, object]:
        """The JSON body ``{"error": {"code", "message", "hint"?, "position"?, "details"?}}``."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.hint is not None:
            error["hint"] = self.hint
        if self.position is not None:
            error["position"] = self.position
        if self.details:
            error["details"] = [{"loc": d.loc, "msg": d.msg} for d in self.details]
        return {"error": error}
