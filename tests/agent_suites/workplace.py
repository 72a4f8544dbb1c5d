"""A suite's folder: its sdist without the package (tested is what is installed) and a virtual environment."""

import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.agent_suites.suites import Suite

AGENT = Path(__file__).resolve().parents[2] / "vantage-agent"
UV = Path(sys.executable).parent / "uv"


class NoTests(Exception):
    """The distribution's sdist carries no tests, or there is none."""


@dataclass(frozen=True)
class Workplace:
    """tests: where the sdist was unpacked. python: of the environment that has everything but the agent's place."""

    tests: Path
    python: Path


def prepare(suite: Suite, directory: Path) -> Workplace:
    """Fetch, unpack and install. What is there already from an earlier run is kept; the agent is installed anew."""
    home = directory / suite.pinned.replace("==", "-")
    environment = home / "environment"
    python = environment / "bin" / "python"
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        unpack(suite, home)
        _run(str(UV), "venv", "--quiet", "--python", sys.executable, str(environment))
        install(python, suite.pinned, *suite.requirements)
        (home / "ready").touch()
    # Not editable: all runs of a comparison see the same state of it.
    install(python, "--reinstall-package", "vantage-agent", str(AGENT))
    return Workplace(home / "tests", python)


def unpack(suite: Suite, home: Path) -> None:
    """The sdist as `home/tests`, its package taken out."""
    fetched = home / "sdist"
    _run(
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:",
        "--dest", str(fetched), suite.pinned,
    )  # fmt: skip
    (archive,) = fetched.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(fetched, filter="data")
    (unpacked,) = (path for path in fetched.iterdir() if path.is_dir())
    if not (unpacked / suite.arguments[0]).is_dir():
        raise NoTests(f"{archive.name} carries no tests")
    shutil.rmtree(unpacked / suite.name, ignore_errors=True)
    unpacked.rename(home / "tests")


def install(python: Path, *what: str) -> None:
    _run(str(UV), "pip", "install", "--quiet", "--python", str(python), *what)


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ))
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}")
