"""What must not be committed: paths of a machine, addresses of package registries, state of the clock."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLOCK_CALLS = re.compile(r"\btime\.time(_ns)?\(|\bdatetime\.(now|utcnow)\(")
SERVICES = ("vantage-common", "vantage-collector", "vantage-worker", "vantage-api", "vantage-cli")


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_locks_carry_no_index_addresses() -> None:
    for lock in tracked("requirements*.txt"):
        assert not re.search(r"^--(index-url|extra-index-url|find-links)", lock.read_text(), re.MULTILINE), lock.name
    for lock in tracked("*package-lock.json"):
        assert '"resolved"' not in lock.read_text(), lock.name


def test_every_locked_package_has_a_hash() -> None:
    for lock in tracked("requirements*.txt"):
        blocks = re.split(r"\n(?=[a-z0-9])", lock.read_text())
        unhashed = [block.split()[0] for block in blocks if "==" in block and "--hash=" not in block]
        assert unhashed == [], lock.name


def test_no_file_names_a_path_of_this_machine() -> None:
    here = str(ROOT)
    assert [str(path) for path in tracked() if path.suffix not in {".png"} and here in _text(path)] == []


def test_time_comes_in_by_the_door() -> None:
    """Wall-clock calls appear in clock.py alone (STYLE habit 5); the agent has no injected clock on its hot path."""
    sources = [path for service in SERVICES for path in tracked(f"{service}/vantage_*/**.py")]
    guilty = [str(path.relative_to(ROOT)) for path in sources if CLOCK_CALLS.search(path.read_text())]
    assert guilty == ["vantage-common/vantage_common/clock.py"]


def _text(path: Path) -> str:
    return path.read_text(errors="ignore")
