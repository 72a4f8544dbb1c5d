"""Replacing methods, so that it happens once and can be undone."""

from __future__ import annotations

import functools
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType
from typing import Any, Callable, List, Set, Tuple

Wrap = Callable[[Any], Any]

_PLAIN = (FunctionType, BuiltinFunctionType, MethodDescriptorType, classmethod, staticmethod)


class Patcher:
    """Remembers what was replaced. Wrappers must look at `recorder.active` first: where somebody else wrapped ours in
    the meantime it cannot be taken out and has to step aside instead."""

    def __init__(self) -> None:
        self._patches: List[Tuple[Any, str, Any, Any]] = []
        self._undo: List[Callable[[], None]] = []
        self._done: Set[str] = set()

    def first(self, name: str) -> bool:
        """True the first time it is asked about `name`; makes installing idempotent."""
        if name in self._done:
            return False
        self._done.add(name)
        return True

    def wrap(self, owner: Any, name: str, wrap: Wrap) -> None:
        """Replace `owner.name`, which `owner` itself defines, by `wrap(owner.name)`."""
        original = vars(owner).get(name)
        if original is None:
            return
        replacement = wrap(as_function(original) if isinstance(owner, type) else original)
        setattr(owner, name, replacement)
        self._patches.append((owner, name, original, replacement))

    def on_restore(self, undo: Callable[[], None]) -> None:
        self._undo.append(undo)

    def restore(self) -> None:
        """Put the originals back, last first, wherever ours is still the one in place."""
        for owner, name, original, replacement in reversed(self._patches):
            if vars(owner).get(name) is replacement:
                setattr(owner, name, original)
        for undo in reversed(self._undo):
            undo()
        self._patches.clear()
        self._undo.clear()
        self._done.clear()


def as_function(original: Any) -> Any:
    """A method that can be called with its instance as the first argument, as one that is wrapped with wrapt cannot:
    its wrapper believes then that there is no instance."""
    if type(original) in _PLAIN or not hasattr(original, "__wrapped__") or not hasattr(original, "__get__"):
        return original

    @functools.wraps(original)
    def function(self: Any, *args: Any, **kwargs: Any) -> Any:
        return original.__get__(self, type(self))(*args, **kwargs)

    return function
