"""The package as it is installed: alone, small, quick to import, and in the Python it promises."""

from __future__ import annotations

import ast
import compileall
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Dict, List

import pytest
import vantage_agent

PACKAGE = Path(vantage_agent.__file__).parent
LIMIT_BYTES = 300_000

IMPORTED = """
import sys
sys.path.insert(0, sys.argv[1])
before = set(sys.modules)
import vantage_agent
vantage_agent.init_agent(auto_instrument=[], collector_url="http://127.0.0.1:9")
vantage_agent.record_metric("m", 1)
vantage_agent.shutdown(0.2)
import json
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""

# What the agent's import imports, and which functions of other modules are called by it and by init_agent. asyncio is
# there because FastAPI's server brings it, if FastAPI does not.
BESIDE_FRAMEWORKS = """
import asyncio, fastapi, flask, httpx, requests
import json, sys
sys.path.insert(0, sys.argv[1])
called = set()
def note(frame, event, argument):
    if event == "call":
        called.add("%s.%s" % (frame.f_globals.get("__name__"), frame.f_code.co_name))
before = set(sys.modules)
sys.setprofile(note)
import vantage_agent
imported = {name for name in set(sys.modules) - before if name.partition(".")[0] != "vantage_agent"}
vantage_agent.init_agent(collector_url="http://127.0.0.1:9")
sys.setprofile(None)
print(json.dumps({"imported": sorted(imported), "called": sorted(called)}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel unpacked and compiled, as pip leaves it; the wheel itself beside it."""
    directory = tmp_path_factory.mktemp("wheel")
    root = PACKAGE.parent / "pyproject.toml"
    if not root.exists() or PACKAGE.parent.name == "site-packages":
        return PACKAGE.parent
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(command, cwd=root.parent, check=True, capture_output=True)
    (wheel,) = directory.glob("*.whl")
    assert wheel.name == f"vantage_agent-{vantage_agent.__version__}-py3-none-any.whl"
    assert wheel.stat().st_size < LIMIT_BYTES
    target = directory / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    assert compileall.compile_dir(str(target), quiet=2)
    return target


def test_the_installed_package_is_small(installed: Path) -> None:
    files = [path for path in (installed / "vantage_agent").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum(path.stat().st_size for path in files) < LIMIT_BYTES


@pytest.mark.parametrize("flags", [["-I", "-S"], ["-I", "-S", "-O"], ["-I", "-S", "-OO"], ["-I", "-W", "error"]])
def test_it_needs_nothing_but_the_standard_library(installed: Path, flags: List[str]) -> None:
    done = subprocess.run(
        [sys.executable, *flags, "-c", IMPORTED, str(installed)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    names = set(json.loads(done.stdout)) - {"vantage_agent"}
    known = getattr(sys, "stdlib_module_names", names)
    assert {name for name in names if not name.startswith("_")} <= set(known)


@pytest.fixture(scope="module")
def beside_frameworks(installed: Path) -> Dict[str, List[str]]:
    command = [sys.executable, "-I", "-c", BESIDE_FRAMEWORKS, str(installed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    facts: Dict[str, List[str]] = json.loads(done.stdout)
    return facts


def test_it_imports_next_to_nothing_that_the_frameworks_have_not(beside_frameworks: Dict[str, List[str]]) -> None:
    """It is part of the interpreter: no file is read for it."""
    assert set(beside_frameworks["imported"]) <= {"gc"}


def test_it_makes_nothing_at_import_that_takes_long_to_make(beside_frameworks: Dict[str, List[str]]) -> None:
    """Each of these takes as long as a whole module of ours, or two."""
    assert "logging.getLogger" in beside_frameworks["called"]
    expensive = {"re.compile", "collections.namedtuple", "dataclasses._process_class", "enum.__prepare__"}
    assert not expensive.intersection(beside_frameworks["called"])


def test_asyncio_is_not_imported_for_those_who_do_not_use_it(installed: Path) -> None:
    program = "import sys; sys.path.insert(0, sys.argv[1]); import vantage_agent; print('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", program, str(installed)], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"


def test_every_line_is_python_3_9() -> None:
    sources: Dict[str, str] = {str(path): path.read_text() for path in PACKAGE.rglob("*.py")}
    assert len(sources) > 20
    for name, text in sources.items():
        ast.parse(text, name, feature_version=(3, 9))
