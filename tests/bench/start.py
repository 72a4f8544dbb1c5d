"""Seconds from `make demo` on a prepared checkout to the first frame that shows live requests."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL, Popen

from tests.bench.browser import blank_page, open_city
from tests.platform_process import environment

ROOT = Path(__file__).resolve().parents[2]
RUNS = 3
LIVE = "() => window.__vantage?.firstFrameAt && Object.values(window.__vantage.services()).some(s => s.rps > 0)"


def run() -> Iterator[str]:
    seconds = sorted(_once() for _ in range(RUNS))
    yield f"make demo → first live frame, {RUNS} runs, 30 services, browser already open: " + ", ".join(
        f"{value:.1f} s" for value in seconds
    )


def _once() -> float:
    with tempfile.TemporaryDirectory() as directory, blank_page() as page:
        settings = environment(Path(directory))
        started = time.time()
        process = Popen(
            ["make", "--no-print-directory", "demo"],
            cwd=ROOT,
            env=settings,
            stdout=DEVNULL,
            stderr=DEVNULL,
            start_new_session=True,
        )
        try:
            open_city(page, f"http://127.0.0.1:{settings['VANTAGE_DASHBOARD_PORT']}")
            page.wait_for_function(LIVE, timeout=120_000, polling="raf")
            return float(page.evaluate("Date.now()")) / 1000 - started
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)
