"""Run the agent's tests on every Python it supports: `python vantage-agent/tests/on_every_python.py [INTERPRETER ...]`.

Builds the wheel, and for each interpreter that can be had makes an environment with nothing but the wheel, pytest and
the newest of the libraries that this version can have. The tests run outside the repository, so that the wheel is what
they test. A test file fits where all that it imports is there. Ends with a table, and with 1 if anything failed.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
LIBRARIES = ("flask", "fastapi", "starlette", "requests", "httpx")
TOOLS = ("pytest", "pytest-asyncio", "pytest-timeout", "hypothesis", "uvicorn")
# Only their wheels: what has none for a version is not used with it by many, and its tests are left out there.
SERVERS = ("gunicorn", "gevent", "pyuwsgi")
OTHERS = (
    *("aiohttp", "httpx2", "structlog", "django", "redis", "celery", "aiokafka", "confluent-kafka", "kafka-python"),
    *("sqlalchemy", "psycopg[binary]", "psycopg2-binary", "pgserver"),
)
OPENTELEMETRY = (
    "opentelemetry-sdk",
    "opentelemetry-exporter-otlp-proto-http",
    *(
        "opentelemetry-instrumentation-" + library
        for library in (
            *("aiohttp-client", "aiohttp-server", "django", "fastapi", "flask"),
            *("httpx", "requests", "starlette", "urllib3"),
        )
    ),
)
AGENT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 1_800
INI = """[pytest]
asyncio_mode = auto
addopts = -q --import-mode=importlib --strict-markers
markers =
    kafka: needs the broker of the repository's tests
"""
# Imported from beside the tests, or only while types are checked.
OURS = ("tests", "vantage_agent", "_typeshed", "typing_extensions")

LOOK = """
import importlib, importlib.metadata as metadata, json, sys, vantage_agent
names, imports = json.loads(sys.argv[1])
def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
def there(module, name):
    try:
        found = importlib.import_module(module)
        return not name or hasattr(found, name) or there(module + "." + name, "")
    except ImportError:
        return False
print(json.dumps({
    "python": sys.version.split()[0],
    "agent": vantage_agent.__file__,
    "versions": {name: version(name) for name in names},
    "missing": [pair for pair in imports if not there(*pair)],
}))
"""


class Result(NamedTuple):
    """What became of one interpreter. `error` says why there is nothing else."""

    python: str
    versions: Dict[str, Optional[str]]
    passed: int
    failed: int
    skipped: int
    left_out: Tuple[str, ...]
    seconds: float
    error: str = ""


def run(command: Sequence[object], cwd: Optional[Path] = None) -> "subprocess.CompletedProcess[str]":
    """Run a command in an environment that knows nothing of the agent or of other Pythons."""
    env = {key: text for key, text in os.environ.items() if not key.startswith(("VANTAGE_AGENT_", "OTEL_", "PYTHON"))}
    env.pop("VIRTUAL_ENV", None)
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def interpreters() -> Iterator[Path]:
    """One of each supported version: from the search path, pyenv, or what uv has or can fetch."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in VERSIONS:
        candidates = [shutil.which("python" + version), *sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)]
        found = next((Path(path) for path in candidates if path and is_version(Path(path), version)), None)
        found = found or from_uv(version)
        if found:
            yield found


