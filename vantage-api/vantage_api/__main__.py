"""``python -m vantage_api``."""

import sys

from vantage_common.serving import run_service

from vantage_api.server import serve

if __name__ == "__main__":
    sys.exit(run_service("api", serve))
