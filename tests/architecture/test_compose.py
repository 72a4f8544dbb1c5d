"""The compose deployment, read as data: what would break it silently, and what would expose it."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from vantage_common.settings import Settings, variables

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DOCKER = ROOT / "infrastructure" / "docker"
DOCKERFILES = sorted(DOCKER.glob("*.Dockerfile"))
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
PULLED = {name: service for name, service in SERVICES.items() if "build" not in service}
KNOWN_VARIABLES = {variable for field in Settings.model_fields for variable in variables(field)}
REPLACEMENTS = re.compile(r"\$\{(\w+)")


def dockerfile_of(service: dict[str, Any]) -> str:
    return Path(ROOT, service["build"]["dockerfile"]).read_text()


def stage_of(service: dict[str, Any]) -> str:
    """The stage a service is built to: its text, and that of the stages it stands on."""
    stages = {
        match["name"] or "": match
        for match in re.finditer(
            r"^FROM (?P<base>\S+)(?: AS (?P<name>\S+))?\n(?P<body>.*?)(?=^FROM |\Z)",
            dockerfile_of(service),
            re.MULTILINE | re.DOTALL,
        )
    }
    name: str = service["build"].get("target", "")
    text = ""
    while name in stages:
        text = stages[name]["body"] + text
        name = stages[name]["base"]
    return text


def test_these_are_the_services() -> None:
    python = {"collector", "worker", "api"}
    assert set(SERVICES) == python | {"clickhouse", "redpanda", "redpanda-console", "dashboard"}
    assert set(BUILT) == python | {"dashboard"}


@pytest.mark.parametrize(
    ("service", "needs"),
    [
        ("collector", {"redpanda"}),
        ("worker", {"redpanda", "clickhouse"}),
        ("api", {"redpanda", "clickhouse"}),
        ("dashboard", {"api"}),
        ("redpanda-console", {"redpanda"}),
        ("clickhouse", set()),
        ("redpanda", set()),
    ],
)
def test_each_service_starts_when_what_it_needs_is_healthy(service: str, needs: set[str]) -> None:
    assert SERVICES[service].get("depends_on", {}) == {need: {"condition": "service_healthy"} for need in needs}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_health_check(name: str) -> None:
    service = SERVICES[name]
    assert "healthcheck" in service or "\nHEALTHCHECK " in stage_of(service)


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert str(port).startswith("127.0.0.1:")


def test_the_ports_are_those_of_the_design() -> None:
    published = {
        name: {int(str(port).split(":")[1]) for port in service["ports"]} for name, service in SERVICES.items()
    }
    assert published == {
        "clickhouse": {8123, 9000},
        "redpanda": {9095, 8082, 9644},
        "redpanda-console": {8080},
        "collector": {8000, 4317, 4318},
        "worker": {9092},
        "api": {5000, 9091},
        "dashboard": {3000},
    }


@pytest.mark.parametrize("name", ["collector", "worker", "api"])
def test_python_services_reach_the_others_by_name_and_listen_for_them(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert environment["VANTAGE_KAFKA_BOOTSTRAP_SERVERS"] == "redpanda:29092"
    host = {"collector": "VANTAGE_COLLECTOR_HOST", "worker": "VANTAGE_WORKER_HOST", "api": "VANTAGE_QUERY_HOST"}[name]
    assert environment[host] == "0.0.0.0"
    assert environment.get("VANTAGE_CLICKHOUSE_HOST") == (None if name == "collector" else "clickhouse")


@pytest.mark.parametrize("name", BUILT)
def test_every_variable_given_to_our_services_is_a_setting(name: str) -> None:
    assert set(SERVICES[name].get("environment", {})) <= KNOWN_VARIABLES


def test_every_variable_the_file_asks_for_is_a_setting_and_in_the_example() -> None:
    asked = set(REPLACEMENTS.findall(COMPOSE.read_text()))
    example = dict(example_lines())
    assert asked <= KNOWN_VARIABLES
    assert asked == set(example)


def test_the_example_changes_nothing_when_it_is_copied() -> None:
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", COMPOSE.read_text()))
    assert dict(example_lines()) == defaults


def example_lines() -> Iterator[tuple[str, str]]:
    for line in (ROOT / ".env.example").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name, value


@pytest.mark.parametrize("name", PULLED)
def test_images_are_pinned_by_a_version(name: str) -> None:
    assert re.fullmatch(r"[\w/-]+:v?\d+\.\d+[\w.]*", SERVICES[name]["image"])


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_base_images_are_pinned_and_nothing_is_fetched_to_read_the_file(path: Path) -> None:
    text = path.read_text()
    assert "# syntax" not in text
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE))
    for base in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
        assert base in stages or re.fullmatch(r"[\w/-]+:\d[\w.-]*", base)


@pytest.mark.parametrize("name", BUILT)
def test_our_images_run_as_an_ordinary_user(name: str) -> None:
    users = re.findall(r"^USER (\S+)$", stage_of(BUILT[name]), re.MULTILINE)
    assert users
    assert int(users[-1]) > 0


@pytest.mark.parametrize("name", BUILT)
def test_our_containers_can_gain_and_write_nothing(name: str) -> None:
    service = BUILT[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", ["collector", "worker", "api"])
def test_each_python_image_runs_its_own_service(name: str) -> None:
    assert f'CMD ["python", "-m", "vantage_{name}"]' in stage_of(BUILT[name])


def test_redpanda_keeps_what_it_acknowledged() -> None:
    command = " ".join(SERVICES["redpanda"]["command"])
    assert "dev-container" not in command
    assert "unsafe" not in command


def test_data_lies_in_named_volumes() -> None:
    declared = yaml.safe_load(COMPOSE.read_text())["volumes"]
    for name in ("clickhouse", "redpanda"):
        (volume,) = SERVICES[name]["volumes"]
        assert volume.split(":")[0] in declared


def test_everything_the_api_serves_to_the_dashboard_is_handed_on() -> None:
    nginx = (DOCKER / "nginx.conf").read_text()
    patterns = re.findall(r"location ~ (\^/\S+) \{", nginx)
    for path in (
        "/api/services",
        "/vql/execute",
        "/health",
        "/health/scores",
        "/traces/",
        "/ws/city",
        "/compare/services",
    ):
        assert any(re.match(pattern, path) for pattern in patterns)
    assert not any(re.match(pattern, "/apiary") for pattern in patterns)
    assert "location = /openapi.json" in nginx


def test_an_address_of_the_dashboard_is_the_page_also_where_the_api_shares_its_first_word() -> None:
    nginx = (DOCKER / "nginx.conf").read_text()
    (shared,) = re.findall(r"location ~ \S+ \{\s+if \(\$http_accept ~ text/html\)", nginx)
    assert all(word in shared for word in ("health", "traces", "compare"))


def test_the_page_may_run_no_inline_script() -> None:
    (policy,) = re.findall(r'Content-Security-Policy "([^"]+)"', (DOCKER / "nginx.conf").read_text())
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy


def test_what_the_images_copy_is_in_the_build_context() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for path in DOCKERFILES:
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", path.read_text(), re.MULTILINE):
            for source in sources.split():
                assert (ROOT / source).exists(), f"{path.name} copies {source}, which is not there"
                assert any(
                    entry == source or entry.startswith(f"{source}/") or source.startswith(f"{entry}/")
                    for entry in allowed
                )


def compose_command() -> list[str] | None:
    """Compose 2 or newer: the file is written by its specification, of which version 1 does not know all."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            found = subprocess.run([*command, "version", "--short"], capture_output=True, text=True)
            number = found.stdout.strip().removeprefix("v").partition(".")[0]
            if found.returncode == 0 and number.isdecimal() and int(number) >= 2:
                return command
    return None


def test_compose_itself_accepts_the_file() -> None:
    command = compose_command()
    if command is None:
        pytest.skip("no Docker Compose 2 here: the file is checked as YAML only")
    run = subprocess.run([*command, "-f", str(COMPOSE), "config", "-q"], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr
