"""API keys: who gets in, for which workspace, and what a refusal says."""

import hashlib
import json
from pathlib import Path

import pytest
from pydantic import SecretStr
from vantage_common.clock import ManualClock
from vantage_common.errors import UserError
from vantage_common.http.keys import LOOK_EVERY_S, Key, Keyring, KeyScope, load_keyring, presented_key
from vantage_common.settings import Settings, SettingsError

NOW_MS = 1_790_000_000_000


def key(text: str, *scopes: KeyScope, expires_ms: int | None = None) -> Key:
    digest = hashlib.sha256(text.encode()).digest()
    return Key(f"id-{text}", "shop", frozenset(scopes), "editor", digest, expires_ms)


@pytest.fixture
def keyring() -> Keyring:
    keys = (
        key("writer", "ingest"),
        key("reader", "query"),
        key("boss", "admin"),
        key("old", "ingest", expires_ms=NOW_MS),
        key("fresh", "ingest", expires_ms=NOW_MS + 1),
    )
    return Keyring(keys, ManualClock(NOW_MS))


@pytest.mark.parametrize("text", ["writer", "boss", "fresh"])
def test_a_key_with_the_scope_gets_in(keyring: Keyring, text: str) -> None:
    assert keyring.authenticate(text, "ingest").workspace == "shop"


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        (None, 401, "missing_key"),
        ("", 401, "missing_key"),
        ("nobody", 401, "wrong_key"),
        ("Writer", 401, "wrong_key"),
        ("x" * 100_000, 401, "wrong_key"),
        ("wr\0iter", 401, "wrong_key"),
        ("old", 401, "expired_key"),
        ("reader", 403, "wrong_scope"),
    ],
)
def test_anyone_else_is_refused(keyring: Keyring, text: str | None, status: int, code: str) -> None:
    with pytest.raises(UserError) as refused:
        keyring.authenticate(text, "ingest")
    assert (refused.value.status, refused.value.code) == (status, code)


def test_a_refusal_does_not_repeat_the_key(keyring: Keyring) -> None:
    with pytest.raises(UserError) as refused:
        keyring.authenticate("my-secret", "ingest")
    assert "my-secret" not in str(refused.value.as_body())


def test_without_keys_everyone_is_the_default_workspace() -> None:
    keyring = load_keyring(Settings(_env_file=None), ManualClock(NOW_MS))  # type: ignore[call-arg]  # pydantic-settings' own
    assert keyring.authenticate(None, "admin").workspace == "default"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([(b"x-api-key", b"k")], "k"),
        ([(b"authorization", b"Bearer k")], "k"),
        ([(b"authorization", b"bearer  k ")], "k"),
        ([(b"authorization", b"Basic k")], None),
        ([(b"authorization", b"Bearer")], None),
        ([(b"x-api-key", b"first"), (b"authorization", b"Bearer second")], "first"),
        ([], None),
    ],
)
def test_where_a_key_travels(headers: list[tuple[bytes, bytes]], expected: str | None) -> None:
    assert presented_key({"type": "http", "headers": headers}) == expected


def settings_with(tmp_path: Path, entries: object) -> Settings:
    path = tmp_path / "keys.json"
    path.write_text(entries if isinstance(entries, str) else json.dumps(entries))
    return Settings(_env_file=None, api_keys_file=path, api_key=SecretStr("root"))  # type: ignore[call-arg]


def entry(**changes: object) -> dict[str, object]:
    digest = hashlib.sha256(b"vk_1").hexdigest()
    return {"prefix": "vk", "sha256": digest, "workspace": "shop", "scopes": ["query"], "role": "viewer", **changes}


def test_the_keys_file_adds_to_the_one_key(tmp_path: Path) -> None:
    keyring = load_keyring(settings_with(tmp_path, [entry()]), ManualClock(NOW_MS))
    assert keyring.authenticate("root", "ingest").workspace == "default"
    assert keyring.authenticate("vk_1", "query").workspace == "shop"


def test_an_expiry_in_the_keys_file_counts(tmp_path: Path) -> None:
    keyring = load_keyring(settings_with(tmp_path, [entry(expires="2026-01-01T00:00:00Z")]), ManualClock(NOW_MS))
    with pytest.raises(UserError, match="expired"):
        keyring.authenticate("vk_1", "query")


@pytest.mark.parametrize(
    "entries",
    [
        "not json",
        {"prefix": "vk"},
        [entry(sha256="abc")],
        [entry(scopes=["everything"])],
        [entry(scopes=[])],
        [entry(expires="2026-01-01T00:00:00")],
        [entry(unknown=1)],
        [entry(workspace="a\nb")],
    ],
)
def test_a_keys_file_that_is_no_good_stops_the_start_with_one_line(tmp_path: Path, entries: object) -> None:
    with pytest.raises(SettingsError, match=r"^VANTAGE_API_KEYS_FILE=.*$"):
        load_keyring(settings_with(tmp_path, entries), ManualClock(NOW_MS))


def test_a_digest_is_not_shown() -> None:
    assert "digest" not in repr(key("writer"))


def test_keys_rotate_without_a_restart(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    keyring = load_keyring(settings_with(tmp_path, [entry()]), clock)
    digest = hashlib.sha256(b"vk_2_new").hexdigest()
    settings_with(tmp_path, [entry(), entry(prefix="vk2", sha256=digest)])
    clock.advance(LOOK_EVERY_S)
    assert [keyring.authenticate(text, "query").id for text in ("vk_1", "vk_2_new")] == ["vk", "vk2"]
    settings_with(tmp_path, [entry(prefix="vk2", sha256=digest)])
    clock.advance(LOOK_EVERY_S)
    assert keyring.find("vk_1") is None


def test_a_keys_file_that_breaks_or_goes_leaves_the_keys_as_they_were(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    keyring = load_keyring(settings_with(tmp_path, [entry()]), clock)
    settings_with(tmp_path, "[half")
    clock.advance(LOOK_EVERY_S)
    assert keyring.authenticate("vk_1", "query").id == "vk"
    (tmp_path / "keys.json").unlink()
    clock.advance(LOOK_EVERY_S)
    assert keyring.authenticate("vk_1", "query").id == "vk"


def test_a_file_that_loses_its_last_key_does_not_open_the_door(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    settings = settings_with(tmp_path, [entry()])
    keyring = load_keyring(settings.model_copy(update={"api_key": None}), clock)
    settings_with(tmp_path, [])
    clock.advance(LOOK_EVERY_S)
    assert keyring.find("vk_1") is None
    with pytest.raises(UserError) as refused:
        keyring.authenticate(None, "query")
    assert refused.value.status == 401
