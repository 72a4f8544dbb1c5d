"""`vantage-run CMD…`: start a Python program with the agent in it, without touching its code."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import List, Mapping, Optional, Sequence

from vantage_agent.version import __version__

USAGE = """usage: vantage-run [OPTION ...] COMMAND [ARGUMENT ...]

Runs COMMAND (python, uvicorn, gunicorn, flask, ...) with the Vantage agent in it and in every Python process it starts.

  --service-name NAME     what your team calls the service
  --collector-url URL     default http://localhost:8000
  --environment NAME      default production
  --service-version TEXT  of the service
  --tags K=V,K=V          namespace=... places it in a district of the city
  --auto-instrument A,B   libraries, or none; default all
  --sample-rate SHARE     of traces, 0 to 1; default 1
  --flush-interval S      default 5
  --log-level LEVEL       of the logs that are sent, or off; default WARNING
  --help, --version

Each option sets a variable, VANTAGE_AGENT_SERVICE_NAME and so on. There is none for the API key, which everyone could
read off the list of processes: set VANTAGE_AGENT_API_KEY.
"""
BOOT_DIRECTORY = Path(__file__).resolve().parent / "boot"
_OPTIONS = {
    "--service-name": "VANTAGE_AGENT_SERVICE_NAME",
    "--collector-url": "VANTAGE_AGENT_COLLECTOR_URL",
    "--environment": "VANTAGE_AGENT_ENVIRONMENT",
    "--service-version": "VANTAGE_AGENT_VERSION",
    "--tags": "VANTAGE_AGENT_TAGS",
    "--auto-instrument": "VANTAGE_AGENT_AUTO_INSTRUMENT",
    "--sample-rate": "VANTAGE_AGENT_SAMPLE_RATE",
    "--flush-interval": "VANTAGE_AGENT_FLUSH_INTERVAL",
    "--log-level": "VANTAGE_AGENT_LOG_LEVEL",
}


def environment_for(env: Mapping[str, str]) -> "dict[str, str]":
    """`env` with the boot directory in front of PYTHONPATH, where Python finds its sitecustomize at start.

    It stays there for good, so that the workers which uvicorn or multiprocessing spawn inherit it.
    """
    paths = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path and path != str(BOOT_DIRECTORY)]
    return {**env, "PYTHONPATH": os.pathsep.join([str(BOOT_DIRECTORY), *paths])}


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Entry point of the console script. Replaces the process; returns only when the command cannot be started."""
    arguments: List[str] = list(sys.argv[1:] if argv is None else argv)
    env = dict(os.environ)
    while arguments and arguments[0].startswith("--"):
        option, equals, value = arguments.pop(0).partition("=")
        if option == "--":
            break
        if option == "--help":
            sys.stdout.write(USAGE)
            return 0
        if option == "--version":
            sys.stdout.write(f"vantage-agent {__version__}\n")
            return 0
        if option not in _OPTIONS:
            sys.stderr.write(f"vantage-run: there is no option {option}\n{USAGE}")
            return 2
        if not equals and arguments:
            value = arguments.pop(0)
        env[_OPTIONS[option]] = value
    if not arguments:
        sys.stderr.write(USAGE)
        return 2
    try:
        os.execvpe(arguments[0], arguments, environment_for(env))
    except OSError as error:
        sys.stderr.write(f"vantage-run: cannot start {arguments[0]}: {error.strerror}\n")
    return 127


if __name__ == "__main__":
    sys.exit(main())
