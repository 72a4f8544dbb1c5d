"""What axe-core, the accessibility checker, finds in a page."""

from pathlib import Path

from playwright.sync_api import Page

_SOURCE = Path(__file__).parents[2] / "vantage-dashboard" / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async () => (await axe.run(document, { resultTypes: ['violations'] })).violations
  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
  .flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`))"""


def serious(page: Page) -> list[str]:
    """One line a serious or critical violation: the rule, the element, what to do."""
    page.evaluate(_SOURCE.read_text())
    found: list[str] = page.evaluate(_RUN)
    return found


def sideways(page: Page) -> int:
    """CSS pixels by which the page is wider than its window: a phone would scroll to the side."""
    wider: int = page.evaluate(
        "Math.max(...['html', '#page'].map((at) => document.querySelector(at))"
        ".map((element) => element.scrollWidth - element.clientWidth))"
    )
    return wider
