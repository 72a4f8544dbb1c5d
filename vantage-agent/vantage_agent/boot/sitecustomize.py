"""Run by Python at start under vantage-run: first the environment's own sitecustomize, then the agent.

Nothing in here may stop the program it was started with.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def _run_next_sitecustomize() -> None:
    others = [path for path in sys.path if Path(path or ".").resolve() != _HERE]
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


def _start_agent() -> None:
    try:
        from vantage_agent import init_agent
    except ImportError:
        # Another interpreter than the one vantage-run belongs to: its packages are next to this directory.
        sys.path.append(str(_HERE.parent.parent))
        from vantage_agent import init_agent
    init_agent()


try:
    _run_next_sitecustomize()
except Exception as error:
    sys.stderr.write(f"vantage-run: the environment's sitecustomize failed: {error!r}\n")
try:
    _start_agent()
except Exception as error:
    sys.stderr.write(f"vantage-run: running without the agent: {error!r}\n")
