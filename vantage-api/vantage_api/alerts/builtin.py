"""The rules that every workspace has from the first day. They can be edited and disabled, and are code until then.

Nothing is stored for a rule that nobody has touched, so a later Vantage may improve it; an edit makes it a document
like any other, under the id given here.
"""

from collections.abc import Iterable
from typing import Final

from vantage_common.model import REQUEST_METRIC
from vantage_common.store.api import Document

from vantage_api.alerts.rules import Adaptive, Fixed, HealthBelow, NoData, Rule, RuleBody, Unreadable, read_rule

BUILT_IN: Final[dict[str, RuleBody]] = {
    "builtin-error-ratio": RuleBody(
        name="Error ratio above 5 %",
        metric=REQUEST_METRIC,
        agg="error_ratio",
        window_s=300,
        condition=Fixed(op=">", threshold=0.05, recover=0.04),
        for_s=60,
        min_samples=20,
        severity="critical",
        runbook="More than one request in twenty fails. Look at the failing endpoints, then at the newest deploy.",
    ),
    "builtin-slow": RuleBody(
        name="Slower than usual (p95)",
        metric=REQUEST_METRIC,
        agg="p95",
        window_s=300,
        condition=Adaptive(direction="up", min_deviation=10),
        for_s=300,
        min_samples=20,
        severity="critical",
        runbook="The p95 is far above what is normal at this hour of the week. Look at what the service calls.",
    ),
    "builtin-silent": RuleBody(
        name="Service is silent",
        metric="",
        window_s=300,
        condition=NoData(),
        for_s=60,
        severity="warning",
        runbook="Nothing has come from a service that was there within the last day. Is it running?",
    ),
    "builtin-health": RuleBody(
        name="Health below 50",
        window_s=60,
        condition=HealthBelow(below=50),
        for_s=120,
        severity="warning",
        runbook="The factors of the health score say what is wrong.",
    ),
}


def with_built_in(workspace: str, documents: Iterable[Document]) -> list[Rule | Unreadable]:
    """The workspace's rules by id: what was stored, and the built-in ones that were not edited."""
    rules: dict[str, Rule | Unreadable] = {
        id_: Rule(id_, workspace, body, 0, 0, "vantage", True) for id_, body in BUILT_IN.items()
    }
    for document in documents:
        rules[document.id] = read_rule(document, document.id in BUILT_IN)
    return [rules[id_] for id_ in sorted(rules)]
