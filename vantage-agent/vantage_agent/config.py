"""What the agent was told: arguments first, then VANTAGE_AGENT_*, then OpenTelemetry's OTEL_*, then defaults."""

from __future__ import annotations

import logging
import math
import string
from typing import Callable, Dict, Iterable, Mapping, Optional, Tuple, TypeVar, Union
from urllib.parse import unquote, urlsplit

from vantage_agent.tuples import NamedTuple

log = logging.getLogger("vantage.agent")

LIBRARIES = (
    "requests",
    "httpx",
    "urllib3",
    "flask",
    "fastapi",
    "django",
    "aiohttp",
    "sqlalchemy",
    "psycopg",
    "psycopg2",
    "redis",
    "kafka-python",
    "aiokafka",
    "confluent-kafka",
    "celery",
)
DEFAULT_URL = "http://localhost:8000"
UNNAMED_SERVICE = "unknown-service"
MIN_FLUSH_INTERVAL_S = 0.05
NAME_LIMIT = 200
NAME_CHARACTERS = frozenset(string.ascii_letters + string.digits + "_.:/-")
TAG_LIMIT = 256
TAGS_PER_ITEM = 30  # the collector takes 32; `caller` and `version` need room

_ALIASES = {"starlette": "fastapi", "httpx2": "httpx", "kafka": "kafka-python", "confluent_kafka": "confluent-kafka"}
_OFF = frozenset({"off", "none", "false", "no", "0"})
_ON = frozenset({"on", "true", "yes", "1"})
_T = TypeVar("_T")
_D = TypeVar("_D")


class Config(NamedTuple):
    """Checked settings. `log_level` is None when log capture is off; `libraries` are members of LIBRARIES."""

    service_name: str
    collector_url: str = DEFAULT_URL
    libraries: Tuple[str, ...] = LIBRARIES
    environment: str = "production"
    version: Optional[str] = None
    api_key: Optional[str] = None
    tags: Mapping[str, str] = {}
    sample_rate: float = 1.0
    flush_interval_s: float = 5.0
    log_level: Optional[int] = logging.WARNING
    runtime_metrics: bool = True

    def __repr__(self) -> str:
        """Without the API key."""
        return f"Config({self.service_name!r}, {self.collector_url!r})"

    def item_tags(self) -> Dict[str, str]:
        """Tags that every metric item carries: the user's, and the service's version."""
        tags = dict(self.tags)
        if self.version:
            tags.setdefault("version", self.version)
        return tags


def is_name(text: object) -> bool:
    """Whether the collector takes it for the name of a service or a metric."""
    return isinstance(text, str) and 0 < len(text) <= NAME_LIMIT and NAME_CHARACTERS.issuperset(text)


def load(
    env: Mapping[str, str],
    *,
    service_name: Optional[str] = None,
    collector_url: Optional[str] = None,
    auto_instrument: Optional[Iterable[str]] = None,
    environment: Optional[str] = None,
    version: Optional[str] = None,
    api_key: Optional[str] = None,
    tags: Optional[Mapping[str, str]] = None,
    sample_rate: Optional[float] = None,
    flush_interval: Optional[float] = None,
) -> Config:
    """Build a Config.

    A wrong argument raises ValueError at the line that gave it. A wrong variable is logged and ignored: what an
    operator mistypes must not stop the service. An empty variable is as good as none.
    """

    def read(variable: str, parse: Callable[[object], _T], default: _D) -> Union[_T, _D]:
        text = env.get(variable, "").strip()
        try:
            return parse(text) if text else default
        except ValueError as error:
            log.warning("%s is ignored: %s", variable, error)
            return default

    def pick(name: str, given: Optional[object], parse: Callable[[object], _T], default: _D) -> Union[_T, _D]:
        if given is None:
            return read("VANTAGE_AGENT_" + name, parse, default)
        try:
            return parse(given)
        except ValueError:
            raise
        except Exception as error:
            raise ValueError(f"{name.lower()} cannot be used: {type(error).__name__}") from error

    resource = read("OTEL_RESOURCE_ATTRIBUTES", _resource, Resource())
    return Config(
        service_name=pick(
            "SERVICE_NAME",
            service_name,
            _service_name,
            read("OTEL_SERVICE_NAME", _service_name, resource.service_name or UNNAMED_SERVICE),
        ),
        collector_url=pick("COLLECTOR_URL", collector_url, _url, DEFAULT_URL),
        libraries=pick("AUTO_INSTRUMENT", auto_instrument, _libraries, LIBRARIES),
        environment=pick("ENVIRONMENT", environment, _label, resource.environment or "production"),
        version=pick("VERSION", version, _label, resource.version),
        api_key=pick("API_KEY", api_key, _header_value, None),
        tags=_with_namespace(pick("TAGS", tags, _tags, {}), resource.namespace),
        sample_rate=pick("SAMPLE_RATE", sample_rate, _ratio, 1.0),
        flush_interval_s=pick("FLUSH_INTERVAL", flush_interval, _seconds, 5.0),
        log_level=pick("LOG_LEVEL", None, _log_level, logging.WARNING),
        runtime_metrics=pick("RUNTIME_METRICS", None, _switch, True),
    )


