"""Settings: argument, then variable, then default."""

from __future__ import annotations

import inspect
import logging
import re
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest
import vantage_agent
from vantage_agent.config import LIBRARIES, load


def test_arguments_win_over_variables_and_variables_over_defaults() -> None:
    env = {
        "VANTAGE_AGENT_SERVICE_NAME": "from-env",
        "VANTAGE_AGENT_COLLECTOR_URL": "https://collector:8443/in/",
        "VANTAGE_AGENT_AUTO_INSTRUMENT": "flask, httpx2",
        "VANTAGE_AGENT_ENVIRONMENT": "staging",
        "VANTAGE_AGENT_VERSION": "2.1",
        "VANTAGE_AGENT_API_KEY": "k",
        "VANTAGE_AGENT_TAGS": "namespace=shop, team=web=1",
        "VANTAGE_AGENT_SAMPLE_RATE": "0.5",
        "VANTAGE_AGENT_FLUSH_INTERVAL": "0.2",
        "VANTAGE_AGENT_LOG_LEVEL": "info",
    }
    config = load(env, service_name="given")
    assert (config.service_name, config.collector_url) == ("given", "https://collector:8443/in")
    assert config.libraries == ("flask", "httpx")
    assert (config.environment, config.version, config.api_key) == ("staging", "2.1", "k")
    assert config.item_tags() == {"namespace": "shop", "team": "web=1", "version": "2.1"}
    assert (config.sample_rate, config.flush_interval_s, config.log_level) == (0.5, 0.2, logging.INFO)


def test_defaults() -> None:
    config = load({})
    assert (config.service_name, config.collector_url) == ("unknown-service", "http://localhost:8000")
    assert (config.libraries, config.environment, config.log_level) == (LIBRARIES, "production", logging.WARNING)


def test_the_service_name_falls_back_to_opentelemetrys_and_fits_the_collector() -> None:
    assert load({"OTEL_SERVICE_NAME": "otel"}).service_name == "otel"
    assert load({}, service_name="my shop é").service_name == "my-shop--"


RESOURCE = (
    "service.name=pay%20ments,service.version=1.2%2C3,deployment.environment=old,deployment.environment.name=new,"
    "service.namespace=M%C3%BCnchen, host.name=h"
)


def test_opentelemetrys_resource_fills_what_the_agent_was_not_told() -> None:
    config = load({"OTEL_RESOURCE_ATTRIBUTES": RESOURCE})
    assert (config.service_name, config.version, config.environment) == ("pay-ments", "1.2,3", "new")
    assert config.tags == {"namespace": "München"}
    assert load({"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=old"}).environment == "old"


