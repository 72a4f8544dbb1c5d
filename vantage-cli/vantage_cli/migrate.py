"""`vantage migrate`: the schema files, what has become of each, and what the others would run."""

from collections.abc import Callable

from vantage_common.errors import VantageError
from vantage_common.settings import Settings
from vantage_common.store.migrations import Step
from vantage_common.store.open import open_store

Say = Callable[[str], None]


async def migrate_store(settings: Settings, say: Say, *, dry_run: bool) -> None:
    """Applies the pending schema files, or says what they would run. Raises VantageError when one was changed after it
    had been applied, or is a newer Vantage's."""
    store = open_store(settings)
    try:
        if dry_run:
            report(await store.admin.steps(), store.name, say)
            return
        applied = await store.admin.migrate()
        for name in applied:
            say(f"applied  {name}")
        say(f"{store.name} is up to date" + ("" if applied else ": nothing to apply"))
    finally:
        await store.close()


def report(steps: list[Step], store: str, say: Say) -> None:
    """Every schema file with its state, its checksum and the statements that it would run."""
    for step in steps:
        say(f"{step.state:8} {step.name}  sha256 {step.checksum[:12]}")
        for statement in step.statements:
            say("")
            for line in f"{statement};".splitlines():
                say(f"    {line}".rstrip())
        if step.statements:
            say("")
    pending = sum(step.state == "pending" for step in steps)
    say(f"{pending} of {len(steps)} schema files would be applied to {store}; nothing was run")
    if unfit := [step.name for step in steps if step.state in ("changed", "unknown")]:
        raise VantageError(f"{', '.join(unfit)} of this store and of this Vantage differ: it would refuse to start")
