"""Starts the platform as a person does, `vantage up` or `vantage demo`, on free ports and a directory of its own."""

import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

READY = "is ready"
_KEPT = {"VANTAGE_DASHBOARD_DIR"}
BIN = Path(sys.executable).parent


@dataclass
class Platform:
    """A running platform; `lines` is what it has said so far."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    lines: list[str] = field(default_factory=list)

    @property
    def collector(self) -> str:
        return f"http://127.0.0.1:{self.environment['VANTAGE_COLLECTOR_PORT']}"

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.environment['VANTAGE_QUERY_PORT']}"

    @property
    def city(self) -> str:
        return f"http://127.0.0.1:{self.environment['VANTAGE_DASHBOARD_PORT']}"

    def interrupt(self) -> int:
        """Ctrl-C, and the exit status that followed."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


def free_ports(number: int) -> list[int]:
    """Ports nobody listens on now; held together while chosen, so they differ."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def environment(data_dir: Path) -> dict[str, str]:
    """The process environment with free ports, without the machine's own VANTAGE_* settings: but for the dashboard's
    directory, so that another build of it can be tried."""
    names = ("COLLECTOR", "OTLP_GRPC", "QUERY", "QUERY_METRICS", "WORKER", "DASHBOARD")
    ports = {f"VANTAGE_{name}_PORT": str(port) for name, port in zip(names, free_ports(len(names)), strict=True)}
    inherited = {name: value for name, value in os.environ.items() if name in _KEPT or not name.startswith("VANTAGE_")}
    return {**inherited, **ports, "VANTAGE_DATA_DIR": str(data_dir)}


def start(command: str, data_dir: Path, *arguments: str, ports: dict[str, str] | None = None) -> Platform:
    """Returns when the platform says it is ready. Raises RuntimeError with what it said when it exits instead."""
    chosen = ports or environment(data_dir)
    process = subprocess.Popen(
        [BIN / "vantage", command, *arguments],
        env=chosen,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    platform = Platform(process, chosen)
    ready = threading.Event()
    assert process.stdout is not None
    threading.Thread(target=_read, args=(process.stdout, platform.lines, ready), daemon=True).start()
    ready.wait(90)
    if not any(READY in line for line in platform.lines):
        process.kill()
        raise RuntimeError("vantage did not become ready:\n" + "\n".join(platform.lines))
    return platform


def _read(stream: IO[str], lines: list[str], ready: threading.Event) -> None:
    for line in stream:
        lines.append(line.rstrip())
        if READY in line:
            ready.set()
    ready.set()
