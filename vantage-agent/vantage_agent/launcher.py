"""`vantage-run CMD…`: start a Python program with the agent in it, without touching its code."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import List, Mapping, Optional, Sequence

USAGE = """usage: vantage-run [--service-name NAME] [--collector-url URL] COMMAND [ARGUMENT ...]

Runs COMMAND (python, uvicorn, gunicorn, flask, ...) with the Vantage agent in it and in every Python process it starts.
All settings can come from VANTAGE_AGENT_* variables as well.
"""
BOOT_DIRECTORY = Path(__file__).resolve().parent / "boot"
_OPTIONS = {"--service-name": "VANTAGE_AGENT_SERVICE_NAME", "--collector-url": "VANTAGE_AGENT_COLLECTOR_URL"}


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
        option, _, value = arguments.pop(0).partition("=")
        if option == "--":
            break
        if option not in _OPTIONS:
            sys.stdout.write(USAGE)
            return 0 if option == "--help" else 2
        if not value and arguments:
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
