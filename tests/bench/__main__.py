"""`make bench` runs every part, `make bench PART=latency` one of them."""

import sys

from tests.bench import ingest, latency, memory, start
from tests.bench.machine import describe

PARTS = {"start": start.run, "memory": memory.run, "latency": latency.run, "ingest": ingest.run}


def main(names: list[str]) -> int:
    unknown = set(names) - set(PARTS)
    if unknown:
        print(f"unknown part {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
        return 2
    print(describe(), flush=True)
    for name in names or PARTS:
        print(f"\n== {name}", flush=True)
        for line in PARTS[name]():
            print(line, flush=True)
    return 0


sys.exit(main(sys.argv[1:]))
