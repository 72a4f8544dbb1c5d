"""`vantage doctor`: a service is well only when it says so, and what is wrong comes with its mend."""

import json
from pathlib import Path
from typing import Any

import pytest
from vantage_cli.doctor import Finding, examine
from vantage_cli.supervisor import claimed
from vantage_common.settings import Settings
from vantage_common.sockets import bind

from tests.answering import answering

WELL = {"status": "ok", "version": "0.1.0", "dependencies": {"store": {"status": "ok"}}}


def settings(directory: Path, port: int) -> Settings:
    ports = {"collector_port": port, "query_port": port, "worker_port": port, "otlp_grpc_port": port}
    return Settings(_env_file=None, data_dir=directory, **ports)  # type: ignore[call-arg, arg-type]  # pydantic-settings takes it


async def findings(directory: Path, body: bytes) -> dict[str, Finding]:
    """What doctor finds while something answers so on every service's port, and a vantage has the directory."""
    with answering(200, body) as port, claimed(directory):
        return {finding.what: finding for finding in await examine(settings(directory, port))}


async def test_services_that_say_they_are_well_are(tmp_path: Path) -> None:
    found = await findings(tmp_path, json.dumps(WELL).encode())
    for service in ("collector", "OTLP over gRPC", "worker", "query API"):
        assert found[service].well
    assert found["store"].detail == "chDB, in use by the running platform"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": "degraded", "dependencies": {"bus": {"status": "down", "detail": "no broker"}}}, "bus: no broker"),
        ({"status": "degraded", "stalled_s": 90}, "stalled_s"),
    ],
)
async def test_a_service_that_answers_but_lacks_something_is_not_well(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    found = await findings(tmp_path, json.dumps(WELL | change).encode())
    assert not found["query API"].well
    assert says in found["query API"].detail


async def test_another_program_on_the_port_is_not_taken_for_ours(tmp_path: Path) -> None:
    found = await findings(tmp_path, b"<html>")
    assert "is not Vantage" in found["collector"].detail
    assert "VANTAGE_COLLECTOR_PORT" in found["collector"].detail


async def test_nothing_on_the_port_says_how_to_start(tmp_path: Path) -> None:
    listener = bind("127.0.0.1", 0, "PORT")
    port = listener.getsockname()[1]
    listener.close()
    with claimed(tmp_path):
        found = {finding.what: finding for finding in await examine(settings(tmp_path, port))}
    assert "vantage up" in found["worker"].detail
    assert "VANTAGE_OTLP_GRPC_PORT" in found["OTLP over gRPC"].detail
    assert found["clock"].well
