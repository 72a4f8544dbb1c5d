"""The agent's threads: what goes wrong at their birth stays there, and nobody meets them."""

from __future__ import annotations

import _thread
import signal
import threading
from typing import Any, Callable, List

import pytest
import vantage_agent
from vantage_agent import background
from vantage_agent.background import Background

Start = Callable[..., None]


def test_a_thread_that_dies_at_its_birth_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "BIRTH_LIMIT_S", 0.01)
    monkeypatch.setattr(_thread, "start_new_thread", lambda *_: 1)
    with pytest.raises(RuntimeError):
        Background(lambda: None).start()


def test_a_thread_born_too_late_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    begin: List[Callable[[], None]] = []
    worked: List[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(background, "BIRTH_LIMIT_S", 0.01)
        patch.setattr(_thread, "start_new_thread", lambda run, _: begin.append(run))
        with pytest.raises(RuntimeError):
            Background(lambda: worked.append(1)).start()
    begin[0]()
    assert worked == []


@pytest.mark.parametrize("outcome", [None, SystemExit, MemoryError])
def test_it_ends_with_its_work_however_that_ends(outcome: Any, capfd: pytest.CaptureFixture[str]) -> None:
    go_on = threading.Event()

    def work() -> None:
        go_on.wait(20)
        if outcome:
            raise outcome

    thread = Background(work)
    thread.start()
    thread.join(0.01)
    assert thread.is_alive()
    go_on.set()
    thread.join(20)
    assert not thread.is_alive()
    assert capfd.readouterr().err == ""


def test_an_application_neither_sees_nor_traces_them(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    # They time garbage collections, which happen in any thread.
    monkeypatch.setenv("VANTAGE_AGENT_RUNTIME_METRICS", "off")
    before = threading.enumerate()
    traced: List[str] = []

    def trace(frame: Any, *_: object) -> None:
        traced.append(frame.f_code.co_filename)

    threading.settrace(trace)
    try:
        start()
        vantage_agent.record_metric("c", 1, "counter")
        # The sink answers in a thread of its own, which is traced.
        assert vantage_agent.flush()
        assert traced
    finally:
        threading.settrace(None)
    assert [name for name in traced if "vantage_agent/" in name] == []
    new = [thread for thread in threading.enumerate() if thread not in before]
    # The sink's own; its threads do not bear their function's name everywhere.
    assert [
        thread for thread in new if "process_request" not in f"{thread.name} {getattr(thread, '_target', '')}"
    ] == []


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs POSIX")
def test_signals_are_left_to_the_applications_threads() -> None:
    masks: List[Any] = []
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    thread = Background(lambda: masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
    thread.start()
    thread.join(10)
    assert {signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGCHLD, signal.SIGALRM} <= masks[0]
    assert not {signal.SIGSEGV, signal.SIGFPE, signal.SIGBUS, signal.SIGILL, signal.SIGABRT} & masks[0]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
