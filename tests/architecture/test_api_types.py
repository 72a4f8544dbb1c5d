"""The dashboard's types are those of the API's own document."""

import json
import subprocess
from pathlib import Path
from typing import Any

from vantage_api.openapi import document

DASHBOARD = Path(__file__).parents[2] / "vantage-dashboard"


def compared(described: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    command = ["node", "dev/api-types.mjs", "--check"]
    return subprocess.run(command, cwd=DASHBOARD, input=json.dumps(described), capture_output=True, text=True)


def test_they_are_what_the_document_makes_today() -> None:
    found = compared(document())
    assert found.returncode == 0, found.stderr


def test_a_field_that_the_dashboard_does_not_know_is_noticed() -> None:
    described = document()
    described["components"]["schemas"]["ServiceSummary"]["properties"]["new_field"] = {"type": "string"}
    assert compared(described).returncode == 1
