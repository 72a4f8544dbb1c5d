"""The harness itself: what it calls lost, doubled and strange, and that its table turns red."""

from pathlib import Path

import pytest

from tests.faults.load import body_of, service_of
from tests.faults.oracle import Batch, Event, Oracle, judge
from tests.faults.report import WORKER_BOUND_MIB, Outcome, table

A, B, C, D = (Event("metrics", number) for number in range(1, 5))


def test_what_was_acknowledged_and_is_stored_once_holds() -> None:
    verdict = judge(sent=[A, B, C], acknowledged=[A, B], stored={A: 1, B: 1})
    assert verdict.holds
    assert (verdict.sent, verdict.acknowledged) == (3, 2)


def test_an_event_whose_answer_was_lost_may_be_stored() -> None:
    assert judge(sent=[A, B], acknowledged=[A], stored={A: 1, B: 1}).holds


@pytest.mark.parametrize(
    ("stored", "lost", "doubled", "strange"),
    [
        ({A: 1}, (B,), (), ()),
        ({A: 1, B: 2}, (), (B,), ()),
        ({A: 1, B: 1, C: 2}, (), (C,), ()),  # never acknowledged: even so at most once
        ({A: 1, B: 1, D: 1}, (), (), (D,)),
        ({A: 1, B: 1, Event("logs", 1): 1}, (), (), (Event("logs", 1),)),
    ],
)
def test_each_fault_is_told(
    stored: dict[Event, int], lost: tuple[Event], doubled: tuple[Event], strange: tuple[Event]
) -> None:
    verdict = judge(sent=[A, B, C], acknowledged=[A, B], stored=stored)
    assert (verdict.lost, verdict.doubled, verdict.strange) == (lost, doubled, strange)
    assert not verdict.holds


def test_the_file_tells_every_word_in_order(tmp_path: Path) -> None:
    oracle = Oracle(tmp_path / "oracle.tsv")
    first = oracle.new_batch("one", "metrics", 2)
    oracle.heard(first, "503")
    second = oracle.new_batch("two", "logs", 1)
    oracle.heard(first, "202")
    words = [line.split("\t") for line in (tmp_path / "oracle.tsv").read_text().splitlines()]
    oracle.close()
    assert [(word[2], word[4]) for word in words] == [("1", "sending"), ("1", "503"), ("3", "sending"), ("1", "202")]
    assert (first.end, second.first) == (3, 3)


def test_a_run_is_judged_by_its_own_events_and_the_whole_by_all(tmp_path: Path) -> None:
    oracle = Oracle(tmp_path / "oracle.tsv")
    for run in ("one", "two"):
        oracle.heard(oracle.new_batch(run, "metrics", 1), "202")
    stored = {A: 1, D: 1}
    oracle.close()
    assert oracle.judge(stored, "one").holds
    assert oracle.judge(stored, "two").lost == (B,)
    assert oracle.judge(stored).strange == (D,)


def test_the_events_of_a_batch_are_of_two_services_and_two_days() -> None:
    batch = Batch("run", "metrics", 41, 81)
    metrics = body_of(batch, 1_790_035_200_000)["metrics"]
    assert {metric["service_name"] for metric in metrics} == {service_of(41), service_of(42)}
    assert len({metric["timestamp"] // 86_400_000 for metric in metrics}) == 2
    assert [metric["value"] for metric in metrics] == [float(number) for number in range(41, 81)]


GOOD = judge([A], [A], {A: 1})


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome("lost", verdict=judge([A], [A], {})),
        Outcome("doubled", verdict=judge([A], [A], {A: 2})),
        Outcome("trouble", verdict=GOOD, trouble="the worker has left its group"),
        Outcome("too large", verdict=GOOD, peaks_mib={"worker-1": WORKER_BOUND_MIB + 1}),
        Outcome("never judged"),
    ],
    ids=lambda outcome: outcome.fault,
)
def test_an_outcome_is_bad_for_its_data_its_trouble_or_its_memory(outcome: Outcome) -> None:
    assert not outcome.is_good
    assert "FAILED" in table([outcome])[1]


def test_a_fault_that_cannot_be_had_says_so_and_is_not_bad() -> None:
    outcome = Outcome("full disk", skipped="not root")
    assert outcome.is_good
    assert "SKIPPED: not root" in table([outcome])[1]
