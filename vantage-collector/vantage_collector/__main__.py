"""`python -m vantage_collector`: HTTP in, bus out, until SIGTERM."""

import sys

from vantage_common.serving import run_service

from vantage_collector.server import main

if __name__ == "__main__":
    sys.exit(run_service("collector", main))
