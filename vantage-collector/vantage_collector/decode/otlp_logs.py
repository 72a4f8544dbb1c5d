"""OTLP log records to ours: pure, for protobuf and JSON alike. They have no identity to keep: long values are cut."""

from typing import Any

from vantage_common.model import LogRecord

from vantage_collector.decode.check import MAX_LOG_BODY_BYTES, SEVERITIES, Window
from vantage_collector.decode.otlp_reader import NS_PER_MS, Origin, Reader, Wire, as_text, cut

_SEVERITY_STEPS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


class LogReader(Reader):
    """Reads the log records of a request into `logs`; one without any time is stamped `now_ms`."""

    def __init__(self, wire: Wire, window: Window, now_ms: int) -> None:
        super().__init__(wire, window)
        self.logs: list[LogRecord] = []
        self._now_ms = now_ms

    def read(self, request: Any) -> None:
        """Raises UserError 413 when the request has too many parts or makes too many rows."""
        for resource_logs in self._each("ResourceLogs", request.resource_logs):
            origin = self._origin(resource_logs.resource)
            for scope_logs in self._each("ScopeLogs", resource_logs.scope_logs):
                records = self._items(scope_logs.log_records)
                if origin.fault:
                    self.refused.add(origin.fault, len(records))
                    continue
                for record in map(self._wire.parser("LogRecord"), records):
                    self._log(record, origin, scope_logs.scope.name)

    def _log(self, record: Any, origin: Origin, scope: str) -> None:
        at_ns = record.time_unix_nano or record.observed_time_unix_nano
        at_ms = at_ns // NS_PER_MS if at_ns else self._now_ms
        if not self._in_window(at_ms):
            self.refused.add(f"log record: {self._time_fault(at_ms)}")
            return
        try:
            own = self._pairs(self._wire.raws(record.attributes))
            body = as_text(self._wire.plain(record.body))
        except ValueError:
            self.refused.add("a log record cannot be read")
            return
        if record.event_name:
            own.setdefault("event.name", record.event_name)
        if scope:
            own.setdefault("logger", scope)
        self.logs.append(
            LogRecord(
                timestamp=at_ms,
                service_name=origin.service,
                severity=_severity(record),
                body=cut(body, MAX_LOG_BODY_BYTES),
                environment=origin.environment,
                instance=origin.instance,
                attributes=self._texts(own, origin),
                trace_id=self._wire.hex(record.trace_id, 32),
                span_id=self._wire.hex(record.span_id, 16),
            )
        )


def _severity(record: Any) -> str:
    number = record.severity_number
    if 1 <= number <= 24:
        return _SEVERITY_STEPS[(number - 1) // 4]
    return SEVERITIES.get(record.severity_text.upper(), "INFO")
