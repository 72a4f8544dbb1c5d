"""Giving way to OpenTelemetry's instrumentors, which know of themselves whether they are switched on."""

from __future__ import annotations

import sys


def traced_by_opentelemetry(package: str) -> bool:
    """Whether OpenTelemetry's instrumentor of a library is switched on here: then it is the one who records."""
    module = sys.modules.get("opentelemetry.instrumentation." + package)
    if module is None:
        return False
    # Instrumentors are singletons.
    instances = [getattr(value, "_instance", None) for value in vars(module).values()]
    return any(getattr(instance, "is_instrumented_by_opentelemetry", False) is True for instance in instances)
