"""Settings: names users know, one line for a wrong value, and no secret anywhere."""

from pathlib import Path

import pytest
from vantage_common.settings import Settings, SettingsError, load_settings, variables


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No VANTAGE_* of the machine and no .env of the checkout reaches these tests."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        for variable in variables(name):
            monkeypatch.delenv(variable, raising=False)


def test_old_names_bind_the_collector_and_new_ones_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANTAGE_API_PORT", "8100")
    assert load_settings().collector_port == 8100
    monkeypatch.setenv("VANTAGE_COLLECTOR_PORT", "8200")
    assert load_settings().collector_port == 8200


def test_old_clickhouse_host_yields_to_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_CLICKHOUSE_HOST", "old")
    assert load_settings().clickhouse_host == "old"
    monkeypatch.setenv("VANTAGE_CLICKHOUSE_HOST", "new")
    assert load_settings().clickhouse_host == "new"


def test_backends_follow_from_what_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (load_settings().bus_kind, load_settings().store_kind) == ("embedded", "chdb")
    monkeypatch.setenv("VANTAGE_KAFKA_BOOTSTRAP_SERVERS", "localhost:9095")
    monkeypatch.setenv("VANTAGE_CLICKHOUSE_HOST", "localhost")
    assert (load_settings().bus_kind, load_settings().store_kind) == ("kafka", "clickhouse")
    monkeypatch.setenv("VANTAGE_BUS", "embedded")
    assert load_settings().bus_kind == "embedded"


def test_a_dotenv_file_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VANTAGE_QUERY_PORT=5055\n")
    assert load_settings().query_port == 5055


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("VANTAGE_COLLECTOR_PORT", "http", "valid integer"),
        ("VANTAGE_API_PORT", "70000", "less than or equal to 65535"),
        ("VANTAGE_BUS", "rabbit", "'auto', 'embedded' or 'kafka'"),
        ("VANTAGE_KAFKA_COMPRESSION_TYPE", "brotli", "'zstd'"),
        ("VANTAGE_MAX_BATCH_SIZE", "0", "greater than or equal to 1"),
        ("VANTAGE_CLICKHOUSE_DATABASE", "a; drop", "pattern"),
        ("VANTAGE_BUS_RETENTION_HOURS", "inf", "finite"),
        ("VANTAGE_DATA_DIR", "", "name a directory"),
    ],
)
def test_a_wrong_value_is_one_line_with_variable_value_and_what_is_accepted(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    line = str(raised.value)
    assert "\n" not in line
    assert variable in line
    assert repr(value) in line
    assert says in line


def test_kafka_without_servers_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANTAGE_BUS", "kafka")
    with pytest.raises(SettingsError, match="VANTAGE_KAFKA_BOOTSTRAP_SERVERS is empty"):
        load_settings()


def test_secrets_stay_out_of_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANTAGE_API_KEY", "hunter2-key")
    monkeypatch.setenv("VANTAGE_CLICKHOUSE_PASSWORD", "hunter2-password")
    assert "hunter2" not in repr(load_settings())


def test_an_empty_key_means_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANTAGE_API_KEY", "")
    assert load_settings().api_key is None


@pytest.mark.parametrize("key", [" ", "two words", "schlüssel", "k" * 513])
def test_a_key_that_no_request_could_carry_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("VANTAGE_API_KEY", key)
    with pytest.raises(SettingsError, match=r"VANTAGE_API_KEY=\*\*\* cannot be used: .*512 printable ASCII") as raised:
        load_settings()
    assert key == " " or key not in str(raised.value)


def test_a_wrong_value_of_a_dotenv_file_is_named_with_every_name_it_may_have_there(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VANTAGE_API_PORT=70000\n")
    with pytest.raises(SettingsError, match=r"^VANTAGE_COLLECTOR_PORT or VANTAGE_API_PORT='70000'"):
        load_settings()
