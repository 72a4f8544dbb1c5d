"""The ingest routes in OpenAPI: msgspec reads the bodies, so their schemas are taken from its types."""

from typing import Any

import msgspec
from fastapi import FastAPI
from vantage_common.block import Kind

from vantage_collector.decode.items import LogBatch, MetricBatch, SpanBatch

_BATCHES: dict[Kind, type[msgspec.Struct]] = {"metrics": MetricBatch, "spans": SpanBatch, "logs": LogBatch}
_EXAMPLE_MS = 1_790_035_200_123
_BATCH_EXAMPLE = {"service_name": "checkout", "environment": "production", "instance": "checkout-7d9f-1"}

EXAMPLES: dict[Kind, dict[str, Any]] = {
    "metrics": {
        **_BATCH_EXAMPLE,
        "agent_version": "0.1.0",
        "batch_id": "0af7651916cd43dd8448eb211c80319c",
        "metrics": [
            {
                "timestamp": _EXAMPLE_MS,
                "metric_name": "http.request.duration",
                "metric_type": "histogram",
                "value": 12.5,
                "endpoint": "/orders/{id}",
                "method": "GET",
                "status_code": 200,
                "tags": {"region": "eu-west-1"},
            },
            {"timestamp": _EXAMPLE_MS, "metric_name": "orders.placed", "metric_type": "counter", "value": 1},
        ],
    },
    "spans": {
        **_BATCH_EXAMPLE,
        "spans": [
            {
                "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                "span_id": "00f067aa0ba902b7",
                "name": "GET /orders/{id}",
                "kind": "server",
                "start_time": _EXAMPLE_MS,
                "duration_ms": 12.5,
                "status": "ok",
                "attributes": {"db.rows": 3},
                "caller": "storefront",
            }
        ],
    },
    "logs": {
        **_BATCH_EXAMPLE,
        "logs": [
            {
                "timestamp": _EXAMPLE_MS,
                "severity": "ERROR",
                "body": "payment was declined",
                "attributes": {"order": "o-17"},
                "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            }
        ],
    },
}

_ERROR_SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "hint": {"type": "string"},
                "position": {"type": "integer", "description": "byte of the body where the JSON ends to be one"},
                "details": {
                    "type": "array",
                    "maxItems": 10,
                    "items": {
                        "type": "object",
                        "required": ["loc", "msg"],
                        "properties": {"loc": {"type": "string"}, "msg": {"type": "string"}},
                    },
                },
            },
        }
    },
}
_ACCEPTED_SCHEMA = {
    "type": "object",
    "required": ["accepted", "rows"],
    "properties": {
        "accepted": {"type": "integer", "description": "items of the batch"},
        "rows": {"type": "integer", "description": "rows published: fewer after merging, more with derived spans"},
    },
}
_REFUSALS = {
    400: "not JSON, or a damaged Content-Encoding",
    401: "no API key, an unknown or an expired one",
    403: "a key without the scope `ingest`",
    408: "the body was not complete in time",
    413: "a body of more than 1 MiB (OTLP: 20 MiB), or a batch of more than VANTAGE_MAX_BATCH_SIZE items",
    415: "a Content-Type or Content-Encoding that is not spoken here",
    422: "a batch with faults: the first ten in `details`, and nothing of it stored",
    429: "too many requests: come back after Retry-After",
    503: "the broker has not acknowledged in time: send the batch again after Retry-After",
}


_OTLP_MESSAGES: dict[Kind, str] = {"metrics": "Metrics", "spans": "Trace", "logs": "Logs"}
_PROTOBUF = "application/x-protobuf"


def _binary(description: str) -> dict[str, Any]:
    return {_PROTOBUF: {"schema": {"type": "string", "format": "binary", "description": description}}}


def remote_write_docs() -> dict[str, Any]:
    """As `ingest_docs`, for Prometheus remote write."""
    content = _binary("prometheus.WriteRequest, or io.prometheus.write.v2.Request where the content type says so")
    refused = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}, **_binary("google.rpc.Status")}
    refusals = {status: text for status, text in _REFUSALS.items() if status != 422}
    refusals |= {
        400: "no such message, damaged snappy; in version 2.0 also when some samples were not written",
        413: "a body of more than 20 MiB",
    }
    return {
        "status_code": 204,
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
        "responses": {
            204: {"description": "The broker has the samples."},
            **{status: {"description": text, "content": refused} for status, text in refusals.items()},
        },
    }


def ingest_docs(kind: Kind) -> dict[str, Any]:
    """Arguments for a route decorator: what it takes in and every way it answers."""
    content = {
        "schema": {"$ref": f"#/components/schemas/{_BATCHES[kind].__name__}"},
        "example": EXAMPLES[kind],
    }
    message = f"Export{_OTLP_MESSAGES[kind]}Service"
    exported = {"application/json": {"schema": {"type": "object"}}, **_binary(f"OTLP's {message}Response")}
    refused = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}, **_binary("google.rpc.Status")}
    accepted = {"schema": {"$ref": "#/components/schemas/Accepted"}, "example": {"accepted": 2, "rows": 2}}
    return {
        "status_code": 202,
        "openapi_extra": {
            "requestBody": {
                "required": True,
                "content": {"application/json": content, **_binary(f"OTLP's {message}Request")},
            }
        },
        "responses": {
            200: {"description": "OTLP: the broker has what was not rejected.", "content": exported},
            202: {"description": "The broker has the data.", "content": {"application/json": accepted}},
            **{status: {"description": text, "content": refused} for status, text in _REFUSALS.items()},
        },
    }


def document_schemas(app: FastAPI) -> None:
    """Adds the schemas that `ingest_docs` refers to to the app's OpenAPI document."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        _, ours = msgspec.json.schema_components(_BATCHES.values(), ref_template="#/components/schemas/{name}")
        schemas.update(ours, Error=_ERROR_SCHEMA, Accepted=_ACCEPTED_SCHEMA)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document
