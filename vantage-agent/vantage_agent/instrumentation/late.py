"""What was there before the agent. Python classes are patched where they are; those in C are not to be had any more."""

from __future__ import annotations

import logging
import sys
from types import ModuleType
from typing import Any, Collection, List

NAMED = 5

log = logging.getLogger("vantage.agent")


def was_imported_before(module: Any) -> bool:
    """Whether a module had run when the agent started; asked while its instrumentation is installed."""
    return not getattr(getattr(module, "__spec__", None), "_initializing", False)


def tell_holders(library: str, classes: Collection[Any]) -> None:
    """One line where modules of the application hold classes that have been replaced since."""
    holders = holders_of(classes, library)
    if holders:
        more = " and others" if len(holders) > NAMED else ""
        log.info(
            "%s is not recorded in %s%s: imported by name before the agent started",
            library, ", ".join(holders[:NAMED]), more,
        )  # fmt: skip


def holders_of(classes: Collection[Any], library: str) -> List[str]:
    """Names of the modules, other than the library's own, that have one of `classes` among their names."""
    wanted = {id(one) for one in classes}
    found = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == library or not issubclass(type(module), ModuleType):
            continue
        # Not vars(module): one that is to be loaded when it is first asked for something would be.
        held = list(object.__getattribute__(module, "__dict__").values())
        if any(id(value) in wanted for value in held):
            found.append(name)
    return sorted(found)
