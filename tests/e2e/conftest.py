"""The real stack, the real example apps, a real browser; once for the whole run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.platform_process import Platform, environment, free_ports, start
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "vantage-agent" / "examples"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-dev-shm-usage",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--mute-audio",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--no-first-run",
    "--metrics-recording-only",
    "--disable-breakpad",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    data = tmp_path_factory.mktemp("data")
    running = start("up", data, ports=environment(data))
    yield running
    if running.process.poll() is None:
        assert running.interrupt() == 0, "\n".join(running.lines)


class Apps:
    """The two example apps, instrumented by their two lines, calling each other."""

    def __init__(self, storefront: str, inventory: str) -> None:
        self.storefront = storefront
        self.inventory = inventory

    def fail(self, share: float) -> None:
        """Makes the inventory answer 500 to this share of requests."""
        httpx.post(f"{self.inventory}/admin/failure-rate", json={"rate": share}).raise_for_status()


@pytest.fixture(scope="session")
def apps(platform: Platform) -> Iterator[Apps]:
    shop, stock = free_ports(2)
    urls = [f"http://127.0.0.1:{port}" for port in (shop, stock)]
    to = ["--collector", platform.collector]
    processes = [
        example("flask_inventory.py", "--port", str(stock), *to),
        example("fastapi_shop.py", "--port", str(shop), "--inventory", urls[1], *to),
    ]
    try:
        for port in (shop, stock):
            _wait_for_app(port)
        processes.append(
            example("load.py", "--shop", urls[0], "--inventory", urls[1], "--rate", "20", "--seconds", "1200")
        )
        yield Apps(*urls)
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(10)


def example(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    """One of the agent's example programs, flushing every second."""
    environment = {**os.environ, "VANTAGE_AGENT_FLUSH_INTERVAL": "1"}
    command = [sys.executable, str(EXAMPLES / script), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait_for_app(port: int) -> None:
    """Any answer will do: the app listens."""
    eventually(lambda: httpx.get(f"http://127.0.0.1:{port}/openapi.json").status_code > 0, what="example app")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page of 640×360; an error that nobody caught fails the test."""
    context = browser.new_context(viewport={"width": 640, "height": 360})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


DESKTOP = (1280, 800)
TABLET = (820, 1100)
PHONE = (390, 844)


class Visit(Protocol):
    def __call__(
        self, path: str, size: tuple[int, int] = DESKTOP, scheme: Literal["dark", "light"] = "dark"
    ) -> Page: ...


@pytest.fixture
def visit(browser: Browser, apps: Apps, platform: Platform) -> Iterator[Visit]:
    """Opens a path of the dashboard. What a page's console complains of, the CSP included, fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def opened(path: str, size: tuple[int, int] = DESKTOP, scheme: Literal["dark", "light"] = "dark") -> Page:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", note)
        page.goto(f"{platform.city}{path}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
