"""CPU time to decode a point: `python -m tests.bench.decode`. The best of five rounds over 10 000 points in one body.

"shared": the 100 points of each metric have the same attribute sets as those of the other metrics, as an SDK sends
them; "unique": no two points of the body have the same attributes.
"""

import gc
import time
from typing import Any

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from vantage_collector.decode.check import Window
from vantage_collector.decode.otlp import Encoding, decode_otlp

from tests.bench.machine import describe

NOW_MS = 1_790_035_200_000
POINTS = 10_000
PER_METRIC = 100
RESOURCE = {
    "service.name": "shop",
    "service.instance.id": "shop-1",
    "deployment.environment.name": "prod",
    "service.version": "1.2.3",
    "telemetry.sdk.language": "python",
    "host.name": "host-1",
}
BOUNDS = (5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000)
COUNTS = (0, 0, 3, 5, 7, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0)
KINDS = ("gauge", "cumulative sum", "delta histogram", "cumulative histogram")


def request(kind: str, *, unique: bool) -> ExportMetricsServiceRequest:
    made = ExportMetricsServiceRequest()
    resource_metrics = made.resource_metrics.add()
    put(resource_metrics.resource.attributes, RESOURCE)
    scope_metrics = resource_metrics.scope_metrics.add()
    scope_metrics.scope.name = "shop.meter"
    temporality = 1 if kind.startswith("delta") else 2
    for number in range(POINTS // PER_METRIC):
        metric = scope_metrics.metrics.add(name=f"metric.{number}")
        data: Any = getattr(metric, kind.rpartition(" ")[2])
        if kind != "gauge":
            data.aggregation_temporality = temporality
        if kind == "cumulative sum":
            data.is_monotonic = True
        for i in range(PER_METRIC):
            point = data.data_points.add(
                time_unix_nano=NOW_MS * 1_000_000, start_time_unix_nano=(NOW_MS - 60_000) * 1_000_000
            )
            user = f"user-{number}-{i}" if unique else f"user-{i}"
            put(
                point.attributes,
                {"http.route": f"/r/{i % 10}", "http.request.method": "GET", "user": user, "zone": "eu"},
            )
            point.attributes.add(key="http.response.status_code").value.int_value = 200
            if "histogram" in kind:
                point.explicit_bounds.extend(BOUNDS)
                point.bucket_counts.extend(COUNTS)
                point.count, point.sum, point.min, point.max = sum(COUNTS), 900.0, 11.0, 200.0
            else:
                point.as_double = i * 1.5 + 1
    return made


def put(attributes: Any, pairs: dict[str, str]) -> None:
    for key, value in pairs.items():
        attributes.add(key=key).value.string_value = value


def cpu_us_a_point(body: bytes, encoding: Encoding) -> tuple[float, float]:
    """µs of CPU a point, and rows a point."""
    window = Window.back(NOW_MS, 90)
    rounds = []
    for _ in range(5):
        gc.collect()
        started = time.process_time()
        taken = decode_otlp("metrics", encoding, body, window, NOW_MS)
        rounds.append(time.process_time() - started)
    assert taken.items == POINTS, taken.refused.message()
    return min(rounds) / POINTS * 1e6, len(taken.samples) / POINTS


def main() -> None:
    print(describe())
    for kind in KINDS:
        for unique in (False, True):
            made = request(kind, unique=unique)
            as_json = MessageToJson(made, indent=None, use_integers_for_enums=True).encode()
            bodies: dict[Encoding, bytes] = {"protobuf": made.SerializeToString(), "json": as_json}
            for encoding, body in bodies.items():
                cpu_us, rows = cpu_us_a_point(body, encoding)
                attributes = "unique" if unique else "shared"
                print(
                    f"{kind:21} {attributes}  {encoding:8}  {len(body) / POINTS:4.0f} B/point  {cpu_us:6.2f} µs/point"
                    f"  {1e6 / cpu_us:9,.0f} points/s a core  {rows:g} rows/point"
                )


if __name__ == "__main__":
    main()
