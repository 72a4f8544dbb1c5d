"""Log lines: what the pods of a fleet write about the requests they serve and about their own coming and going."""

import random
from collections.abc import Sequence
from zlib import crc32

from vantage_cli.simulate.fleet import Fleet, Service
from vantage_cli.simulate.scenario import FleetState, Pod
from vantage_cli.simulate.signals import Ids
from vantage_cli.simulate.traffic import CALL_TIMEOUT_MS, Request
from vantage_cli.simulate.wire import Emission, LogItem

INFO_LINES = 8
WARN_LINES = 5
ERROR_LINES = 10
"""The most lines of each severity that requests leave behind in one second: services limit their logs."""
SLOW_FACTOR = 5.0
"""A request is worth a warning beyond so many times its expected duration…"""
SLOW_MS = 80.0
"""…and this many ms."""

_BUGS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "edge": (
        ("HeaderTooLarge", "cookie header has 9216 bytes, the limit is 8192", "read_headers"),
        ("RouteTableStale", "no upstream for route revision {n}", "pick_upstream"),
    ),
    "identity": (
        ("TokenSignatureInvalid", "key id {hex} is not in the key set", "verify_signature"),
        ("ClaimMissing", "claim 'tenant' is missing in token {hex}", "read_claims"),
    ),
    "catalog": (
        ("KeyError", "'price_tiers' of product {n}", "render_product"),
        ("CurrencyMismatch", "product {n} is priced in EUR, the basket in GBP", "convert"),
    ),
    "payments": (
        ("AmountOverflow", "charge {n} exceeds numeric(12,2)", "to_minor_units"),
        ("AcquirerProtocolError", "acquirer answered 0x{hex} to authorisation {n}", "authorise"),
    ),
    "delivery": (
        ("AddressUnresolvable", "postcode of order {n} has no depot", "assign_depot"),
        ("CarrierRejected", "carrier refused parcel {hex}: weight is missing", "book_parcel"),
    ),
    "data": (
        ("DeadlockDetected", "transaction {n} waits for transaction {hex}", "acquire_lock"),
        ("ConnectionPoolExhausted", "no connection became free within 500 ms, {n} waiters", "checkout_connection"),
    ),
}
_OTHER_BUGS = (
    ("AssertionError", "job {n} was claimed twice", "claim"),
    ("ValidationError", "field 'segment' of record {hex} is empty", "validate"),
)


def request_lines(requests: Sequence[Request], second_ms: int, ids: Ids, rng: random.Random) -> list[Emission]:
    """Errors and slow requests first of all, and a few of the many that went well."""
    failed = [r for r in requests if r.failed]
    well = [r for r in requests if not r.failed]
    warned = [r for r in well if r.culprit or _is_slow(r)]
    lines = [_line(r, "ERROR", _error(r, rng), second_ms, ids) for r in _some(failed, ERROR_LINES, rng)]
    lines += [_line(r, "WARN", _warning(r), second_ms, ids) for r in _some(warned, WARN_LINES, rng)]
    lines += [_line(r, "INFO", _access(r, rng), second_ms, ids) for r in _some(well, INFO_LINES, rng)]
    return lines


def pod_lines(fleet: Fleet, before: FleetState, after: FleetState, second_ms: int) -> list[Emission]:
    """What pods say as they start and stop between two states: deploys, scaling, crashes, recoveries."""
    lines = []
    for name, service in fleet.services.items():
        old = {pod.name: pod for pod in before.services[name].pods}
        new = {pod.name: pod for pod in after.services[name].pods}
        crashed = bool(old) and not new
        for pod in (pod for key, pod in old.items() if key not in new):
            severity, body = ("FATAL", _crash(pod)) if crashed else ("INFO", "SIGTERM received: draining, then exit 0")
            lines.append(_pod_line(service, pod, severity, body, second_ms))
        for pod in (pod for key, pod in new.items() if key not in old):
            body = f"{name} {pod.version} started, listening on :8080"
            lines.append(_pod_line(service, pod, "INFO", body, second_ms))
    return lines


def _is_slow(request: Request) -> bool:
    return request.duration_ms > max(SLOW_MS, SLOW_FACTOR * request.service.expected_ms)


def _some(requests: list[Request], most: int, rng: random.Random) -> list[Request]:
    return requests if len(requests) <= most else rng.sample(requests, most)


def _access(request: Request, rng: random.Random) -> str:
    path = request.route.path
    if "{" in path:
        start, end = path.index("{"), path.index("}")
        path = f"{path[:start]}{rng.randrange(10_000, 99_999)}{path[end + 1 :]}"
    return f"{request.route.method} {path} {request.status} in {request.duration_ms:.1f} ms"


def _warning(request: Request) -> str:
    if request.culprit:
        return f"{request.culprit} did not answer {request.route.path}: going on without it"
    return (
        f"slow request: {request.route.method} {request.route.path} took {request.duration_ms:.0f} ms, "
        f"usual are {request.service.expected_ms:.0f} ms"
    )


def _error(request: Request, rng: random.Random) -> str:
    where = f"{request.route.method} {request.route.path}"
    match request.fault:
        case "internal":
            return _bug(request, where, rng)
        case "timeout":
            return f"{where} gave up after {request.duration_ms:.0f} ms: the caller's deadline has passed"
        case "upstream_timeout":
            return f"{where} failed: UpstreamTimeout: {request.culprit} did not answer within {CALL_TIMEOUT_MS:.0f} ms"
        case "unreachable":
            return f"{where} failed: ConnectionRefused: {request.culprit} has no ready endpoints"
        case _:
            return f"{where} failed: UpstreamError: {request.culprit} answered with a server error"


def _bug(request: Request, where: str, rng: random.Random) -> str:
    """An exception with the frames that led to it, in the manner of a Python traceback."""
    kind, message, function = rng.choice(_BUGS.get(request.service.namespace, _OTHER_BUGS))
    text = message.format(n=rng.randrange(1_000, 999_999), hex=f"{rng.getrandbits(32):08x}")
    module = request.service.name.replace("-", "_")
    line = 40 + crc32(f"{module}{function}".encode()) % 300
    return (
        f"{where} failed: {kind}: {text}\n"
        "Traceback (most recent call last):\n"
        f'  File "{module}/routes.py", line {20 + line % 50}, in handle\n'
        f'  File "{module}/core.py", line {line}, in {function}\n'
        f"{kind}: {text}"
    )


def _crash(pod: Pod) -> str:
    limit = 256 + crc32(pod.name.encode()) % 4 * 128
    return f"out of memory: {limit} MiB limit reached, killed (exit code 137)"


def _line(request: Request, severity: str, body: str, second_ms: int, ids: Ids) -> Emission:
    end_ms = second_ms + request.end_ms
    trace_id, span_id = ids.get(request, ("", ""))
    attributes = {"version": request.pod.version, "http.response.status_code": str(request.status)}
    item = LogItem(request.service.name, request.pod.name, int(end_ms), severity, body, attributes, trace_id, span_id)
    return Emission(end_ms, request.service.name, request.pod.name, item)


def _pod_line(service: Service, pod: Pod, severity: str, body: str, second_ms: int) -> Emission:
    item = LogItem(
        service.name, pod.name, second_ms, severity, body, {"version": pod.version, "namespace": service.namespace}
    )
    return Emission(float(second_ms), service.name, pod.name, item)
