"""`python -m tests.faults.tuned NAME=VALUE …`: the worker with other constants than it ships with.

A name is that of a constant of vantage_worker, wherever it is used; `session_s` is how long the broker waits for a sign
of life of a member, `probe_s` how long the breaker leaves a store alone. A name that nobody has is an error: a scenario
must not believe that it has changed something.
"""

import functools
import importlib
import json
import pkgutil
import runpy
import sys
from collections.abc import Mapping

import vantage_worker
from aiokafka import AIOKafkaConsumer
from vantage_common.bus import kafka
from vantage_worker.breaker import Breaker


def tune(values: Mapping[str, float]) -> None:
    modules = [
        importlib.import_module(f"vantage_worker.{module.name}")
        for module in pkgutil.iter_modules(vantage_worker.__path__)
        if module.name != "__main__"
    ]
    for name, value in values.items():
        if name == "session_s":
            _set_session(value)
        elif name == "probe_s":
            Breaker.__init__.__defaults__ = (*(Breaker.__init__.__defaults__ or ())[:-1], value)
        else:
            users = [module for module in modules if hasattr(module, name)]
            if not users:
                raise SystemExit(f"the worker has no constant {name}")
            for module in users:
                setattr(module, name, value)


def _set_session(seconds: float) -> None:
    timeouts = {"session_timeout_ms": round(seconds * 1000), "heartbeat_interval_ms": round(seconds * 300)}
    setattr(kafka, "AIOKafkaConsumer", functools.partial(AIOKafkaConsumer, **timeouts))  # noqa: B010  mypy minds it


def main() -> None:
    tune({name: json.loads(value) for name, _, value in (argument.partition("=") for argument in sys.argv[1:])})
    sys.argv[1:] = []
    runpy.run_module("vantage_worker", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
