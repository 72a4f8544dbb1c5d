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

# library: (module that is patched, our module, its function)
_MODULES: Dict[str, Tuple[Tuple[str, str, str], ...]] = {
    "flask": (("flask", "flask", "install_flask"),),
    "fastapi": (
        ("starlette.routing", "starlette", "install_routing"),
        ("starlette.applications", "starlette", "install_applications"),
        ("fastapi.applications", "starlette", "install_fastapi"),
    ),
    "requests": (("requests.adapters", "requests", "install_requests"),),
    "httpx": (("httpx", "httpx", "install_httpx"), ("httpx2", "httpx", "install_httpx")),
}


def install(patcher: Patcher, recorder: Recorder, config: Config) -> None:
    """Instrument the chosen libraries, those not imported yet as soon as they are. Does nothing twice."""
    hooks = ImportHooks()
    patcher.on_restore(hooks.remove)
    for library in config.libraries:
        for module, ours, function in _MODULES[library]:
            if patcher.first(module):
                hooks.when_imported(module, partial(_install, ours, function, patcher=patcher, recorder=recorder))
    if config.libraries and patcher.first("concurrent.futures"):
        hooks.when_imported(
            "concurrent.futures.thread",
            partial(_install, "threads", "install_threads", patcher=patcher, recorder=recorder),
        )
    if config.log_level is not None and patcher.first("logging"):
        from vantage_agent.logs import install_logs

        install_logs(patcher, recorder, config.log_level)


def _install(ours: str, function: str, module: ModuleType, *, patcher: Patcher, recorder: Recorder) -> None:
    code = import_module("vantage_agent.instrumentation." + ours)
    getattr(code, function)(module, patcher=patcher, recorder=recorder)
