"""The city in a browser: what a frame costs the page's main thread and the GPU's driver, how soon the first one comes.

The production build before the mock fleet of `vantage-dashboard/dev`, 640×360, bloom off. This says nothing of frames a
second: the GL here is software, so a frame is drawn by the same cores that the page runs on, a few of them a second,
and each has to take in what a hundred would share. What a frame costs the page is therefore measured with the four draw
calls of WebGL made empty: the page prepares, uploads and submits as ever, nothing is rasterized, and frames come as
often as a screen asks for them. The first frame, rest and memory are those of a page that draws.

Script is CPU time of the main thread (Chromium's trace, `tdur`), and so are long tasks; those that took over 50 ms of
wall time but less of CPU stood waiting and are counted apart.
"""

import gzip
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import linear_regression, mean, median
from typing import Any, NamedTuple

import msgspec
from playwright.sync_api import Browser, CDPSession, Page, ViewportSize, sync_playwright

from tests.e2e.conftest import CHROMIUM_FLAGS

DASHBOARD = Path(__file__).resolve().parents[2] / "vantage-dashboard"
DIST = Path(os.environ.get("VANTAGE_DASHBOARD_DIR", DASHBOARD / "dist"))
VIEWPORT: ViewportSize = {"width": 640, "height": 360}
SIZES = ((500, 20_000), (2_000, 50_000))
MEAN_FLIGHT_S = 1.7
"""Of the mock's requests: so many a second times this are in the air."""
TRACED_S = 12
FIRST_FRAMES = 5
HEAP_S = 600
HEAP_EVERY_S = 20
LONG_MS = 50
KIB = 1 << 10

SCRIPTS = {"FireAnimationFrame", "TimerFire", "EventDispatch", "FunctionCall", "v8.callFunction", "EvaluateScript"}
TASK = {"RunTask", "ThreadControllerImpl::RunTask"}
UNDRAWN = """
for (const call of ['drawArrays', 'drawElements', 'drawArraysInstanced', 'drawElementsInstanced'])
  WebGL2RenderingContext.prototype[call] = () => undefined;
"""
EMPTY_LOOP = "<script>(function again() { requestAnimationFrame(again) })()</script>"


class Event(NamedTuple):
    name: str
    start_us: float
    wall_ms: float
    cpu_ms: float


def run() -> Iterator[str]:
    yield _weight()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
        yield _renderer(browser)
        yield _first_frame(browser)
        for services, particles in SIZES:
            yield from _frame(browser, services, particles)
        yield _rest(browser)
        yield _heap(browser)
        browser.close()


def _weight() -> str:
    """What the city's address loads, as a server that compresses sends it."""
    index = (DIST / "index.html").read_text()
    entered = set(re.findall(r"assets/([\w-]+\.js)", index))
    assets = {path.name: path.read_text() for path in (DIST / "assets").glob("*.js")}
    city = {name for name in assets if re.match(r"City(Page|Canvas)-", name)}
    loaded = set(entered | city)
    waiting = list(loaded)
    while waiting:
        found = set(re.findall(r'(?:from|import)\s*["\']\./([\w-]+\.js)["\']', assets[waiting.pop()]))
        waiting += found - loaded
        loaded |= found
    sizes = {name: len(gzip.compress(assets[name].encode(), 9)) / KIB for name in loaded}
    three = sum(size for name, size in sizes.items() if name.startswith("three-"))
    largest = sorted(sizes.items(), key=lambda of: -of[1])[:6]
    parts = ", ".join(f"{name.split('-')[0]} {size:.0f}" for name, size in largest)
    return (
        f"JavaScript of the city, gzip: {sum(sizes.values()) - three:.0f} KiB + three.js {three:.0f} KiB ({parts}, …)"
    )


