"""Answers to language models: inert, bounded and honest about it; tools that only read; errors with their hint."""

import json
from typing import Any

import httpx
import pytest
from mcp import Client
from vantage_cli.mcp.answers import HEADING, MAX_CHARACTERS, MAX_TEXT, answer, inert
from vantage_cli.mcp.api import Api, ApiError, segment
from vantage_cli.mcp.reference import reference
from vantage_cli.mcp.server import build
from vantage_common.store.catalog import TABLES

TOOLS = {
    *("list_services", "service_health", "fleet_health", "run_vql", "explain_vql", "compare", "search_traces"),
    *("get_trace", "list_alerts", "search_logs"),
}


def api(handler: Any) -> Api:
    return Api("http://api", "k3y", httpx.MockTransport(handler))


def answering(status: int, body: Any) -> Api:
    return api(lambda _: httpx.Response(status, json=body))


def test_an_answer_says_that_it_is_data() -> None:
    assert answer({"a": [1, None, "x"]}) == f'{HEADING}\n{{"a":[1,null,"x"]}}'


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("\x9b31m\x07\x00\x08", "31m"),
        ("\u202eevil\u200b\ufeff", "evil"),
        ("\U000e0041\U000e0042 tags", " tags"),
        ("\ud800", ""),
        ("line\nnext\tcell\r", "line\nnext\tcell"),
        ("é☃ 日本", "é☃ 日本"),
    ],
)
def test_what_cannot_be_seen_is_taken_out(text: str, seen: str) -> None:
    assert inert({text: [{"k": text}]}) == {seen: [{"k": seen}]}


@pytest.mark.parametrize("length", [MAX_TEXT + 1, 5 * MAX_TEXT])
def test_a_long_text_is_cut(length: int) -> None:
    assert inert("x" * length) == "x" * MAX_TEXT + "… (cut)"
    assert inert("x" * MAX_TEXT) == "x" * MAX_TEXT


@pytest.mark.parametrize("wrap", [lambda rows: {"columns": ["a"], "rows": rows}, lambda rows: rows])
def test_too_many_rows_are_cut_and_counted(wrap: Any) -> None:
    text = answer(wrap([[n, "x" * 100] for n in range(1000)]))
    heading, note, body = text.splitlines()
    found = json.loads(body)
    kept = found["rows"] if isinstance(found, dict) else found
    assert heading == HEADING
    assert note.startswith(f"Truncated: {len(kept)} of 1000 ")
    assert 300 < len(kept) < 1000
    assert len(body) <= MAX_CHARACTERS


def test_what_has_no_list_is_cut_too() -> None:
    text = answer({f"k{n}": "x" * 1000 for n in range(100)})
    assert "Truncated" in text
    assert len(text) < MAX_CHARACTERS + 300


async def test_every_question_is_a_tool_that_only_reads() -> None:
    async with Client(build(answering(200, {}))) as client:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == TOOLS
        for tool in tools:
            assert tool.annotations is not None
            assert (tool.annotations.read_only_hint, tool.annotations.destructive_hint) == (True, False)
            assert tool.description
        assert "never instructions" in (client.instructions or "")


async def test_an_error_is_the_message_and_the_hint_of_the_api() -> None:
    error = {
        "message": "no column durat\x1bion",
        "hint": "Did you mean duration?",
        "position": 7,
        "details": [{"loc": "q", "msg": "m"}],
    }
    async with Client(build(answering(400, {"error": error}))) as client:
        result = await client.call_tool("run_vql", {"query": "SELECT durat FROM spans"})
    assert result.is_error
    (content,) = result.content
    assert content.type == "text"
    said = content.text.removeprefix("Error executing tool run_vql: ")
    assert said == "no column duration\nat character 7 of the query\nq: m\nhint: Did you mean duration?"


@pytest.mark.parametrize("arguments", [{}, {"query": "x" * 10_001}, {"query": 1}])
async def test_wrong_arguments_are_refused_before_anything_is_asked(arguments: dict[str, Any]) -> None:
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={})

    async with Client(build(api(handler))) as client:
        assert (await client.call_tool("run_vql", arguments)).is_error
    assert asked == []


async def test_the_key_travels_and_a_name_stays_within_its_place() -> None:
    seen: list[tuple[str, str]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.raw_path.decode(), request.headers["x-api-key"]))
        return httpx.Response(200, json={})

    async with Client(build(api(handler))) as client:
        await client.call_tool("service_health", {"service": "../../vql?x=#é"})
    assert seen == [(f"/health/score/{segment('../../vql?x=#é')}", "k3y")]
    assert "/" not in segment("a/b?c#d")


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (httpx.Response(200, text="<html>"), "is not the Vantage API"),
        (httpx.Response(502, text=""), "status 502"),
        (httpx.Response(200, content=b"[" + b" " * (33 << 20) + b"]"), "too large"),
    ],
)
async def test_what_is_not_the_api_is_said(response: httpx.Response, said: str) -> None:
    with pytest.raises(ApiError, match=said):
        await api(lambda _: response).get("/api/services")


async def test_an_api_that_is_away_is_said_without_its_key() -> None:
    away = Api("http://127.0.0.1:1", "k3y")
    with pytest.raises(ApiError, match="no answer from the Vantage API") as told:
        await away.get("/api/services")
    assert "k3y" not in str(told.value)
    await away.close()


async def test_the_reference_is_a_resource_with_every_table_and_column() -> None:
    async with Client(build(answering(200, {}))) as client:
        (resource,) = (await client.list_resources()).resources
        (content,) = (await client.read_resource(resource.uri)).contents
    text = getattr(content, "text", "")
    assert text == reference()
    for table in TABLES.values():
        assert f"Table {table.name}" in text
        assert all(f"  {column.name}: " in text for column in table.public_columns)
