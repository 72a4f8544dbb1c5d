"""What is said to people, with names that try to be more than names; and what is never said."""

from dataclasses import replace

import pytest
from vantage_api.alerts.channels.secrets import masked_url, scrubbed
from vantage_api.alerts.channels.text import body_of, event_of, inert, plain, title_of
from vantage_api.alerts.notification import Notification

ALERT = Notification(
    workspace="default",
    alert_id="a1",
    rule_id="r1",
    rule_name="p95 above 300 ms",
    state="firing",
    severity="critical",
    service="checkout",
    metric="http.request.duration",
    value=412.5,
    threshold=300.0,
    expected=120.0,
    summary="checkout answers slowly",
    runbook="https://wiki.example/runbooks/slow?x=1",
    started_ms=1_790_035_200_000,
    at_ms=1_790_035_260_000,
    link="/alerts?alert=a1",
    grouped=2,
)


def test_a_message_says_what_where_and_since_when() -> None:
    assert title_of(ALERT) == "[firing] critical: p95 above 300 ms (checkout)"
    assert body_of(ALERT, "https://vantage.example/") == (
        "checkout answers slowly\n"
        "http.request.duration is 412.5 (limit 300, normally 120)\n"
        "since 2026-09-22T00:00:00Z\n"
        "and 2 more of this service\n"
        "runbook: https://wiki.example/runbooks/slow?x=1\n"
        "https://vantage.example/alerts?alert=a1"
    )


def test_what_was_not_measured_is_not_said() -> None:
    silent = replace(ALERT, value=None, threshold=None, expected=None, runbook="", grouped=0)
    assert body_of(silent, "") == "checkout answers slowly\nsince 2026-09-22T00:00:00Z"


def test_dropped_messages_are_owned_up_to() -> None:
    assert "3 earlier messages to this channel were dropped" in body_of(ALERT, "", dropped=3)
    assert event_of(ALERT, "", dropped=3)["data"]["dropped"] == 3
    assert "dropped" not in event_of(ALERT, "")["data"]


def test_the_event_has_every_fact_under_its_name() -> None:
    event = event_of(ALERT, "https://vantage.example")
    assert (event["type"], event["timestamp"]) == ("alert.firing", "2026-09-22T00:01:00Z")
    assert event["data"]["value"] == 412.5
    assert event["data"]["link"] == "https://vantage.example/alerts?alert=a1"


@pytest.mark.parametrize(
    "name",
    [
        "<!channel>",
        "<!here|x>",
        "<https://evil.example|click>",
        "@everyone",
        "[click](https://evil.example)",
        "<script>alert(1)</script>",
        "`rm -rf`",
        "\x1b[31mred\x1b[0m",
        "\x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
        "a\r\nBcc: all@example.com",
        "\u202egnp.exe",
        "zero\u200bwidth",
        "line\u2028break",
        "\ud800",
    ],
)
def test_a_name_is_only_a_name(name: str) -> None:
    said = title_of(replace(ALERT, service=name)) + body_of(replace(ALERT, summary=name, metric=name, runbook=name), "")
    forbidden = "<>@`\x1b\x07\r\u202e\u200b\u2028\ud800"
    assert [mark for mark in forbidden if mark in said] == []
    assert "](" not in said
    assert "https://" not in said
    told = event_of(replace(ALERT, service=name), "")["data"]["service"]
    assert [mark for mark in "\x1b\x07\r\n\u202e\u200b\ud800" if mark in told] == []


def test_a_text_is_cut() -> None:
    assert plain("x" * 300) == "x" * 199 + "…"
    assert len(inert("@" * 5000, 2000)) == 2000


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("https://hooks.example.com:8443/services/T0/B0/secret?token=x", "https://hooks.example.com:8443/***"),
        ("http://[2606:2800::1]/x", "http://[2606:2800::1]/***"),
        ("slack://TokenA/TokenB/TokenC", "slack://***"),
        ("mailto://user:password@gmail.com", "mailto://***"),
        ("json://host/path", "json://***"),
        ("http://[::1", "***"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, masked: str) -> None:
    assert masked_url(url) == masked


def test_foreign_words_are_scrubbed_of_the_address() -> None:
    url = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ?footer=no"
    said = (
        "cannot reach https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ\x1b[2J" + "x" * 999
    )
    shown = scrubbed(said, url)
    assert [piece for piece in ("T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ", "\x1b") if piece in shown] == []
    assert len(shown) <= 300


def test_a_secret_in_percent_signs_is_scrubbed_in_both_forms() -> None:
    assert scrubbed("p%40ssword and p@ssword", "mailto://u:p%40ssword@example.com") == "*** and p@***"