@pytest.mark.parametrize(
    ("stronger", "expected"),
    [
        ({"OTEL_SERVICE_NAME": "otel"}, ("otel", "1.2,3", "new", "München")),
        (
            {
                "OTEL_SERVICE_NAME": "otel",
                "VANTAGE_AGENT_SERVICE_NAME": "ours",
                "VANTAGE_AGENT_VERSION": "9",
                "VANTAGE_AGENT_ENVIRONMENT": "test",
                "VANTAGE_AGENT_TAGS": "namespace=shop,team=web",
            },
            ("ours", "9", "test", "shop"),
        ),
        ({"VANTAGE_AGENT_TAGS": "team=web"}, ("pay-ments", "1.2,3", "new", "München")),
        (
            {"OTEL_SERVICE_NAME": " ", "VANTAGE_AGENT_SERVICE_NAME": "", "VANTAGE_AGENT_TAGS": ""},
            ("pay-ments", "1.2,3", "new", "München"),
        ),
    ],
)
def test_the_agents_own_variables_win_over_opentelemetrys(
    stronger: Dict[str, str], expected: Tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    config = load({"OTEL_RESOURCE_ATTRIBUTES": RESOURCE, **stronger})
    assert (config.service_name, config.version, config.environment, config.tags["namespace"]) == expected
    assert caplog.text == "", "an empty variable is none, and no mistake"


@pytest.mark.parametrize("wrong", ["service.name", "service.name=x,=y", "service.name=%FF"])
def test_a_malformed_resource_is_ignored_as_a_whole(wrong: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "vantage.agent"):
        assert load({"OTEL_RESOURCE_ATTRIBUTES": "service.version=1," + wrong}) == load({})
    assert "OTEL_RESOURCE_ATTRIBUTES is ignored" in caplog.text


def test_every_argument_has_a_variable() -> None:
    values = {
        "service_name": "shop",
        "collector_url": "http://h:1",
        "auto_instrument": ["flask", "requests"],
        "environment": "test",
        "version": "1",
        "api_key": "k",
        "tags": {"a": "b", "c": "d"},
        "sample_rate": 0.25,
        "flush_interval": 7,
    }
    assert list(inspect.signature(vantage_agent.init_agent).parameters) == list(values)
    texts = {"auto_instrument": "flask,requests", "tags": "a=b,c=d"}
    env = {"VANTAGE_AGENT_" + name.upper(): texts.get(name, str(value)) for name, value in values.items()}
    for name, value in values.items():
        given = load({}, **{name: value})  # type: ignore[arg-type]
        assert given != load({})
        assert load({key: text for key, text in env.items() if key.endswith("_" + name.upper())}) == given


@pytest.mark.parametrize(("text", "expected"), [("off", False), ("0", False), ("ON", True), ("", True), ("huh", True)])
def test_runtime_metrics_have_a_switch(text: str, expected: bool) -> None:
    assert load({"VANTAGE_AGENT_RUNTIME_METRICS": text}).runtime_metrics is expected


class Unreadable:
    def __str__(self) -> str:
        raise RuntimeError("no text for you")


@pytest.mark.parametrize("argument", ["service_name", "collector_url", "tags", "environment", "sample_rate"])
def test_an_argument_without_a_text_is_a_value_error_too(argument: str) -> None:
    value: Any = {"key": Unreadable()} if argument == "tags" else Unreadable()
    with pytest.raises(ValueError, match=f"{argument} cannot be used: RuntimeError"):
        load({}, **{argument: value})


@pytest.mark.parametrize(
    "wrong",
    [
        {"service_name": " "},
        {"collector_url": "localhost:8000"},
        {"collector_url": "ftp://x"},
        {"collector_url": "http://user:pw@x"},
        {"collector_url": "http://x:99999"},
        {"auto_instrument": ["bottle"]},
        {"sample_rate": 1.5},
        {"sample_rate": float("nan")},
        {"flush_interval": 0},
        {"api_key": "two\nlines"},
        {"tags": {str(number): "x" for number in range(31)}},
    ],
)
def test_a_wrong_argument_is_a_value_error(wrong: Dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        load({}, **wrong)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("COLLECTOR_URL", "nonsense"), ("SAMPLE_RATE", "much"), ("TAGS", "no-equals"), ("LOG_LEVEL", "LOUD")],
)
def test_a_wrong_variable_is_ignored_with_a_warning(
    variable: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "vantage.agent"):
        assert load({"VANTAGE_AGENT_" + variable: value}) == load({})
    assert variable in caplog.text


def test_the_api_key_shows_neither_in_repr_nor_in_errors() -> None:
    assert "s3cret" not in repr(load({}, api_key="s3cret"))
    with pytest.raises(ValueError, match="API key") as raised:
        load({}, api_key="s3cret\n\x00")
    assert "s3cret" not in str(raised.value)


def test_log_capture_and_instrumentation_can_be_switched_off() -> None:
    config = load({"VANTAGE_AGENT_LOG_LEVEL": "off", "VANTAGE_AGENT_AUTO_INSTRUMENT": "none"})
    assert (config.log_level, config.libraries) == (None, ())


def test_pyproject_repeats_the_version_and_asks_for_no_dependency() -> None:
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text()
    assert re.findall(r'^version = "(.+)"', text, re.M) == [vantage_agent.__version__]
    assert "dependencies = []" in text
