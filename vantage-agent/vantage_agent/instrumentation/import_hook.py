"""Calling back when a module gets imported, without importing it ourselves."""

from __future__ import annotations

import logging
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Callable, Dict, Optional, Sequence

log = logging.getLogger("vantage.agent")

Hook = Callable[[ModuleType], None]


class ImportHooks:
    """A finder that finds nothing: it asks the others and has their loader call the hook after it ran the module.

    Not a subclass of importlib.abc.MetaPathFinder: nothing asks for that, and its module takes milliseconds to import.
    """

    def __init__(self) -> None:
        self._hooks: Dict[str, Hook] = {}

    def when_imported(self, name: str, hook: Hook) -> None:
        """Call `hook(module)` once module `name` has run: now, if it has already."""
        module = sys.modules.get(name)
        if module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False):
            _call(hook, module)
            return
        self._hooks[name] = hook
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def remove(self) -> None:
        self._hooks.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None
    ) -> Optional[ModuleSpec]:
        hook = self._hooks.get(fullname)
        if hook is None:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: Optional[ModuleSpec] = find(fullname, path, target)
            if spec is not None:
                self._attach(spec, hook)
                return spec
        return None

    def _attach(self, spec: ModuleSpec, hook: Hook) -> None:
        loader: Any = spec.loader
        run = getattr(loader, "exec_module", None)
        if run is None:
            return

        def exec_module(module: ModuleType) -> None:
            run(module)
            self._hooks.pop(spec.name, None)
            _call(hook, module)

        try:
            # On the instance, not a loader of our own: what asks the loader for resources finds the real one.
            loader.exec_module = exec_module
        except AttributeError:
            log.debug("%s cannot be watched", spec.name)


def _call(hook: Hook, module: ModuleType) -> None:
    try:
        hook(module)
    except Exception:
        # A version of the library that we do not know: it works on, uninstrumented.
        log.debug("%s could not be instrumented", module.__name__, exc_info=True)
