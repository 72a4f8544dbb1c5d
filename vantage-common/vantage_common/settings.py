"""The one reader of the environment. Every setting is ``VANTAGE_*``, from the process or a ``.env`` file.

Services receive a `Settings` and never look at the environment themselves. A wrong value stops the start with one
line naming the variable, the value and what is accepted.
"""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from vantage_common.block import Codec
from vantage_common.errors import PermanentError

_SENDABLE_KEY: Final = re.compile(r"[!-~]{1,512}")


class SettingsError(PermanentError):
    """A setting has a value that cannot be used. The message is one line for the person at the terminal."""


class Settings(BaseSettings):
    """Every setting of the platform with its default; README.md lists them and a test compares the two."""

    model_config = SettingsConfigDict(env_prefix="VANTAGE_", env_file=".env", extra="ignore", populate_by_name=True)

    # Where the services listen
    collector_host: str = Field(
        "127.0.0.1",
        validation_alias=AliasChoices("VANTAGE_COLLECTOR_HOST", "VANTAGE_API_HOST"),
        description="address the collector binds (VANTAGE_API_HOST is the old name)",
    )
    collector_port: int = Field(
        8000,
        ge=1,
        le=65535,
        validation_alias=AliasChoices("VANTAGE_COLLECTOR_PORT", "VANTAGE_API_PORT"),
        description="port of the collector (VANTAGE_API_PORT is the old name)",
    )
    otlp_grpc_port: int = Field(
        4317, ge=0, le=65535, description="port of OTLP over gRPC, on the collector's address; 0 is off"
    )
    query_host: str = Field("127.0.0.1", description="address the query API binds")
    query_port: int = Field(5000, ge=1, le=65535, description="port of the query API")
    query_url: str = Field(
        "", pattern=r"^(https?://\S+)?$", description="where the commands find the query API when it is elsewhere"
    )
    query_metrics_port: int = Field(9091, ge=1, le=65535, description="port of the query API's own Prometheus metrics")
    worker_host: str = Field("127.0.0.1", description="address the worker's metrics and health bind")
    worker_port: int = Field(9092, ge=1, le=65535, description="port of the worker's metrics and health")
    dashboard_host: str = Field("127.0.0.1", description="address the dashboard binds under `vantage up`")
    dashboard_port: int = Field(3000, ge=1, le=65535, description="port of the dashboard under `vantage up`")
    dashboard_dir: Path | None = Field(None, description="the built dashboard to serve; found by itself in a checkout")

    # The bus
    bus: Literal["auto", "embedded", "kafka"] = Field(
        "auto", description="auto: kafka when VANTAGE_KAFKA_BOOTSTRAP_SERVERS is set, else embedded"
    )
    kafka_bootstrap_servers: str = Field("", description="host:port,… of a Kafka-compatible broker")
    kafka_topic: str = Field("metrics-raw", description="topic of the metric blocks")
    kafka_compression_type: Codec = Field("zstd", description="codec of a block: none, gzip, snappy, lz4 or zstd")
    bus_partitions: int = Field(6, ge=1, le=1000, description="partitions of a topic when Vantage makes it")
    bus_retention_hours: float = Field(168, gt=0, allow_inf_nan=False, description="how long the log keeps records")
    publish_timeout_s: float = Field(5, gt=0, le=60, description="a request is answered 503 after so long without ack")

    # The store
    store: Literal["auto", "chdb", "clickhouse", "sqlite"] = Field(
        "auto", description="auto: clickhouse when a host is set, else chDB in the data directory, or SQLite without it"
    )
    clickhouse_host: str = Field(
        "",
        validation_alias=AliasChoices("VANTAGE_CLICKHOUSE_HOST", "API_CLICKHOUSE_HOST"),
        description="host of a ClickHouse server (API_CLICKHOUSE_HOST is the old name)",
    )
    clickhouse_port: int = Field(8123, ge=1, le=65535, description="its HTTP port")
    clickhouse_user: str = Field("default", description="its user")
    clickhouse_password: SecretStr = Field(SecretStr(""), description="its password")
    clickhouse_database: str = Field("vantage", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$", description="its database")
    clickhouse_cluster: str = Field(
        "",
        pattern=r"^[A-Za-z0-9_-]{0,64}$",
        description="its cluster: tables are made on all of its nodes, replicated and sharded by service",
    )
    retention_raw_days: int = Field(90, ge=1, le=3650, description="days that raw metrics and logs are kept")
    retention_spans_days: int = Field(30, ge=1, le=3650, description="days that spans are kept")
    data_dir: Path = Field(Path(".vantage"), description="directory of the embedded log and store")

    # Ingest and query limits
    max_batch_size: int = Field(1000, ge=1, le=100_000, description="metrics, spans or logs in one native request")
    max_new_series_per_hour: int = Field(
        10_000, ge=0, description="new series a service and hour in each collector, the rest becomes _OTHER; 0 is off"
    )
    rate_limit_per_minute: int = Field(1000, ge=0, description="ingest requests a minute per key or address; 0 is off")
    query_rate_limit_per_minute: int = Field(
        500, ge=0, description="query requests a minute per key or address; 0 is off"
    )
    cors_enabled: bool = Field(True, description="answer cross-origin requests from VANTAGE_CORS_ORIGINS")
    cors_origins: str = Field("http://localhost:3000,http://127.0.0.1:3000", description="origins allowed, by comma")
    api_key: SecretStr | None = Field(None, description="one key of full scope in workspace default")
    api_keys_file: Path | None = Field(None, description="JSON file with more keys")
    trust_loopback: bool = Field(False, description="exempt loopback from rate limits; `vantage up` sets it")
    trusted_proxies: str = Field("", description="addresses whose X-Forwarded-For is believed, by comma")
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="where people reach the dashboard: links in messages begin so",
    )
    alerts_interval_s: float = Field(
        15, ge=0, le=300, allow_inf_nan=False, description="how often alert rules are evaluated; 0: not by this API"
    )
    alerts_allowed_networks: str = Field(
        "", description="private networks that alerts may be sent to, as CIDR by comma; else public addresses only"
    )

    debug: bool = Field(False, description="debug logging")

    @field_validator("api_key", "api_keys_file", "dashboard_dir", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        """Compose files pass `${VAR:-}`: an empty string means the setting was not given."""
        return None if value == "" else value

    @field_validator("api_key")
    @classmethod
    def _key_can_be_sent(cls, key: SecretStr | None) -> SecretStr | None:
        """A header carries nothing else unharmed: a key that no request can match would lock everyone out."""
        if key is not None and not _SENDABLE_KEY.fullmatch(key.get_secret_value()):
            raise PydanticCustomError("key", "a key is 1 to 512 printable ASCII characters without spaces")
        return key

    @field_validator("alerts_allowed_networks")
    @classmethod
    def _networks_are_networks(cls, text: str) -> str:
        for part in _split(text):
            try:
                ip_network(part)
            except ValueError as error:
                raise PydanticCustomError("network", "{reason}", {"reason": str(error)}) from None
        return text

    @field_validator("data_dir", mode="before")
    @classmethod
    def _directory_is_named(cls, value: Any) -> Any:
        """An empty path would mean the working directory."""
        if value == "":
            raise PydanticCustomError("empty", "it must name a directory; unset it for .vantage")
        return value

    @property
    def bus_kind(self) -> Literal["embedded", "kafka"]:
        if self.bus == "auto":
            return "kafka" if self.kafka_bootstrap_servers else "embedded"
        return self.bus

    @property
    def store_kind(self) -> Literal["chdb", "clickhouse", "sqlite"]:
        if self.store == "auto":
            return "clickhouse" if self.clickhouse_host else "chdb"
        return self.store

    @property
    def cors_origin_list(self) -> list[str]:
        return _split(self.cors_origins) if self.cors_enabled else []

    @property
    def trusted_proxy_set(self) -> frozenset[str]:
        return frozenset(_split(self.trusted_proxies))

    @property
    def alerts_allowed_network_list(self) -> list[IPv4Network | IPv6Network]:
        return [ip_network(part) for part in _split(self.alerts_allowed_networks)]


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process; `overrides` by field name win over the environment.

    Raises SettingsError with one line for the first value that cannot be used.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None
    if settings.bus_kind == "kafka" and not settings.kafka_bootstrap_servers:
        raise SettingsError("VANTAGE_KAFKA_BOOTSTRAP_SERVERS is empty: VANTAGE_BUS=kafka needs host:port of a broker")
    if settings.store_kind == "clickhouse" and not settings.clickhouse_host:
        raise SettingsError("VANTAGE_CLICKHOUSE_HOST is empty: VANTAGE_STORE=clickhouse needs the host of a server")
    return settings


def variables(name: str) -> list[str]:
    """The environment variables that set a field, the winning one first."""
    alias = Settings.model_fields[name].validation_alias
    if isinstance(alias, AliasChoices):
        return [str(choice) for choice in alias.choices]
    return [f"VANTAGE_{name.upper()}"]


def _one_line(error: ValidationError) -> str:
    fault = error.errors()[0]
    name = str(fault["loc"][0]) if fault["loc"] else "?"
    field = name if name in Settings.model_fields else name.removeprefix("VANTAGE_").lower()
    names = variables(field) if field in Settings.model_fields else [name]
    variable = next((name for name in names if name in os.environ), " or ".join(names))
    secret = field in Settings.model_fields and "Secret" in str(Settings.model_fields[field].annotation)
    value = "***" if secret else repr(fault["input"])
    return f"{variable}={value} cannot be used: {fault['msg'][0].lower()}{fault['msg'][1:]}"
