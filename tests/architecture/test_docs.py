"""The README names every setting with its default, and none that does not exist; its commands exist too."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from vantage_cli.main import app
from vantage_common.settings import Settings, variables

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
TABLE = dict(re.findall(r"^\| `(VANTAGE_\w+)` \| (.+?) \|", README, re.MULTILINE))


def shown(default: object) -> str:
    value = default.get_secret_value() if isinstance(default, SecretStr) else default
    if value is None or value == "":
        return "–"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def test_the_table_is_the_settings() -> None:
    assert {variables(name)[0]: shown(field.default) for name, field in Settings.model_fields.items()} == TABLE


def test_every_variable_named_anywhere_exists() -> None:
    known = {variable for name in Settings.model_fields for variable in variables(name)}
    documents = [ROOT / "README.md", ROOT / "docker-compose.yml", ROOT / ".env.example", *(ROOT / "docs").glob("*.md")]
    named = {
        match for path in documents for match in re.findall(r"\bVANTAGE_(?!AGENT_)[A-Z_]+[A-Z]\b", path.read_text())
    }
    assert named - known == set()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"^make (\w+)", README, re.MULTILINE))))
def test_every_make_verb_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_commands_are_those_of_the_readme() -> None:
    named = set(re.findall(r"`(up|demo|simulate|query|migrate|mcp|doctor)`", README))
    commands = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert named == commands


def test_every_linked_file_exists() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
