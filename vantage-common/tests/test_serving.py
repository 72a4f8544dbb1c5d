"""Running a service: what fails at the start is raised, and said in one line."""

import asyncio

import pytest
from starlette.applications import Starlette
from vantage_common.errors import PermanentError, StoreUnavailable
from vantage_common.serving import run_service, serve_http, together
from vantage_common.settings import Settings
from vantage_common.sockets import bind


class Damaged:
    """A lifespan that cannot begin."""

    async def __aenter__(self) -> None:
        raise PermanentError("bus.db is damaged")

    async def __aexit__(self, *_: object) -> None: ...


async def test_a_lifespan_that_fails_is_raised_not_taken_for_a_stop() -> None:
    stop = asyncio.Event()
    with pytest.raises(PermanentError, match="damaged"):
        await serve_http(Starlette(lifespan=lambda _: Damaged()), bind("127.0.0.1", 0, "PORT"), stop)
    assert stop.is_set()


async def test_the_first_failure_stops_the_others_and_is_raised_itself() -> None:
    stop = asyncio.Event()

    async def fails() -> None:
        raise PermanentError("first")

    async def serves() -> None:
        await stop.wait()

    with pytest.raises(PermanentError, match="first"):
        await together([serves(), fails()], stop)


def test_a_dependency_that_is_away_at_the_start_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    async def main(_: Settings, __: asyncio.Event) -> None:
        raise StoreUnavailable("the store does not answer")

    assert run_service("api", main) == 1
    assert capsys.readouterr().err == "vantage api: the store does not answer\n"
