"""OTLP over HTTP, and gRPC's methods that come in as requests (otlp_grpc.py): answers as OTLP has them."""

from fastapi import APIRouter, Request, Response
from msgspec import json
from vantage_common.block import Kind
from vantage_common.errors import UserError
from vantage_common.http.asgi import Scope, header, state_of, workspace_of
from vantage_common.http.errors import error_response

from vantage_collector.decode.otlp import EXPORTS, MEDIA_TYPES, PATHS, Encoding, decode_otlp, encode_answer, json_kind
from vantage_collector.decode.rpc_status import encode_status
from vantage_collector.intake import Intake

_PROTOBUF = frozenset({"application/x-protobuf", "application/protobuf", "application/vnd.google.protobuf"})
_BYTES_A_ROW = 64
"""Fewer than any point takes that says something: tells a large body before it is decoded."""
_STATE = "otlp"


def media_type_of(scope: Scope) -> str:
    """The content type without its parameters, in lower case."""
    return (header(scope, b"content-type") or "").partition(";")[0].strip().lower()


def is_protobuf(scope: Scope) -> bool:
    return media_type_of(scope) in _PROTOBUF


def otlp_encoding(kind: Kind, request: Request, body: bytes) -> Encoding | None:
    """How an OTLP body is encoded; None when it is none: anything that is not protobuf is read as JSON, and its first
    key tells. Raises UserError 400 for OTLP/JSON of another signal."""
    encoding: Encoding = "protobuf" if is_protobuf(request.scope) else "json"
    if encoding == "json":
        held = json_kind(body)
        if held is None:
            return None
        state_of(request.scope)[_STATE] = encoding
        if held != kind:
            raise UserError("wrong_signal", f"the body holds {held}: send it to {PATHS[held]}")
    return encoding


async def export(intake: Intake, kind: Kind, encoding: Encoding, request: Request, body: bytes) -> Response:
    """Takes an export request. 200 means that the broker has all that was not refused. Raises UserError."""
    workspace = workspace_of(request.scope)
    window, now_ms = intake.window(kind), intake.clock.now_ms()
    taken = await intake.unhurried(len(body) // _BYTES_A_ROW, decode_otlp, kind, encoding, body, window, now_ms)
    match kind:
        case "metrics":
            await intake.take_samples(workspace, None, taken.samples)
        case "spans":
            await intake.take_spans(workspace, None, taken.spans)
        case "logs":
            await intake.take_logs(workspace, None, taken.logs)
    intake.refuse(kind, taken.refused)
    return Response(encode_answer(kind, encoding, taken.refused), media_type=MEDIA_TYPES[encoding])


def grpc_routes(intake: Intake) -> APIRouter:
    """The export methods under their gRPC names: what arrives by gRPC passes the same guards as what does by HTTP."""
    routes = APIRouter(include_in_schema=False)

    def add(kind: Kind) -> None:
        @routes.post(EXPORTS[kind])
        async def export_method(request: Request) -> Response:
            return await export(intake, kind, "protobuf", request, await request.body())

    for kind in EXPORTS:
        add(kind)
    return routes


def respond(scope: Scope, error: UserError) -> Response:
    """The answer for an error, in the encoding of its request: OTLP asks for google.rpc.Status."""
    response = error_response(error)
    if is_protobuf(scope):
        body, media_type = encode_status(error), MEDIA_TYPES["protobuf"]
    elif state_of(scope).get(_STATE) == "json":
        body, media_type = json.encode({"message": error.message}), MEDIA_TYPES["json"]
    else:
        return response
    kept = {name: value for name, value in response.headers.items() if name not in ("content-length", "content-type")}
    return Response(body, error.status, kept, media_type=media_type)
