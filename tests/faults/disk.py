"""A disk small enough to be filled: a tmpfs whose size is drawn in to what it holds, and let out again."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SIZE = "2g"
SPARE_BYTES = 1_500_000
"""The engine refuses to begin an insert below a mebibyte: with so much left one or the other fails half-way."""


@dataclass(frozen=True, slots=True)
class Disk:
    path: Path
    can_be_filled: bool
    """Without root the directory is an ordinary one."""

    def fill(self, spare_bytes: int = SPARE_BYTES) -> None:
        used = shutil.disk_usage(self.path).used
        _run("mount", "-o", f"remount,size={used + spare_bytes}", str(self.path))

    def empty(self) -> None:
        _run("mount", "-o", f"remount,size={SIZE}", str(self.path))


_mounted: set[Path] = set()


def unmount_all() -> None:
    for path in list(_mounted):
        _unmount(path)


@contextmanager
def small_disk(path: Path) -> Iterator[Disk]:
    path.mkdir(parents=True)
    mounted = os.geteuid() == 0 and _try("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "vantage-faults", str(path))
    if mounted:
        _mounted.add(path)
    try:
        yield Disk(path, mounted)
    finally:
        if mounted:
            _unmount(path)


def _unmount(path: Path) -> None:
    _mounted.discard(path)
    _run("umount", "--lazy", str(path))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=20)


def _try(*command: str) -> bool:
    try:
        _run(*command)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True