def is_version(path: Path, version: str) -> bool:
    """Whether an interpreter is what its name says; pyenv leaves stand-ins on the search path that only complain."""
    done = run([path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    return done.returncode == 0 and done.stdout.strip() == version


def from_uv(version: str) -> Optional[Path]:
    uv_tool("python", "install", "--quiet", version)
    done = uv_tool("python", "find", "--no-project", version)
    path = Path(done.stdout.strip())
    return path if done.returncode == 0 and is_version(path, version) else None


def uv_tool(*arguments: object) -> "subprocess.CompletedProcess[str]":
    beside = Path(sys.executable).with_name("uv")
    return run([beside if beside.exists() else "uv", *arguments])


def build_wheel(directory: Path) -> Path:
    done = run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", directory], cwd=AGENT)
    if done.returncode:
        raise SystemExit(f"the wheel cannot be built:\n{done.stderr}")
    (wheel,) = directory.glob("*.whl")
    return wheel


def imports_of(path: Path) -> Set[Tuple[str, str]]:
    """Modules that a test file imports, wherever in it, and what it takes out of them ("" for the module itself)."""
    pairs: Set[Tuple[str, str]] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            pairs.update((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            pairs.update((node.module, alias.name) for alias in node.names)
    return {(module, name) for module, name in pairs if module.partition(".")[0] not in OURS}


def test_on(interpreter: Path, wheel: Path, directory: Path, select: Sequence[str]) -> Result:
    began = time.monotonic()
    python = directory / "venv" / "bin" / "python"
    made = uv_tool("venv", "--quiet", "--no-project", "--python", interpreter, directory / "venv")
    installed = uv_tool("pip", "install", "--quiet", "--python", python, wheel, *LIBRARIES, *TOOLS)
    if made.returncode or installed.returncode:
        return Result(str(interpreter), {}, 0, 0, 0, (), 0.0, (made.stderr + installed.stderr).strip()[-300:])
    for wanted in (OPENTELEMETRY, *((library,) for library in (*SERVERS, *OTHERS))):
        uv_tool("pip", "install", "--quiet", "--python", python, "--only-binary", ":all:", *wanted)

    tests = directory / "agent" / "tests"
    shutil.copytree(AGENT / "tests", tests, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(AGENT / name, tests.parent)
    for part in ("examples", Path("..", "docs")):
        shutil.copytree(AGENT / part, tests.parent / part)
    shutil.copy(AGENT.parent / "tests" / "kafka_broker.py", tests)
    (tests.parent / "pytest.ini").write_text(INI)
    files = sorted(tests.glob("test_*.py"))
    imports = sorted({pair for file in files for pair in imports_of(file)})
    look = run([python, "-c", LOOK, json.dumps([[*LIBRARIES, *SERVERS], imports])], cwd=directory)
    found = json.loads(look.stdout)
    assert str(directory) in found["agent"], "the tests would not test the wheel"

    lacking = {(module, name) for module, name in found["missing"]}
    fitting = [file for file in files if not imports_of(file) & lacking]
    chosen = [file for file in fitting if not select or any(word in file.name for word in select)]
    missing = [server for server in SERVERS if not found["versions"][server]]
    without = " and ".join(f"not {'uwsgi' if server == 'pyuwsgi' else server}" for server in missing)
    done = run(
        [
            python,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "--timeout",
            "120",
            *(["-k", without] if without else []),
            # What starts the broker is the repository's, whose Python is younger.
            *(["-m", "not kafka"] if found["python"].startswith("3.9.") else []),
            *chosen,
        ],
        cwd=tests.parent,
    )
    if done.returncode:
        say(done.stdout)
    tally = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error|skipped)", done.stdout)}
    return Result(
        found["python"],
        found["versions"],
        tally.get("passed", 0),
        tally.get("failed", 0) + tally.get("error", 0) + (done.returncode not in (0, 1)),
        tally.get("skipped", 0),
        tuple(file.stem.replace("test_agent_", "") for file in files if file not in fitting),
        time.monotonic() - began,
    )


def table(results: Sequence[Result]) -> str:
    rows: List[Tuple[str, ...]] = [
        ("python", *LIBRARIES, "gunicorn", "gevent", "pyuwsgi", "passed", "failed", "skipped", "s")
    ]
    for result in results:
        versions = [result.versions.get(name) or "-" for name in (*LIBRARIES, *SERVERS)]
        numbers = [result.passed, result.failed, result.skipped, round(result.seconds)]
        rows.append((result.python, *versions, *map(str, numbers)))
    widths = [max(map(len, column)) for column in zip(*rows)]  # noqa: B905 (not in 3.9)
    lines = ["  ".join(text.ljust(widths[column]) for column, text in enumerate(row)).rstrip() for row in rows]
    lines += [f"{result.python}: {result.error}" for result in results if result.error]
    left_out = sorted({name for result in results for name in result.left_out})
    if left_out:
        lines.append("left out where a library is missing: " + ", ".join(left_out))
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("interpreter", nargs="*", type=Path, help="instead of those that are found")
    parser.add_argument("--only", action="append", default=[], help="test files whose name contains this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        wheel = build_wheel(Path(temporary))
        results = []
        for number, interpreter in enumerate(options.interpreter or interpreters()):
            directory = Path(temporary) / str(number)
            directory.mkdir()
            say(f"{interpreter} …")
            results.append(test_on(interpreter, wheel, directory, options.only))
            shutil.rmtree(directory)
    say(table(results))
    return 1 if not results or any(result.failed or result.error or not result.passed for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
