"""POST /api/v1/write: Prometheus remote write, 1.0 and 2.0."""

from fastapi import APIRouter, Request, Response
from vantage_common.errors import UserError
from vantage_common.http.asgi import workspace_of

from vantage_collector.decode.remote_write import Version, Written, decode_write
from vantage_collector.intake import Intake
from vantage_collector.openapi import remote_write_docs
from vantage_collector.routes.otlp import is_protobuf

WRITE_PATH = "/api/v1/write"
_VERSIONS: dict[str, Version] = {"": 1, "prometheus.writerequest": 1, "io.prometheus.write.v2.request": 2}
_BYTES_A_ROW = 16


def remote_write_routes(intake: Intake) -> APIRouter:
    routes = APIRouter(tags=["ingest"])

    @routes.post(WRITE_PATH, **remote_write_docs())
    async def write(request: Request) -> Response:
        """Takes a remote write request of Prometheus. 204 means that the broker has its samples."""
        version = _version(request)
        body = await request.body()
        written = await intake.unhurried(
            len(body) // _BYTES_A_ROW, decode_write, body, version, intake.window("metrics")
        )
        await intake.take_samples(workspace_of(request.scope), None, written.samples)
        intake.refuse("metrics", written.refused)
        return Response(status_code=204) if version == 1 else _answer_v2(written)

    return routes


def _version(request: Request) -> Version:
    """The protocol's version, which the content type's parameter `proto` tells. Raises UserError 415."""
    given = request.headers.get("content-type", "")
    parameters = (part.strip().partition("=") for part in given.split(";")[1:])
    proto = next((value.strip('"') for name, _, value in parameters if name.strip().lower() == "proto"), "")
    version = _VERSIONS.get(proto.lower())
    if version is None or not is_protobuf(request.scope):
        raise UserError(
            "unsupported_media_type",
            f"content type {given[:100]!r} is not remote write",
            status=415,
            hint="send application/x-protobuf, with proto=io.prometheus.write.v2.Request for version 2.0",
        )
    return version


def _answer_v2(written: Written) -> Response:
    """2.0 has the sender told what was written, and a 400 when something was not: it is not sent again."""
    headers = {
        "x-prometheus-remote-write-samples-written": str(written.floats),
        "x-prometheus-remote-write-histograms-written": str(written.histograms),
        "x-prometheus-remote-write-exemplars-written": "0",
    }
    if not written.refused.items:
        return Response(None, 204, headers)
    return Response(f"not written: {written.refused.message()}", 400, headers, media_type="text/plain")
