"""The allow-list of services beside the Apprise that is installed, and what an API that sends nothing does not load."""

import subprocess
import sys
from importlib import import_module

import pytest
from vantage_api.alerts.channels.services import PLUGIN_OF_SCHEME, scheme_of


@pytest.mark.parametrize(("scheme", "plugin"), sorted(PLUGIN_OF_SCHEME.items()))
def test_every_scheme_is_one_of_its_plugin(scheme: str, plugin: str) -> None:
    module, _, name = plugin.rpartition(".")
    found = getattr(import_module(f"apprise.plugins.{module}"), name)
    known: set[str] = set()
    for protocols in (found.protocol, found.secure_protocol):
        known |= set() if protocols is None else {protocols} if isinstance(protocols, str) else set(protocols)
    assert scheme in known


@pytest.mark.parametrize(
    "url", ["slack://TokenA", "SLACK://TokenA", "slack:TokenA", "slack", "", "://x", "s l://x", "slack\n://x"]
)
def test_a_scheme_stands_before_the_slashes(url: str) -> None:
    assert (scheme_of(url) == "slack") == url.lower().startswith("slack://")


def test_an_api_that_sends_nothing_loads_neither_apprise_nor_a_client() -> None:
    program = "import sys, vantage_api.server; print([m for m in ('apprise', 'httpx', 'requests') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
