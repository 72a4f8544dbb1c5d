"""What a figure was taken on, and how much memory and time a tree of processes has used."""

import platform
from collections.abc import Iterable
from pathlib import Path

import psutil

MIB = 1 << 20


def describe() -> str:
    """One line: processor, cores, memory, Python."""
    models = {
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    }
    memory = psutil.virtual_memory().total / (1 << 30)
    return (
        f"machine: {', '.join(models) or platform.machine()}, {psutil.cpu_count()} cores (shared), {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def tree(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def pss_mib(processes: Iterable[psutil.Process]) -> dict[str, float]:
    """Proportional set size by process name: shared pages are counted once over all of them."""
    figures: dict[str, float] = {}
    for process in processes:
        name = _name(process)
        figures[name] = figures.get(name, 0.0) + process.memory_full_info().pss / MIB
    return figures


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _name(process: psutil.Process) -> str:
    arguments = process.cmdline()
    if "vantage_cli.children" in arguments:
        return arguments[-1]
    return "supervisor" if any(argument.endswith("/vantage") for argument in arguments) else process.name()
