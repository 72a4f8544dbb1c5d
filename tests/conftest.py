"""What every test of the whole may ask for."""

from collections.abc import Iterator

import pytest

from tests.kafka_broker import Broker, kafka_broker

_RAN = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A broker shared by the session: give topics and groups names of your own, and start it again if you stop it."""
    with kafka_broker() as broker:
        request.config.stash[_RAN] = broker.label
        yield broker


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if _RAN in config.stash:
        terminalreporter.write_line(f"kafka: {config.stash[_RAN]}")
