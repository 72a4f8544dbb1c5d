"""What a rule may say, and what is refused with the name of the field."""

from typing import Any

import pytest
from pydantic import ValidationError
from vantage_api.alerts.builtin import BUILT_IN, with_built_in
from vantage_api.alerts.rules import Adaptive, Rule, RuleBody, Unreadable
from vantage_common.store.api import Document

FIXED: dict[str, Any] = {"kind": "fixed", "op": ">", "threshold": 1}
ADAPTIVE: dict[str, Any] = {"kind": "adaptive"}


def document(id_: str, body: dict[str, Any]) -> Document:
    return Document("default", id_, 7, 7, "ann", body)


def test_an_adaptive_rule_begins_at_two_and_three_deviations() -> None:
    rule = RuleBody.model_validate({"name": "slow", "agg": "p95", "condition": ADAPTIVE})
    assert isinstance(rule.condition, Adaptive)
    assert (rule.condition.warning_sigma, rule.condition.critical_sigma) == (2, 3)


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "two\nlines"}),
        ("name", {"name": "\x1b[31mred"}),
        ("service", {"service": ""}),
        ("window_s", {"window_s": 1}),
        ("window_s", {"window_s": 10**9}),
        ("for_s", {"for_s": -1}),
        ("min_samples", {"min_samples": 0}),
        ("severity", {"severity": "grave"}),
        ("labels", {"labels": {"a b": "c"}}),
        ("channels", {"channels": ["../x"]}),
        ("agg", {"metric": "queue.depth", "agg": "error_ratio"}),
        ("condition", {"condition": FIXED | {"threshold": float("nan")}}),
        ("condition", {"condition": FIXED | {"threshold": 1e300}}),
        ("condition", {"condition": FIXED | {"recover": 2}}),
        ("condition", {"condition": FIXED | {"op": "~"}}),
        ("condition", {"condition": {"kind": "magic"}}),
        ("condition", {"condition": ADAPTIVE | {"warning_sigma": 4}}),
        ("condition", {"condition": ADAPTIVE | {"recover_sigma": 2.5}}),
        ("condition", {"condition": ADAPTIVE, "window_s": 3600}),
        ("condition", {"condition": FIXED, "metric": ""}),
        ("condition", {"condition": {"kind": "health", "below": 101}}),
        ("treshold", {"treshold": 1}),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_name_of_its_field(field: str, body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        RuleBody.model_validate({"name": "r", "condition": FIXED} | body)
    assert {fault["loc"][0] for fault in refused.value.errors()} == {field}


def test_every_workspace_has_the_built_in_rules_until_it_edits_them() -> None:
    untouched = with_built_in("w", [])
    assert {rule.id for rule in untouched} == set(BUILT_IN)
    assert all(isinstance(rule, Rule) and rule.built_in and rule.version == 0 for rule in untouched)
    edited = BUILT_IN["builtin-silent"].model_copy(update={"enabled": False}).model_dump(mode="json")
    [silent] = [
        rule for rule in with_built_in("w", [document("builtin-silent", edited)]) if rule.id == "builtin-silent"
    ]
    assert isinstance(silent, Rule)
    assert silent.built_in
    assert silent.version == 7
    assert not silent.body.enabled


def test_a_rule_that_cannot_be_read_stands_beside_the_others() -> None:
    rules = with_built_in("w", [document("odd", {"name": "odd", "condition": {"kind": "from the future"}})])
    [odd] = [rule for rule in rules if isinstance(rule, Unreadable)]
    assert odd.id == "odd"
    assert "cannot be read" in odd.reason
    assert len(rules) == len(BUILT_IN) + 1
