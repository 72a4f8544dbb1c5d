"""The OpenAPI document: the dashboard's client is generated from it, so every answer must be named in it."""

from pathlib import Path
from typing import Any

import pytest
from vantage_api.openapi import document

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def operations() -> dict[str, dict[str, Any]]:
    """Every operation by method and path."""
    paths = document()["paths"]
    return {f"{method} {path}": operation for path, of_path in paths.items() for method, operation in of_path.items()}


def test_every_answer_and_every_error_is_named(operations: dict[str, dict[str, Any]]) -> None:
    """An answer has a schema for each of its media types; 204 alone has none."""
    for name, operation in operations.items():
        answers = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
        assert answers, name
        for status, answer in answers.items():
            assert (status == "204") != bool(answer.get("content")), name
            assert all(
                content["schema"] or media == "text/event-stream"
                for media, content in answer.get("content", {}).items()
            ), name
        assert "ErrorBody" in str(operation["responses"]["422"]), name


def test_every_operation_has_a_name_of_its_own(operations: dict[str, dict[str, Any]]) -> None:
    ids = [operation["operationId"] for operation in operations.values()]
    assert len(set(ids)) == len(ids)


def test_every_call_is_described(operations: dict[str, dict[str, Any]]) -> None:
    """By its method and path, in one of the pages."""
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))
    calls = [f"{method.upper()} {path}" for method, path in (name.split(" ", 1) for name in operations)]
    assert [call for call in calls if call not in pages] == []