class Resource(NamedTuple):
    """What OTEL_RESOURCE_ATTRIBUTES says of the service; None where it says nothing."""

    service_name: Optional[str] = None
    version: Optional[str] = None
    environment: Optional[str] = None
    namespace: Optional[str] = None


def _resource(value: object) -> Resource:
    """`key=value,key=value` with percent-encoding. One fault and none of it counts, as OpenTelemetry wants it."""
    attributes: Dict[str, str] = {}
    for part in filter(None, (part.strip() for part in str(value).split(","))):
        key, equals, text = part.partition("=")
        if not key.strip() or not equals:
            raise ValueError(f"{part!r} has not the form key=value")
        try:
            attributes[unquote(key.strip(), errors="strict")] = unquote(text.strip(), errors="strict")
        except UnicodeDecodeError:
            raise ValueError(f"{part!r} is not percent-encoded UTF-8") from None
    name = attributes.get("service.name", "")
    environment = attributes.get("deployment.environment.name") or attributes.get("deployment.environment")
    return Resource(
        service_name=_service_name(name) if name.strip() else None,
        version=_label_or_none(attributes.get("service.version")),
        environment=_label_or_none(environment),
        namespace=_label_or_none(attributes.get("service.namespace")),
    )


def _label_or_none(text: Optional[str]) -> Optional[str]:
    return _label(text) if text and text.strip() else None


def _with_namespace(tags: Mapping[str, str], namespace: Optional[str]) -> Mapping[str, str]:
    if namespace is None or "namespace" in tags or len(tags) >= TAGS_PER_ITEM:
        return tags
    return {**tags, "namespace": namespace}


def _service_name(value: object) -> str:
    name = "".join(letter if letter in NAME_CHARACTERS else "-" for letter in str(value).strip())[:NAME_LIMIT]
    if not name:
        raise ValueError("service_name is empty; give the name your team calls the service by")
    return name


def _url(value: object) -> str:
    url = str(value).strip().rstrip("/")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"collector_url is not a URL ({error}); expected something like {DEFAULT_URL}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError(f"collector_url must be http(s)://host[:port][/prefix], like {DEFAULT_URL}")
    return url


def _libraries(value: object) -> Tuple[str, ...]:
    if isinstance(value, str):
        names = [] if value.strip().lower() in _OFF else list(filter(str.strip, value.split(",")))
    else:
        names = [str(name) for name in value] if isinstance(value, Iterable) else [str(value)]
    chosen = []
    for name in names:
        plain = name.strip().lower()
        library = _ALIASES.get(plain, plain)
        if library not in LIBRARIES:
            raise ValueError(f"auto_instrument has {name!r}; known are {', '.join(LIBRARIES)}")
        if library not in chosen:
            chosen.append(library)
    return tuple(chosen)


def _label(value: object) -> str:
    text = str(value).strip()[:TAG_LIMIT]
    if not text:
        raise ValueError("an empty text was given")
    return text


def _header_value(value: object) -> str:
    text = str(value).strip()
    # The value itself stays out of the message: it is a secret.
    if not text or not text.isascii() or not text.isprintable():
        raise ValueError("the API key must be printable ASCII on one line")
    return text


def _tags(value: object) -> Mapping[str, str]:
    if isinstance(value, Mapping):
        pairs = [(str(key), str(text)) for key, text in value.items()]
    else:
        pairs = []
        for part in filter(None, (part.strip() for part in str(value).split(","))):
            key, equals, text = part.partition("=")
            if not equals:
                raise ValueError(f"tags need the form key=value,key=value; {part!r} has no '='")
            pairs.append((key.strip(), text.strip()))
    if len(pairs) > TAGS_PER_ITEM:
        raise ValueError(f"{len(pairs)} tags given, at most {TAGS_PER_ITEM} are possible")
    return {key[:TAG_LIMIT]: text[:TAG_LIMIT] for key, text in pairs if key}


def _number(value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not a finite number")
    return number


def _ratio(value: object) -> float:
    number = _number(value)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"sample_rate is {number}; it must lie between 0 and 1")
    return number


def _seconds(value: object) -> float:
    number = _number(value)
    if number < MIN_FLUSH_INTERVAL_S:
        raise ValueError(f"flush_interval is {number} s; the least is {MIN_FLUSH_INTERVAL_S} s")
    return number


def _switch(value: object) -> bool:
    text = str(value).strip().lower()
    if text not in _ON | _OFF:
        raise ValueError(f"{text!r} is neither on nor off")
    return text in _ON


def _log_level(value: object) -> Optional[int]:
    text = str(value).strip()
    if text.lower() in _OFF:
        return None
    if text.isdigit():
        return int(text)
    level = logging.getLevelName(text.upper())
    if not isinstance(level, int):
        raise ValueError(f"{text!r} is not a log level; use DEBUG, INFO, WARNING, ERROR, CRITICAL or off")
    return level
