"""Which store a configuration means."""

import fcntl
import importlib.util
import os
from pathlib import Path
from typing import Literal, TypeAlias

from vantage_common.clock import SystemClock
from vantage_common.errors import PermanentError, StoreUnavailable
from vantage_common.settings import Settings
from vantage_common.store import cluster
from vantage_common.store.api import Store
from vantage_common.store.retention import Retention
from vantage_common.telemetry import get_logger

log = get_logger("vantage.store")

EmbeddedKind: TypeAlias = Literal["chdb", "sqlite"]


def open_store(settings: Settings) -> Store:
    """The store of these settings. chDB is opened at once and takes its directory; a server is reached at first use.
    Where nothing is chosen and chDB cannot be loaded, rows go to SQLite.

    Raises, with one line for the terminal, StoreUnavailable when another process has the directory, PermanentError
    when it cannot be written, NewerSchema when a newer Vantage wrote it.
    """
    retention = Retention(settings.retention_raw_days, settings.retention_spans_days)
    kind = kind_here(settings)
    if kind == "clickhouse":
        return _open_server(settings, retention)
    if kind == "sqlite":
        if settings.store == "auto":
            log.warning("rows are kept in SQLite", reason="chDB is not installed: it has no wheel for every machine")
        return _open_sqlite(settings, retention)
    try:
        return _open_chdb(settings, retention)
    except ImportError as error:
        if settings.store != "auto":
            raise PermanentError(f"VANTAGE_STORE=chdb: chDB cannot be loaded here ({error}); try sqlite") from None
        log.warning("rows are kept in SQLite", reason=f"chDB cannot be loaded: {error}")
        return _open_sqlite(settings, retention)


def kind_here(settings: Settings) -> Literal["chdb", "clickhouse", "sqlite"]:
    """The store that will be opened, as far as can be told without loading it."""
    if settings.store == "auto" and settings.store_kind == "chdb" and importlib.util.find_spec("chdb") is None:
        return "sqlite"
    return settings.store_kind


def store_path(settings: Settings, kind: EmbeddedKind) -> Path:
    """Where an embedded store keeps its rows: a directory of chDB's, a file of SQLite's."""
    return settings.data_dir / ("chdb" if kind == "chdb" else "store.sqlite")


def _open_server(settings: Settings, retention: Retention) -> Store:
    from vantage_common.store import clickhouse  # only a process that uses its client loads it

    where = (settings.clickhouse_host, settings.clickhouse_port, settings.clickhouse_user)
    password = settings.clickhouse_password.get_secret_value()
    of_cluster = cluster.INSERT_SETTINGS if settings.clickhouse_cluster else {}
    return clickhouse.ClickHouseStore(
        "clickhouse",
        clickhouse.connect_server(*where, password, {**clickhouse.WRITER_SETTINGS, **of_cluster}),
        clickhouse.connect_server(*where, password, clickhouse.READER_SETTINGS),
        database=settings.clickhouse_database,
        retention=retention,
        cluster=settings.clickhouse_cluster,
    )


def _open_chdb(settings: Settings, retention: Retention) -> Store:
    from vantage_common.store import clickhouse  # the engine costs 200 MB: only a process that opens a store pays

    path = store_path(settings, "chdb")
    claim_directory(path)
    return clickhouse.open_chdb(path, settings.clickhouse_database, retention)


def _open_sqlite(settings: Settings, retention: Retention) -> Store:
    from vantage_common.store.sqlite import SqliteStore

    path = store_path(settings, "sqlite")
    make_directory(path.parent)
    return SqliteStore(path, retention=retention, clock=SystemClock())


def make_directory(path: Path) -> None:
    """Raises PermanentError when it cannot be made or written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermanentError(f"VANTAGE_DATA_DIR: {path} cannot be made: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermanentError(f"VANTAGE_DATA_DIR: {path} cannot be written by this user")


def claim_directory(path: Path) -> None:
    """Makes the directory and sees that nobody else has it open, which the engine would say less clearly."""
    make_directory(path)
    status = path / "status"
    if not status.exists():
        return
    with status.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreUnavailable(f"{path} is in use by another process: stop it, or set VANTAGE_DATA_DIR") from None
