"""The one agent of this process. There can be only one: what it instruments is global too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from vantage_agent.agent import Agent
    from vantage_agent.recorder import Recorder

agent: Optional[Agent] = None


def recorder() -> Optional[Recorder]:
    """Where records go, or None while no agent runs."""
    current = agent
    return None if current is None else current.recorder
