"""Patching: once, in any order, and back again."""

from __future__ import annotations

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Callable, List

import aiohttp
import fastapi
import flask
import httpcore
import httpx
import pytest
import requests
import starlette.applications
import starlette.routing
import urllib3
import vantage_agent

if TYPE_CHECKING:
    from tests.conftest import Sink

Start = Callable[..., None]


def targets() -> List[Any]:
    return [
        flask.Flask.wsgi_app,
        fastapi.FastAPI.__call__,
        starlette.applications.Starlette.__call__,
        starlette.routing.Router.__call__,
        requests.adapters.HTTPAdapter.send,
        requests.Session.get_adapter,
        urllib3.HTTPConnectionPool._make_request,
        httpcore.ConnectionPool.handle_request,
        httpcore.AsyncConnectionPool.handle_async_request,
        httpx.Client._transport_for_url,
        aiohttp.ClientSession._request,
        ThreadPoolExecutor.submit,
        logging.Logger.callHandlers,
    ]


def replaced(before: List[Any]) -> List[bool]:
    return [now is not then for now, then in zip(targets(), before)]  # noqa: B905  strict= is 3.10's


def test_shutdown_puts_everything_back(start: Start) -> None:
    before, finders = targets(), list(sys.meta_path)
    receivers = len(flask.got_request_exception.receivers)
    start()
    assert all(replaced(before))
    vantage_agent.shutdown()
    assert targets() == before
    assert sys.meta_path == finders
    assert len(flask.got_request_exception.receivers) == receivers


def test_starting_twice_patches_once(start: Start) -> None:
    start()
    once = targets()
    start()
    assert targets() == once


def test_only_what_was_chosen_is_patched_and_more_can_be_added(start: Start) -> None:
    before = targets()
    start(auto_instrument=["flask"])
    changed = replaced(before)
    assert changed[0]
    assert not any(changed[1:11])
    start(auto_instrument=["flask", "requests"])
    assert requests.adapters.HTTPAdapter.send is not before[4]


def test_somebody_elses_patch_on_top_of_ours_survives(
    sink: Sink, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = flask.Flask.wsgi_app
    start()
    ours = flask.Flask.wsgi_app

    def theirs(self: flask.Flask, environ: Any, start_response: Any) -> Any:
        return ours(self, environ, start_response)

    monkeypatch.setattr(flask.Flask, "wsgi_app", theirs)
    vantage_agent.shutdown()
    assert flask.Flask.wsgi_app is theirs
    app = flask.Flask("app")
    app.add_url_rule("/", "index", lambda: "x")
    assert app.test_client().get("/").data == b"x"
    start()
    app.test_client().get("/")
    vantage_agent.flush()
    assert sum(item["count"] for item in sink.requests()) == 1
    vantage_agent.shutdown()
    monkeypatch.undo()
    flask.Flask.wsgi_app = original  # type: ignore[method-assign]


def test_an_app_built_before_the_agent_is_instrumented(sink: Sink, start: Start) -> None:
    app = flask.Flask("app")
    app.add_url_rule("/", "index", lambda: "x")
    client = app.test_client()
    client.get("/")
    start()
    client.get("/")
    vantage_agent.flush()
    assert sum(item["count"] for item in sink.requests()) == 1


PROGRAM = """
import sys
{first}
import vantage_agent
vantage_agent.init_agent(service_name="shop", collector_url=sys.argv[1], flush_interval=600)
{second}
if "httpx" not in sys.modules and "fastapi" in sys.modules:
    import httpx
import flask, requests
app = flask.Flask("app")
app.add_url_rule("/<x>", "index", lambda x: x)
app.test_client().get("/1")
import asyncio
import fastapi, httpx
api = fastapi.FastAPI()
api.get("/{{x}}")(lambda x: x)
async def call():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=api), base_url="http://x") as client:
        await client.get("/1")
asyncio.run(call())
for get in (requests.get, httpx.get):
    try:
        get("http://127.0.0.1:9/")
    except (requests.ConnectionError, httpx.ConnectError):
        pass
"""
IMPORTS = "import flask, fastapi, requests, httpx"


@pytest.mark.parametrize(
    ("first", "second"), [(IMPORTS, ""), ("", IMPORTS), ("from flask import Flask", "import httpx")]
)
def test_the_order_of_imports_does_not_matter_and_exit_flushes(sink: Sink, first: str, second: str) -> None:
    program = PROGRAM.format(first=first, second=second)
    subprocess.run([sys.executable, "-c", program, sink.url], check=True, timeout=60)
    assert sorted(item["endpoint"] for item in sink.requests()) == ["/<x>", "/{x}"]
    assert [item["count"] for item in sink.calls() if item["endpoint"] != "x"] in ([1, 1], [2])


def test_importing_the_agent_imports_none_of_the_libraries() -> None:
    program = (
        "import sys, vantage_agent; vantage_agent.init_agent(service_name='x');"
        "print([m for m in ('flask', 'fastapi', 'starlette', 'requests', 'httpx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


class Wrapped:
    """A wrapper as wrapt makes them: it knows its instance only when it is looked up on one."""

    def __init__(self, wrapped: Any, seen: List[Any], instance: Any = None) -> None:
        self.__wrapped__ = wrapped
        self.seen = seen
        self.instance = instance

    def __get__(self, instance: Any, owner: Any) -> Wrapped:
        return Wrapped(self.__wrapped__.__get__(instance, owner), self.seen, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.seen.append(self.instance)
        return self.__wrapped__(*args, **kwargs)


def test_a_wrapper_of_wrapts_kind_below_ours_still_knows_its_instance(
    sink: Sink, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: List[Any] = []
    below = Wrapped(flask.Flask.wsgi_app, seen)
    monkeypatch.setattr(flask.Flask, "wsgi_app", below)
    start()
    app = flask.Flask("app")
    app.add_url_rule("/", "index", lambda: "x")
    assert app.test_client().get("/").data == b"x"
    assert seen == [app]
    vantage_agent.flush()
    assert sum(item["count"] for item in sink.requests()) == 1
    vantage_agent.shutdown()
    assert vars(flask.Flask)["wsgi_app"] is below
