"""The OpenAPI document: the dashboard's client is generated from it, so every answer must be named in it."""

from typing import Any

import pytest
from vantage_api.openapi import document


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
