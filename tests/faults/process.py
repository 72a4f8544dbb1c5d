"""A service as a process of its own that can be killed, frozen and started again."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import psutil

from tests.waiting import eventually

MIB = 1 << 20
STOP_WITHIN_S = 25.0
ROOT = Path(__file__).resolve().parents[2]


class Service:
    """`python -m …` with its output in a file, where it also looks for a .env file."""

    def __init__(self, name: str, module: Sequence[str], port: int, directory: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", *module]
        self._directory = directory
        self._log = directory / f"{name}.log"
        path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(ROOT))))
        self._environment = {**env, "PYTHONPATH": path}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, cwd=self._directory, stdout=log, stderr=log
            )

    def wait_live(self) -> None:
        """Returns when it answers. Raises RuntimeError with its last words when it has ended instead."""
        eventually(lambda: not self.is_running or self._answers(), within_s=60, what=f"{self.name} answers")
        if not self.is_running:
            raise RuntimeError(f"{self.name} exited:\n{self.said()}")

    def kill(self) -> None:
        """As a crash: nothing is flushed, and nobody leaves the group."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def terminate(self) -> int:
        """SIGTERM, and the exit status. One that takes too long is killed, and the status says so."""
        process, self._process = self._process, None
        if process is None:
            raise RuntimeError(f"{self.name} does not run")
        process.terminate()
        try:
            return process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def said(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]

    def _answers(self) -> bool:
        return httpx.get(f"{self.url}/live", timeout=2).is_success


class MemoryWatch:
    """The largest proportional set size of processes while it runs, in MiB by name."""

    def __init__(self) -> None:
        self._pids: dict[str, int] = {}
        self._peaks: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def watch(self, name: str, pid: int | None) -> None:
        if pid is not None:
            self._pids[name] = pid

    def take_peaks(self) -> dict[str, float]:
        """Since the last call."""
        peaks, self._peaks = self._peaks, {}
        return peaks

    def _run(self) -> None:
        while not self._stop.wait(0.5):
            for name, pid in list(self._pids.items()):
                try:
                    size = psutil.Process(pid).memory_full_info().pss / MIB
                except psutil.Error:  # it has been killed: the next one will be watched
                    continue
                self._peaks[name] = max(self._peaks.get(name, 0.0), size)


class NoStrace(Exception):
    """Why no process can be killed at a system call here."""


RENAMES = ("rename", "renameat2")


class KillAtRename:
    """Kills a process the moment one of its threads renames something for the `nth` time, before it is renamed."""

    def __init__(self, pid: int, nth: int, log: Path) -> None:
        strace = shutil.which("strace")
        if strace is None:
            raise NoStrace("strace is not installed")
        self._log = log
        inject = f"inject={','.join(RENAMES)}:signal=SIGKILL:when={nth}"
        command = [strace, "-f", "-p", str(pid), "-e", f"trace={','.join(RENAMES)}", "-e", inject, "-o", str(log)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        said = self._process.stderr.readline() if self._process.stderr else ""
        if "attached" not in said:
            self.detach()
            raise NoStrace(f"strace cannot attach: {said.strip()}")

    def wait(self, within_s: float) -> str:
        """What was being renamed when it died; empty when nothing was renamed so often in time."""
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.detach()
            return ""
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if re.search(r"rename\w*\(", line)]
        paths = re.findall(r'"([^"]*)"', lines[-1]) if lines else []
        return Path(paths[0]).name if paths else "?"

    def detach(self) -> None:
        self._process.terminate()
        self._process.wait(10)
