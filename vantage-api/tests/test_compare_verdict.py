"""From what was found to the recommendation."""

from dataclasses import replace

import pytest
from vantage_api.compare.verdict import Change, Found, Recommendation, verdict

BETTER = Found(
    blocks=60,
    least_blocks=20,
    p_value=0.01,
    tested=Change(10.0, 4.0, 15.0),
    sign_then=1,
    mean_pct=11.0,
    errors_p_value=1.0,
    more_errors=0.0,
    tails={"p95": Change(9.0, 2.0, 16.0), "p99": Change(5.0, -12.0, 22.0)},
)
UNSURE = replace(BETTER, p_value=0.2, tested=Change(3.0, -4.0, 9.0))


@pytest.mark.parametrize(
    ("found", "expected", "reason"),
    [
        (BETTER, "DEPLOY", "10 % better"),
        (replace(BETTER, blocks=19), "INCONCLUSIVE", "19 minutes"),
        (replace(BETTER, tested=Change(-8.0, -12.0, -3.0), sign_then=-1), "ROLLBACK", "8 % worse"),
        (replace(BETTER, errors_p_value=0.009, more_errors=0.02), "ROLLBACK", "fails 2 % more"),
        (replace(BETTER, errors_p_value=0.02, more_errors=0.02), "DEPLOY", "better"),
        (replace(BETTER, errors_p_value=0.001, more_errors=-0.02), "DEPLOY", "better"),
        (replace(BETTER, sign_then=-1), "HOLD", "turned round"),
        (replace(BETTER, tested=Change(0.5, 0.2, 0.8)), "HOLD", "below the 1 %"),
        (replace(BETTER, tested=Change(-0.5, -0.8, -0.2), sign_then=-1), "HOLD", "below the 1 %"),
        (replace(BETTER, mean_pct=-3.0), "HOLD", "mean is 3 % worse"),
        (replace(BETTER, mean_pct=None), "DEPLOY", "better"),
        (replace(BETTER, tails={"p99": Change(-30.0, -50.0, -10.0)}), "HOLD", "p99 is 30 % worse"),
        (replace(BETTER, tails={"p99": Change(-30.0, -65.0, 5.0)}), "DEPLOY", "better"),
        (replace(BETTER, tails={"p99": Change(-30.0)}), "DEPLOY", "better"),
        (UNSURE, "INCONCLUSIVE", "not tell"),
        (replace(UNSURE, tested=Change(0.1, -0.4, 0.6)), "HOLD", "no difference of 1 %"),
        (replace(UNSURE, tested=Change(0.1)), "INCONCLUSIVE", "not tell"),
        (replace(UNSURE, errors_p_value=0.001, more_errors=0.5), "ROLLBACK", "fails 50 % more"),
    ],
)
def test_each_rule(found: Found, expected: Recommendation, reason: str) -> None:
    decided = verdict(found, alpha=0.05, least_pct=1.0)
    assert decided.recommendation == expected
    assert reason in decided.reasons[0]


def test_at_alpha_itself_a_difference_is_significant() -> None:
    assert verdict(replace(BETTER, p_value=0.05), 0.05, 1.0).recommendation == "DEPLOY"
    assert verdict(replace(BETTER, p_value=0.051), 0.05, 1.0).recommendation == "INCONCLUSIVE"
