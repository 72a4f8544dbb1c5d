"""The intent: the range a worker is about to insert, told in the metadata of a commit at its start."""

import msgspec
from vantage_common.bus.api import Commit
from vantage_common.errors import PermanentError


class ForeignCommit(PermanentError):
    """The metadata of a commit is no intent: it was written by another program, or by a Vantage yet to come."""


class _Intent(msgspec.Struct, forbid_unknown_fields=True):
    end: int


def commit_of_intent(start: int, end: int) -> Commit:
    """Says before an insert that `start` ≤ offset < `end` will be written as one block."""
    return Commit(start, msgspec.json.encode(_Intent(end)).decode())


def intent_end(commit: Commit | None) -> int | None:
    """The end of the range that a predecessor meant to insert and has not committed past; None without one.

    Raises ForeignCommit for metadata that cannot be read: nothing is known then about what may have been inserted.
    """
    if commit is None or not commit.metadata:
        return None
    try:
        end = msgspec.json.decode(commit.metadata, type=_Intent).end
    except msgspec.DecodeError as error:
        raise ForeignCommit(f"commit metadata {commit.metadata[:100]!r} is no intent: {error}") from error
    return end if end > commit.offset else None
