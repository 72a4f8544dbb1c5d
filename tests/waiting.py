"""Waiting for a condition instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(probe: Callable[[], T | None], *, within_s: float = 20.0, every_s: float = 0.1, what: str = "") -> T:
    """The first truthy answer of `probe`. Fails with its last answer or error after `within_s`."""
    deadline = time.monotonic() + within_s
    while True:
        failure: object
        try:
            answer = probe()
            if answer:
                return answer
            failure = answer
        except Exception as error:
            failure = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what or 'condition'} not met within {within_s} s; last: {failure!r}")
        time.sleep(every_s)
