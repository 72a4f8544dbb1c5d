"""The import law holds, and the check that says so turns red on a planted violation."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = Path(sys.executable).with_name("lint-imports")
PACKAGES = ("common", "collector", "worker", "api", "cli", "agent")

VIOLATIONS = {
    "a service imports another": ("vantage-api/vantage_api/planted.py", "import vantage_worker.batch"),
    "common imports a service": ("vantage-common/vantage_common/planted.py", "import vantage_api.app"),
    "the agent imports common": ("vantage-agent/vantage_agent/planted.py", "import vantage_common.model"),
    "a second module knows Kafka": ("vantage-worker/vantage_worker/planted.py", "import aiokafka"),
    "a second module knows ClickHouse": ("vantage-api/vantage_api/planted.py", "import clickhouse_connect"),
    "a second module knows OTLP's messages": (
        "vantage-collector/vantage_collector/planted.py",
        "import opentelemetry.proto.trace.v1.trace_pb2",
    ),
    "a second module knows gRPC": ("vantage-collector/vantage_collector/planted.py", "import grpc"),
}


def lint(checkout: Path) -> subprocess.CompletedProcess[str]:
    path = ":".join(str(checkout / f"vantage-{package}") for package in PACKAGES)
    return subprocess.run(
        [LINT, "--no-cache"], cwd=checkout, env={"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of our packages, so that a violation can be planted without touching the tree."""
    copy = tmp_path_factory.mktemp("checkout")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in PACKAGES:
        name = f"vantage_{package}"
        shutil.copytree(
            ROOT / f"vantage-{package}" / name,
            copy / f"vantage-{package}" / name,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    return copy


def test_the_tree_keeps_the_law(checkout: Path) -> None:
    result = lint(checkout)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_planted_violation_turns_red(checkout: Path, name: str) -> None:
    path, line = VIOLATIONS[name]
    planted = checkout / path
    planted.write_text(line + "\n")
    try:
        result = lint(checkout)
    finally:
        planted.unlink()
    assert result.returncode == 1, result.stdout
    assert "planted" in result.stdout
