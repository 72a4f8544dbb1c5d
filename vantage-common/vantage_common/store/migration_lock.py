"""One migration at a time on a server that several workers share.

A table is the lock: making it succeeds once. Whoever dies with it leaves it behind, so it is taken away when it is old
and no statement of a migration runs. Two workers that moved the same table at once would lose rows.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias
from uuid import uuid4

from vantage_common.errors import StoreUnavailable

MARK: Final = "vantage migration"
"""The log comment of a migration's statements."""
YOUNG_S: Final = 30
LOOKS: Final = 3
"""Between two statements there is a moment without any."""

Ask: TypeAlias = Callable[[str], Sequence[Sequence[Any]]]
Tell: TypeAlias = Callable[[str], None]


@contextlib.contextmanager
def alone(ask: Ask, tell: Tell, database: str) -> Iterator[None]:
    """Raises StoreUnavailable while somebody else migrates. Blocks for `LOOKS` seconds at most."""
    lock = f"`{database}`.migrating"
    make = f"CREATE TABLE {lock} (nothing UInt8) ENGINE = Memory"
    try:
        tell(make)
    except StoreUnavailable:
        if not _is_left_behind(ask, database):
            raise StoreUnavailable("another worker is changing the schema: wait for it") from None
        # Of several that find it left behind, one gets it: a rename of what is gone fails.
        mine = f"`{database}`.migrating_{uuid4().hex}"
        tell(f"RENAME TABLE {lock} TO {mine}")
        tell(f"DROP TABLE {mine}")
        tell(make)
    try:
        yield
    finally:
        tell(f"DROP TABLE {lock}")


def _is_left_behind(ask: Ask, database: str) -> bool:
    for look in range(LOOKS):
        if look:
            time.sleep(1)
        old = ask(
            "SELECT 1 FROM system.tables WHERE name = 'migrating' "
            f"AND database = '{database}' AND metadata_modification_time < now() - {YOUNG_S}"
        )
        if not old or ask(f"SELECT 1 FROM system.processes WHERE Settings['log_comment'] = '{MARK}'"):
            return False
    return True
