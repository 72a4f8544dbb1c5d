"""The OpenAPI document: the dashboard's client is generated from it, so every answer must be named in it."""

from vantage_api.openapi import document


def test_the_openapi_document_names_every_answer() -> None:
    found = document()
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
            assert answer, f"{method} {path}"
            assert "ErrorBody" in str(operation["responses"]["422"]), f"{method} {path}"
    ids = [operation["operationId"] for operations in found["paths"].values() for operation in operations.values()]
    assert len(set(ids)) == len(ids)
