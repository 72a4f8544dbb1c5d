"""Collector, worker and query API as processes of their own, told by settings alone where broker and store are."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.platform_process import environment
from tests.waiting import eventually

MODULES = {"collector": "vantage_collector", "worker": "vantage_worker", "api": "vantage_api"}
PORTS = {"collector": "VANTAGE_COLLECTOR_PORT", "worker": "VANTAGE_WORKER_PORT", "api": "VANTAGE_QUERY_PORT"}
STOP_WITHIN_S = 25.0
"""What a service may take after SIGTERM."""


class Services:
    """What each service says goes to `directory`/<name>.log, which is also where they look for a .env file."""

    def __init__(self, directory: Path, settings: Mapping[str, str]) -> None:
        self.directory = directory
        self.environment = environment(directory / "unused") | dict(settings)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.environment[PORTS[name]]}"

    def start(self, *names: str) -> None:
        """Starts services, all without names. Returns when each says that its dependencies answer."""
        for name in names or MODULES:
            with self._log(name).open("ab") as log:
                self._processes[name] = subprocess.Popen(
                    [sys.executable, "-m", MODULES[name]],
                    env=self.environment,
                    cwd=self.directory,
                    stdout=log,
                    stderr=log,
                )
        for name in names or MODULES:
            eventually(partial(self._is_ready_or_gone, name), within_s=60, what=f"{name} is ready")
            if self._processes[name].poll() is not None:
                raise RuntimeError(f"{name} exited:\n{self.said(name)}")

    def stop(self) -> dict[str, int]:
        """SIGTERM to all at once, and the exit status of each."""
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        try:
            return {name: process.wait(STOP_WITHIN_S) for name, process in self._processes.items()}
        finally:
            self.kill(*self._processes)

    def kill(self, *names: str) -> None:
        """As a crash: nothing is flushed, and nobody leaves the group."""
        for name in names:
            process = self._processes.pop(name)
            process.kill()
            process.wait()

    def said(self, name: str) -> str:
        return self._log(name).read_text(errors="replace")[-4000:]

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def _is_ready_or_gone(self, name: str) -> bool:
        return self._processes[name].poll() is not None or httpx.get(f"{self.url(name)}/ready").is_success

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Sends a batch to the collector, which must answer 202: from then on the data must not be lost."""
        answer = httpx.post(f"{self.url('collector')}{path}", json=body, timeout=30)
        assert answer.status_code == 202, answer.text
        taken: dict[str, Any] = answer.json()
        return taken

    def get(self, path: str, **params: Any) -> Any:
        answer = httpx.get(f"{self.url('api')}{path}", params=params, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def vql(self, query: str) -> list[list[Any]]:
        answer = httpx.post(f"{self.url('api')}/vql/execute", json={"query": query}, timeout=40)
        assert answer.status_code == 200, answer.text
        rows: list[list[Any]] = answer.json()["rows"]
        return rows
