"""`make bench` runs every part, `make bench PART=latency` one of them."""

import sys
from importlib import import_module
from importlib.util import find_spec

from tests.bench.machine import describe

PARTS = (
    "start",
    "memory",
    "latency",
    "live",
    "ingest",
    "collector",
    "remote_write",
    "worker",
    "storage",
    "weight",
    "query",
    "traces",
    "sustained",
    "reduction",
    "alerts",
    "compare",
    "api",
    "city",
    "agent",
)
"""Each is a module here whose `run` yields lines. It is imported when its turn comes: none pays for another's."""


def main(names: list[str]) -> int:
    parts = [name for name in PARTS if find_spec(f"tests.bench.{name}")]
    unknown = set(names) - set(parts)
    if unknown:
        print(f"unknown part {', '.join(sorted(unknown))}: choose from {', '.join(parts)}")
        return 2
    print(describe(), flush=True)
    for name in names or parts:
        print(f"\n== {name}", flush=True)
        for line in import_module(f"tests.bench.{name}").run():
            print(line, flush=True)
    return 0


if __name__ == "__main__":  # the client's process imports this module too
    sys.exit(main(sys.argv[1:]))
