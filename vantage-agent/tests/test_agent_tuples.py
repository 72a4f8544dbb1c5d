"""Named tuples that are quick to make: what they share with typing.NamedTuple."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import pytest
from vantage_agent.tuples import NamedTuple


class Answer(NamedTuple):
    """What came back."""

    status: int
    reason: str
    wait_s: Optional[float] = None

    def failed(self) -> bool:
        return self.status >= 500


ANSWER = Answer(503, "busy")


def test_a_field_is_read_by_its_name_and_by_its_place() -> None:
    status, reason, wait_s = ANSWER
    assert (status, reason, wait_s) == (ANSWER.status, ANSWER.reason, ANSWER.wait_s) == (503, "busy", None)
    assert Answer(503, wait_s=2.0, reason="busy").wait_s == ANSWER._replace(wait_s=2.0)[2] == 2.0


def test_methods_and_documentation_stay() -> None:
    assert ANSWER.failed()
    assert not ANSWER._replace(status=200).failed()
    assert Answer.__doc__ == "What came back."


def test_it_is_a_key_like_the_plain_tuple() -> None:
    plain: Dict[Tuple[object, ...], int] = {(503, "busy", None): 1}
    assert plain[ANSWER] == 1
    assert Answer(503, "busy", 1.0) != ANSWER


def test_it_shows_its_fields() -> None:
    assert repr(ANSWER) == "Answer(status=503, reason='busy', wait_s=None)"


def test_nothing_can_be_changed_or_added() -> None:
    answer: Any = ANSWER
    for name in ("status", "other"):
        with pytest.raises(AttributeError):
            setattr(answer, name, 1)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ([], {}),
        ([503], {}),
        ([503, "busy", None, 1], {}),
        ([503, "busy"], {"other": 1}),
        ([503, "busy"], {"status": 500}),
    ],
)
def test_fields_that_are_missing_twofold_or_unknown_are_an_error(values: List[Any], named: Dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="Answer takes each of status, reason, wait_s once"):
        Answer(*values, **named)
