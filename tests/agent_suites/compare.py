"""Outcomes of a suite's tests, in which of them two runs differ, and whether that is the agent's fault."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

MISSING = "missing"


class Outcome(NamedTuple):
    """How a test ended; `text` is what pytest has to say about a failure."""

    word: str
    text: str = ""


Outcomes = Mapping[str, Outcome]
"""By test id."""


@dataclass(frozen=True)
class Difference:
    """One test that ended otherwise with the agent."""

    test: str
    without: str
    with_agent: str

    def __str__(self) -> str:
        return f"{self.test}: {self.without} without the agent, {self.with_agent} with it"


def read(lines: Iterable[Sequence[str]]) -> dict[str, Outcome]:
    """Lines of test id, outcome and text. A test that passed and whose clean-up failed is the latter."""
    return {test: Outcome(word, text) for test, word, text in lines}


def differences(without: Outcomes, with_agent: Outcomes) -> list[Difference]:
    none = Outcome(MISSING)
    pairs = ((test, without.get(test, none), with_agent.get(test, none)) for test in sorted({*without, *with_agent}))
    return [Difference(test, a.word, b.word) for test, a, b in pairs if a.word != b.word]


def flaky(runs: Sequence[Outcomes]) -> set[str]:
    """Tests that end one way or another with nothing changed."""
    tests = {test for run in runs for test in run}
    return {test for test in tests if len({run[test].word if test in run else MISSING for run in runs}) > 1}


def function_of(test: str) -> str:
    """The test without its parameters."""
    return test.partition("[")[0]


def summary(outcomes: Outcomes) -> str:
    """`490 passed, 2 skipped`: each outcome that occurs."""
    words = Counter(outcome.word for outcome in outcomes.values())
    return ", ".join(f"{number} {word}" for word, number in words.most_common()) or "nothing"