@contextmanager
def _mock(services: int, **options: int) -> Iterator[str]:
    given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    process = subprocess.Popen(
        ["node", "dev/mock-server.mjs", "--services", str(services), "--port", "0", "--dist", str(DIST), *given],
        cwd=DASHBOARD,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield line.split(" on ")[1].strip()
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def _city(browser: Browser, url: str, script: str = "") -> Iterator[Page]:
    """The city's page once it stands; `script` runs before all others."""
    context = browser.new_context(viewport=VIEWPORT)
    context.add_init_script(script)
    page = context.new_page()
    page.set_default_timeout(240_000)
    page.goto(f"{url}?vantage=1&fx=off", wait_until="commit")
    page.wait_for_function("() => window.__vantage?.firstFrameAt != null && Object.keys(__vantage.services()).length")
    yield page
    context.close()


def _renderer(browser: Browser) -> str:
    page = browser.new_page()
    name = page.evaluate(
        "() => { const gl = document.createElement('canvas').getContext('webgl2');"
        " return gl.getParameter(gl.getExtension('WEBGL_debug_renderer_info').UNMASKED_RENDERER_WEBGL) }"
    )
    page.close()
    load = os.getloadavg()[0]
    return f"renderer: {name}; Chromium {browser.version}; load average {load:.0f}; software GL: no frame rate claimed"


def _first_frame(browser: Browser) -> str:
    with _mock(500) as url:
        taken = []
        for _ in range(FIRST_FRAMES):
            with _city(browser, url) as page:
                taken.append(page.evaluate("() => (__vantage.firstFrameAt - performance.timeOrigin) / 1000"))
    seconds = ", ".join(f"{value:.2f}" for value in sorted(taken))
    return f"navigation → first submitted frame, 500 services, fresh profile each time: {seconds} s"


def _frame(browser: Browser, services: int, particles: int) -> Iterator[str]:
    empty = browser.new_page(viewport=VIEWPORT)
    empty.set_content(EMPTY_LOOP)
    idle = _frames(_trace(browser, empty, TRACED_S / 2))
    empty.close()
    with (
        _mock(services, batch=round(particles / MEAN_FLIGHT_S / 10)) as url,
        _city(browser, url, UNDRAWN) as page,
    ):
        _wait_for_traffic(page, particles)
        before = page.evaluate("() => ({ ...__vantage.stats, flying: __vantage.flying })")
        events = _trace(browser, page, TRACED_S)
        stats = page.evaluate("() => ({ ...__vantage.stats, flying: __vantage.flying })")
        pick = page.evaluate("() => __vantage.pickMs(2000)")
    frames = _frames(events)
    drawn = stats["frames"] - before["frames"]
    uploaded = stats["bytes"] - before["bytes"]
    base = median(idle)
    yield (
        f"{services} buildings, {stats['flying']} particles in the air, tier {stats['tier']}: script a frame above an "
        f"empty loop ({base:.2f} ms): median {median(frames) - base:.2f} ms, p95 {_share(frames, 0.95) - base:.2f} ms "
        f"(CPU of the main thread, {len(frames)} frames, {drawn / TRACED_S:.0f} a second, not rasterized); "
        f"{stats['draws']} draw calls; {uploaded / max(1, drawn) / KIB:.1f} KiB uploaded a frame, "
        f"{uploaded / TRACED_S / KIB:.0f} KiB a second; "
        f"picking p95 {pick:.3f} ms"
    )
    tasks = [event for event in events if event.name in TASK]
    long = [task.cpu_ms for task in tasks if task.cpu_ms > LONG_MS]
    waited = [task for task in tasks if task.wall_ms > LONG_MS >= task.cpu_ms]
    yield (
        f"{services} buildings: tasks over {LONG_MS} ms of CPU in {TRACED_S} s after load: {len(long)} (longest task "
        f"{max((task.cpu_ms for task in tasks), default=0):.0f} ms); {len(waited)} more took that long of wall time, "
        f"waiting for software GL or a core, with {mean([task.cpu_ms for task in waited] or [0]):.0f} ms of CPU each"
    )


def _wait_for_traffic(page: Page, particles: int) -> None:
    """As many as were meant, or what there is after a while: a slow machine misses some. The count is printed."""
    for _ in range(60):
        if page.evaluate("() => __vantage.flying") > particles * 0.9:
            return
        page.wait_for_timeout(1000)


def _trace(browser: Browser, page: Page, seconds: float) -> list[Event]:
    """What the page's main thread did."""
    browser.start_tracing(
        page=page, categories=["devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel", "v8"]
    )
    page.wait_for_timeout(seconds * 1000)
    found: list[dict[str, Any]] = msgspec.json.decode(browser.stop_tracing())["traceEvents"]
    threads = {(event["pid"], event["tid"]) for event in found if event["name"] == "FireAnimationFrame"}
    return [
        Event(event["name"], event["ts"], event["dur"] / 1000, event.get("tdur", 0) / 1000)
        for event in sorted(found, key=lambda event: float(event.get("ts", 0)))
        if event.get("ph") == "X" and "dur" in event and (event["pid"], event["tid"]) in threads
    ]


def _frames(events: Sequence[Event]) -> list[float]:
    """CPU of the outermost scripts: an animation frame's own, and the messages and timers since the frame before."""
    frames: list[float] = []
    spent, ends = 0.0, 0.0
    for event in events:
        if event.name not in SCRIPTS or event.start_us < ends:
            continue
        ends = event.start_us + event.wall_ms * 1000
        spent += event.cpu_ms
        if event.name == "FireAnimationFrame":
            frames.append(spent)
            spent = 0.0
    return frames[1:]


def _rest(browser: Browser) -> str:
    frames = "() => __vantage.stats.frames"
    with _mock(500, still=1) as url, _city(browser, url) as page:
        page.wait_for_timeout(4000)
        resting = page.evaluate(frames)
        page.wait_for_timeout(5000)
        idle = page.evaluate(frames) - resting
    with _mock(500) as url, _city(browser, url) as page:
        page.evaluate(
            "() => { Object.defineProperty(document, 'hidden', { value: true });"
            " document.dispatchEvent(new Event('visibilitychange')) }"
        )
        page.wait_for_timeout(1500)
        resting = page.evaluate(frames)
        page.wait_for_timeout(5000)
        hidden = page.evaluate(frames) - resting
    return f"frames drawn in 5 s, 500 buildings: {idle} while nothing happens, {hidden} in a hidden tab under traffic"


def _heap(browser: Browser) -> str:
    """The slope over samples taken right after a collection; the first ones, when caches fill, are left out."""
    with _mock(500, batch=800) as url, _city(browser, url) as page:
        session = page.context.new_cdp_session(page)
        samples = []
        for second in range(0, HEAP_S, HEAP_EVERY_S):
            page.wait_for_timeout(HEAP_EVERY_S * 1000)
            samples.append((float(second), _heap_mib(session)))
    settled = samples[len(samples) // 3 :]
    slope = linear_regression([at for at, _ in settled], [mib for _, mib in settled]).slope
    low, high = min(mib for _, mib in settled), max(mib for _, mib in settled)
    length = settled[-1][0] - settled[0][0]
    return (
        f"heap after collection, 500 buildings under traffic, {len(settled)} samples over {length:.0f}"
        f" s: {low:.1f} to {high:.1f} MiB; the line through them, drawn out to an hour: {slope * 3600:+.1f} MiB"
    )


def _heap_mib(session: CDPSession) -> float:
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"]) / (1 << 20)


def _share(values: Sequence[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]
