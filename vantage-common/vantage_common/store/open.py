"""Which store a configuration means."""

import fcntl
import os
from pathlib import Path

from vantage_common.errors import PermanentError, StoreUnavailable
from vantage_common.settings import Settings
from vantage_common.store.api import Store


def open_store(settings: Settings) -> Store:
    """The store of these settings. chDB is opened at once and takes its directory; a server is reached at first use.

    Raises, with one line for the terminal, StoreUnavailable when another process has the directory, PermanentError
    when it cannot be written, NewerSchema when a newer Vantage wrote it.
    """
    from vantage_common.store import clickhouse  # the engine costs 200 MB: only a process that opens a store pays

    retention = clickhouse.Retention(settings.retention_raw_days, settings.retention_spans_days)
    if settings.store_kind == "clickhouse":
        where = (settings.clickhouse_host, settings.clickhouse_port, settings.clickhouse_user)
        password = settings.clickhouse_password.get_secret_value()
        return clickhouse.ClickHouseStore(
            "clickhouse",
            clickhouse.connect_server(*where, password, clickhouse.WRITER_SETTINGS),
            clickhouse.connect_server(*where, password, clickhouse.READER_SETTINGS),
            database=settings.clickhouse_database,
            retention=retention,
        )
    path = settings.data_dir / "chdb"
    claim_directory(path)
    return clickhouse.open_chdb(path, settings.clickhouse_database, retention)


def claim_directory(path: Path) -> None:
    """Makes the directory and sees that nobody else has it open, which the engine would say less clearly."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermanentError(f"VANTAGE_DATA_DIR: {path} cannot be made: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermanentError(f"VANTAGE_DATA_DIR: {path} cannot be written by this user")
    status = path / "status"
    if not status.exists():
        return
    with status.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreUnavailable(f"{path} is in use by another process: stop it, or set VANTAGE_DATA_DIR") from None
