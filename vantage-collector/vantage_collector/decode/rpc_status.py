"""google.rpc.Status, with which OTLP answers a request that failed, and the RetryInfo that says when to come back."""

from vantage_common.errors import UserError

from vantage_collector.decode.protobuf import declare

_MESSAGES = declare(
    "google.rpc",
    {
        "Status": ("int32 code = 1", "string message = 2", "repeated Any details = 3"),
        "Any": ("string type_url = 1", "bytes value = 2"),
        "RetryInfo": ("Duration retry_delay = 1",),
        "Duration": ("int64 seconds = 1",),
    },
)

_INVALID_ARGUMENT, _RESOURCE_EXHAUSTED, _INTERNAL, _UNAVAILABLE = 3, 8, 13, 14
_CODES = {
    400: _INVALID_ARGUMENT,
    401: 16,  # UNAUTHENTICATED
    403: 7,  # PERMISSION_DENIED
    404: 12,  # UNIMPLEMENTED
    408: 4,  # DEADLINE_EXCEEDED
    413: _RESOURCE_EXHAUSTED,
    415: _INVALID_ARGUMENT,
    422: _INVALID_ARGUMENT,
    429: _RESOURCE_EXHAUSTED,
    503: _UNAVAILABLE,
}


def code_of(status: int) -> int:
    """gRPC's code for an HTTP status."""
    return _CODES.get(status, _INTERNAL)


def encode_status(error: UserError) -> bytes:
    """The bytes of the Status. RetryInfo is what makes RESOURCE_EXHAUSTED worth a second try."""
    status = _MESSAGES["Status"](code=code_of(error.status), message=error.message)
    if error.retry_after_s is not None:
        retry = _MESSAGES["RetryInfo"]()
        retry.retry_delay.seconds = error.retry_after_s
        status.details.add(type_url="type.googleapis.com/google.rpc.RetryInfo", value=retry.SerializeToString())
    return bytes(status.SerializeToString())


def read_status(body: bytes) -> tuple[int, str]:
    """Code and message of an encoded Status."""
    status = _MESSAGES["Status"].FromString(body)
    return status.code or _INTERNAL, status.message
