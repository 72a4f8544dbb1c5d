"""The dashboard that every workspace has: an example to read, and to duplicate and change. It is code, not stored."""

from typing import Any, Final

from vantage_api.dashboards.models import Content, Dashboard

ID: Final = "example"
AUTHOR: Final = "vantage"


def _panel(id_: str, title: str, chart: str, x: int, y: int, w: int, h: int, query: str, **options: Any) -> Any:
    position = {"x": x, "y": y, "w": w, "h": h}
    return {"id": id_, "title": title, "chart": chart, "query": query, "position": position, "options": options}


_REQUESTS: Final = "FROM metrics WHERE metric_name = 'http.request.duration'"
CONTENT: Final = Content.model_validate(
    {
        "name": "Requests at a glance",
        "description": "An example. Duplicate it to make it yours.",
        "panels": [
            _panel("total", "Requests", "number", 0, 0, 3, 4, f"SELECT count() AS requests {_REQUESTS}"),
            _panel("p95", "p95", "number", 3, 0, 3, 4, f"SELECT p95(value) AS p95_ms {_REQUESTS}", unit="ms"),
            _panel(
                *("errors", "Failed requests by service", "bar", 6, 0, 6, 4),
                f"SELECT service_name, countIf(status_code >= 500) AS failed {_REQUESTS} "
                "GROUP BY service_name ORDER BY failed DESC LIMIT 10",
            ),
            _panel(
                *("rate", "Requests by service", "area", 0, 4, 12, 6),
                f"SELECT service_name, count() AS requests {_REQUESTS} GROUP BY service_name TIMESERIES $interval",
            ),
            _panel(
                *("slow", "Slowest endpoints", "table", 0, 10, 6, 8),
                f"SELECT service_name, endpoint, count() AS requests, p95(value) AS p95_ms {_REQUESTS} "
                "GROUP BY service_name, endpoint ORDER BY p95_ms DESC LIMIT 20",
                unit="ms",
            ),
            _panel(
                *("logs", "Log lines by severity", "heatmap", 6, 10, 6, 8),
                "SELECT severity, count() AS lines FROM logs GROUP BY severity TIMESERIES $interval",
            ),
        ],
    }
)


def example() -> Dashboard:
    return Dashboard(**CONTENT.model_dump(), id=ID, version=0, changed_at=0, author=AUTHOR, read_only=True)
