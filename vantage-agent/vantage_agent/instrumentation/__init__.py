"""What is instrumented, and which module has to be there for it."""

from __future__ import annotations

from functools import partial
from typing import Callable, Dict, Tuple

from vantage_agent.config import Config
from vantage_agent.instrumentation.flask import install_flask
from vantage_agent.instrumentation.httpx import install_httpx
from vantage_agent.instrumentation.import_hook import ImportHooks
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.instrumentation.requests import install_requests
from vantage_agent.instrumentation.starlette import install_applications, install_fastapi, install_routing
from vantage_agent.instrumentation.threads import install_threads
from vantage_agent.logs import install_logs
from vantage_agent.recorder import Recorder

Install = Callable[..., None]

_MODULES: Dict[str, Tuple[Tuple[str, Install], ...]] = {
    "flask": (("flask", install_flask),),
    "fastapi": (
        ("starlette.routing", install_routing),
        ("starlette.applications", install_applications),
        ("fastapi.applications", install_fastapi),
    ),
    "requests": (("requests.adapters", install_requests),),
    "httpx": (("httpx", install_httpx), ("httpx2", install_httpx)),
}


def install(patcher: Patcher, recorder: Recorder, config: Config) -> None:
    """Instrument the chosen libraries, those not imported yet as soon as they are. Does nothing twice."""
    hooks = ImportHooks()
    patcher.on_restore(hooks.remove)
    for library in config.libraries:
        for module, instrument in _MODULES[library]:
            if patcher.first(module):
                hooks.when_imported(module, partial(instrument, patcher=patcher, recorder=recorder))
    if config.libraries and patcher.first("concurrent.futures"):
        hooks.when_imported("concurrent.futures.thread", partial(install_threads, patcher=patcher, recorder=recorder))
    if config.log_level is not None and patcher.first("logging"):
        install_logs(patcher, recorder, config.log_level)
