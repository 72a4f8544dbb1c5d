"""What is instrumented, which module has to be there for it, and where its code is.

That code is imported with the library and not before: an application that uses two of them pays for two.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Dict, Tuple

from vantage_agent.config import Config
from vantage_agent.instrumentation.import_hook import ImportHooks
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.recorder import Recorder

_OTEL_ASGI = ("opentelemetry.instrumentation.asgi", "server", "install_otel_asgi")
_OTEL_WSGI = ("opentelemetry.instrumentation.wsgi", "server", "install_otel_wsgi")

# library: (module that is patched, our module, its function)
_MODULES: Dict[str, Tuple[Tuple[str, str, str], ...]] = {
    "flask": (("flask", "flask", "install_flask"), _OTEL_WSGI),
    "fastapi": (
        ("starlette.routing", "starlette", "install_routing"),
        ("starlette.applications", "starlette", "install_applications"),
        ("fastapi.applications", "starlette", "install_fastapi"),
        _OTEL_ASGI,
    ),
    "django": (("django.core.handlers.base", "django", "install_django"), _OTEL_ASGI, _OTEL_WSGI),
    "aiohttp": (
        ("aiohttp.web_protocol", "aiohttp_server", "install_aiohttp_server"),
        ("aiohttp.client", "aiohttp_client", "install_aiohttp_client"),
    ),
    "requests": (
        ("requests.adapters", "requests", "install_requests"),
        ("requests.sessions", "requests", "install_sessions"),
    ),
    "httpx": (
        ("httpcore", "httpx", "install_httpcore"),
        ("httpcore2", "httpx", "install_httpcore"),
        ("httpx", "httpx", "install_httpx"),
        ("httpx2", "httpx", "install_httpx"),
    ),
    "urllib3": (("urllib3.connectionpool", "urllib3", "install_urllib3"),),
    "sqlalchemy": (
        ("sqlalchemy.engine.base", "sqlalchemy", "install_connections"),
        ("sqlalchemy.engine.default", "sqlalchemy", "install_connect"),
    ),
    "psycopg": (("psycopg", "psycopg", "install_psycopg"),),
    "psycopg2": (("psycopg2", "psycopg2", "install_psycopg2"),),
    "redis": (
        ("redis.client", "redis", "install_sync"),
        ("redis.asyncio.client", "redis", "install_async"),
        ("redis.cluster", "redis", "install_cluster"),
        ("redis.asyncio.cluster", "redis", "install_async_cluster"),
        ("kombu.transport.redis", "redis", "install_kombu"),
    ),
    "kafka-python": (
        ("kafka.producer.kafka", "kafka_python", "install_producer"),
        ("kafka.consumer.group", "kafka_python", "install_consumer"),
    ),
    "aiokafka": (
        ("aiokafka.producer.producer", "aiokafka", "install_producer"),
        ("aiokafka.consumer.consumer", "aiokafka", "install_consumer"),
    ),
    "confluent-kafka": (("confluent_kafka", "confluent_kafka", "install_confluent_kafka"),),
    "celery": (
        ("celery.app.base", "celery", "install_sending"),
        ("celery.signals", "celery", "install_running"),
        ("celery.worker.request", "celery", "install_losses"),
    ),
}


def install(patcher: Patcher, recorder: Recorder, config: Config) -> None:
    """Instrument the chosen libraries, those not imported yet as soon as they are. Does nothing twice."""
    hooks = ImportHooks()
    patcher.on_restore(hooks.remove)
    for library in config.libraries:
        for module, ours, function in _MODULES[library]:
            if patcher.first(module):
                hooks.when_imported(module, partial(_install, ours, function, patcher=patcher, recorder=recorder))
    if config.libraries and patcher.first("threading"):
        for module, function in (("threading", "install_threads"), ("concurrent.futures.thread", "install_executor")):
            hooks.when_imported(module, partial(_install, "threads", function, patcher=patcher, recorder=recorder))
    if config.log_level is not None and patcher.first("logging"):
        from vantage_agent.logs import install_logs

        install_logs(patcher, recorder, config.log_level)


def _install(ours: str, function: str, module: ModuleType, *, patcher: Patcher, recorder: Recorder) -> None:
    code = import_module("vantage_agent.instrumentation." + ours)
    getattr(code, function)(module, patcher=patcher, recorder=recorder)
