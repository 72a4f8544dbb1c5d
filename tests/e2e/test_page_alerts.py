"""The alerts page, as somebody on call uses it: on the real stack, with alerts that really fire."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.axe import serious, sideways
from tests.e2e.conftest import DESKTOP, PHONE, Apps, Visit
from tests.platform_process import Platform
from tests.waiting import eventually

Opened = Callable[[str], Page]
FIRES_MS = 60_000
"""The rules are evaluated every 15 s, of windows that ended 10 s ago."""


@pytest.fixture
def desk(browser: Browser, platform: Platform, apps: Apps) -> Iterator[Opened]:
    """Opens a path; unlike `visit`, the API may refuse something, which the console tells of, too."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def opened(path: str) -> Page:
        contexts.append(browser.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]}))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{platform.city}{path}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


class Api:
    """What a colleague does meanwhile, and what is really there."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/api/alerts", timeout=30)

    def get(self, path: str) -> Any:
        return self._client.get(path).raise_for_status().json()

    def make_rule(self, name: str, **fields: Any) -> dict[str, Any]:
        condition = {"kind": "fixed", "op": ">", "threshold": 0}
        body = {"name": name, "service": "storefront", "agg": "count", "window_s": 30, "condition": condition, **fields}
        made: dict[str, Any] = self._client.post("/rules", json=body).raise_for_status().json()
        return made

    def change_rule(self, id_: str, change: dict[str, Any]) -> None:
        self._client.patch(f"/rules/{id_}", json=change).raise_for_status()

    def drop_rule(self, id_: str) -> None:
        self._client.delete(f"/rules/{id_}").raise_for_status()

    def rule_named(self, name: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = next(
            (rule for rule in self.get("/rules")["rules"] if rule["rule"]["name"] == name), None
        )
        return found

    def alert_of(self, rule_id: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = next(
            (alert for alert in self.get("/active")["alerts"] if alert["rule_id"] == rule_id), None
        )
        return found


def firing(api: Api, rule: dict[str, Any]) -> dict[str, Any] | None:
    alert = api.alert_of(rule["id"])
    return alert if alert is not None and alert["state"] == "firing" else None


@pytest.fixture(scope="module")
def api(platform: Platform) -> Api:
    return Api(platform.api)


@pytest.fixture(scope="module", autouse=True)
def busy(api: Api, apps: Apps) -> Iterator[dict[str, Any]]:
    """A rule that fires as long as the storefront has requests; made first, so that it has fired when it is needed."""
    rule = api.make_rule("Storefront is busy", labels={"team": "shop"}, runbook="Have a look.")
    yield rule
    api.drop_rule(rule["id"])


def test_a_rule_is_corrected_tried_and_kept(desk: Opened, api: Api) -> None:
    page = desk("/alerts?tab=rules&rule=new")
    dialog = page.get_by_role("dialog", name="New rule")
    dialog.get_by_label("Name").fill("Slow <b>shop</b>")
    dialog.get_by_label("Service", exact=True).fill("storefront")
    dialog.get_by_label("Has to hold for").fill("soon")
    dialog.get_by_role("button", name="Create").click()
    threshold = dialog.get_by_label("Threshold", exact=True)
    expect(threshold).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_label("Has to hold for")).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_label("Severity")).to_have_attribute("aria-invalid", "false")
    threshold.fill("0.001")
    dialog.get_by_label("Has to hold for").fill("0s")
    dialog.get_by_label("Least observations").fill("1")
    outcome = dialog.get_by_test_id("preview-outcome")

    def would_have_fired() -> bool:
        dialog.get_by_role("button", name="Try it").click()
        expect(dialog.get_by_role("button", name="Try it")).to_be_enabled()
        return "It would have fired once, of 1 service looked at" in outcome.inner_text()

    eventually(would_have_fired, every_s=1, what="requests are stored")
    expect(dialog.locator(".series-chart")).to_be_visible()
    dialog.get_by_role("button", name="Create").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("row", name="Slow <b>shop</b>")).to_contain_text(
        "p95 of the request duration over 5 min > 0.00 ms"
    )
    made = api.rule_named("Slow <b>shop</b>")
    assert made is not None
    assert (made["rule"]["for_s"], made["rule"]["condition"]["threshold"]) == (0, 0.001)
    page.get_by_role("button", name="Delete Slow").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("row", name="Slow <b>shop</b>")).to_have_count(0)
    assert api.rule_named("Slow <b>shop</b>") is None


def test_who_was_slower_is_told_of_the_conflict(desk: Opened, api: Api) -> None:
    rule = api.make_rule("Contended", enabled=False)
    page = desk(f"/alerts?tab=rules&rule={rule['id']}")
    dialog = page.get_by_role("dialog", name="Rule")
    dialog.get_by_label("Name").fill("Mine")
    api.change_rule(rule["id"], {"name": "Theirs"})
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("has changed the alert rule")
    dialog.get_by_role("button", name="Show the newer one").click()
    expect(dialog.get_by_label("Name")).to_have_value("Theirs")
    dialog.get_by_label("Name").fill("Ours")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("switch", name="Ours is on").click()
    expect(page.get_by_role("switch", name="Ours is on")).to_be_checked()
    eventually(
        lambda: (api.rule_named("Ours") or {"rule": {"enabled": False}})["rule"]["enabled"], what="the rule is on"
    )
    api.drop_rule(rule["id"])


def test_built_in_rules_are_marked_and_cannot_be_deleted(visit: Visit) -> None:
    row = visit("/alerts?tab=rules").get_by_role("row", name="Error ratio above 5 %")
    expect(row).to_contain_text("built in")
    expect(row.get_by_role("button", name="Delete")).to_have_count(0)


def test_a_channel_shows_its_secret_once_and_says_what_became_of_a_test(visit: Visit) -> None:
    page = visit("/alerts?tab=channels&channel=new")
    dialog = page.get_by_role("dialog", name="New channel")
    dialog.get_by_label("Name").fill("Pager")
    dialog.get_by_label("Address").fill("http://127.0.0.1:9/s3cret-path")
    dialog.get_by_role("button", name="Create").click()
    once = page.get_by_role("dialog", name="The secret, this once")
    secret = once.get_by_test_id("channel-secret").inner_text()
    assert secret.startswith("whsec_")
    once.get_by_role("button", name="I have it").click()
    expect(page.get_by_role("heading", name="Pager")).to_be_visible()
    page.get_by_role("button", name="Test Pager").click()
    expect(page.get_by_test_id("test-result")).to_contain_text("Vantage does not send there")
    assert secret not in page.content()
    assert "s3cret-path" not in page.content()
    page.get_by_role("button", name="New secret for Pager").click()
    page.get_by_role("dialog", name="A new secret").get_by_role("button", name="Make it").click()
    assert once.get_by_test_id("channel-secret").inner_text() != secret
    once.get_by_role("button", name="I have it").click()
    expect(page.get_by_text("Two secrets sign until")).to_be_visible()
    page.get_by_role("button", name="Delete Pager").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Nobody is told")).to_be_visible()


def test_a_refused_acknowledgement_is_taken_back_and_explained(desk: Opened, api: Api, busy: dict[str, Any]) -> None:
    fired = eventually(lambda: firing(api, busy), within_s=FIRES_MS / 1000, what="the rule fires")
    page = desk(f"/alerts?alert={fired['id']}")
    # The API's own words to a key that may only look.
    hint = "use a key whose role is editor or admin"
    told = {"code": "wrong_role", "message": "the API key vk_1 may look but not change anything", "hint": hint}
    page.route("**/acknowledge", lambda route: route.fulfill(status=403, json={"error": told}))
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("alert")).to_contain_text("The API key vk_1 may look but not change anything.")
    expect(page.get_by_role("alert")).to_contain_text("Use a key whose role is editor or admin.")
    expect(page.get_by_role("button", name="Storefront is busy")).to_contain_text("Firing")
    expect(page.get_by_test_id("key-dialog")).to_have_count(0)


def test_what_fires_comes_by_itself_and_is_silenced_acknowledged_and_resolved(
    visit: Visit, api: Api, busy: dict[str, Any]
) -> None:
    page = visit("/alerts")
    expect(page.get_by_test_id("alerts-live")).to_have_text("● Live")
    row = page.get_by_role("button", name="Storefront is busy")
    expect(row).to_contain_text("Firing", timeout=FIRES_MS)
    row.click()
    detail = page.get_by_role("region", name="Alert", exact=True)
    expect(detail.get_by_role("heading", name="Storefront is busy")).to_be_visible()
    expect(detail.locator(".series-chart")).to_be_visible()
    expect(detail.get_by_role("link", name="storefront")).to_have_attribute("href", "/services/storefront")
    failed = detail.get_by_role("link", name="Failed traces").get_attribute("href")
    assert failed is not None
    assert {"service=storefront", "status=error"} <= set(failed.removeprefix("/traces?").split("&"))

    detail.get_by_role("button", name="Silence…").click()
    page.get_by_role("dialog").get_by_role("button", name="30 min").click()
    page.get_by_role("dialog").get_by_role("button", name="Silence", exact=True).click()
    expect(detail.get_by_role("link", name="Silenced")).to_be_visible()

    detail.get_by_role("button", name="Acknowledge").click()
    expect(row).to_contain_text("Acknowledged")
    eventually(lambda: (api.alert_of(busy["id"]) or {})["state"] == "acknowledged", what="the alert is acknowledged")

    detail.get_by_role("button", name="Resolve…").click()
    page.get_by_role("dialog").get_by_label("Comment").fill("It is <i>fine</i>.")
    page.get_by_role("dialog").get_by_role("button", name="Resolve", exact=True).click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Its history").click()
    expect(page.get_by_role("row", name="Resolved")).to_contain_text("It is <i>fine</i>.")
    expect(page.get_by_role("row", name="Acknowledged")).to_be_visible()


def test_a_silence_says_what_it_fits_and_is_ended(visit: Visit, api: Api) -> None:
    page = visit("/alerts?tab=silences&silence=new")
    dialog = page.get_by_role("dialog", name="New silence")
    dialog.get_by_label("Pattern 1").fill("no-such-*")
    expect(dialog.get_by_test_id("silence-fits")).to_contain_text("Fits none")
    dialog.get_by_role("button", name="1 d").click()
    dialog.get_by_role("button", name="Silence", exact=True).click()
    row = page.get_by_role("row", name="service = no-such-*")
    expect(row).to_contain_text("Active")
    [made] = [each for each in api.get("/silences")["silences"] if each["matchers"][0]["value"] == "no-such-*"]
    assert made["end"] - made["start"] == 86_400_000
    row.get_by_role("button", name="End").click()
    page.get_by_role("dialog").get_by_role("button", name="End", exact=True).click()
    expect(row).to_have_count(0)


@pytest.mark.parametrize("tab", ["rules", "silences", "history", "channels"])
def test_every_tab_is_accessible_and_fits_a_phone(visit: Visit, tab: str) -> None:
    page = visit(f"/alerts?tab={tab}", PHONE, "light")
    expect(page.get_by_test_id("loading")).to_have_count(0)
    assert serious(page) == []
    assert sideways(page) <= 0
