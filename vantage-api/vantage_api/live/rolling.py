"""Windows that move along the sample seconds: what they hold is carried forward, never added up anew.

Moving by a second costs that second's bins and those of the one that leaves, whatever the window's length. A property
test holds every window against the sum of its seconds.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Final, TypeVar

from vantage_common.model import Pulse

from vantage_api.live.requests import Tally

WINDOW_S: Final = 10
MINUTE_S: Final = 60
AVAILABILITY_SLOT_S: Final = 5
Key = TypeVar("Key")


class Window(ABC):
    """`length` consecutive seconds of `book`, which is shared and grows; `last` is the newest of them."""

    __slots__ = ("_book", "_last", "_length")

    def __init__(self, book: Mapping[int, Tally], length: int) -> None:
        self._book = book
        self._length = length
        self._last: int | None = None

    def move_to(self, last: int) -> None:
        if self._last is None or abs(last - self._last) >= self._length:
            self._fill(last)
            return
        while self._last < last:
            self._take(self._last - self._length + 1, -1)
            self._last += 1
            self._take(self._last, 1)
        while self._last > last:
            self._take(self._last, -1)
            self._last -= 1
            self._take(self._last - self._length + 1, 1)

    def grew(self, number: int, part: Tally) -> None:
        """The book has `part` more in that second."""
        if self._last is not None and self._last - self._length < number <= self._last:
            self._apply(number, part, 1)

    def let_go(self, oldest: int) -> None:
        """The book forgets what lies before `oldest`. A window that still holds some of it is filled anew."""
        if self._last is not None and self._last - self._length + 1 < oldest:
            self._last = None

    def _fill(self, last: int) -> None:
        self._clear()
        self._last = last
        for number in range(last - self._length + 1, last + 1):
            self._take(number, 1)

    def _take(self, number: int, sign: int) -> None:
        second = self._book.get(number)
        if second is not None:
            self._apply(number, second, sign)

    @abstractmethod
    def _apply(self, number: int, second: Tally, sign: int) -> None:
        """Adds the requests of a second (sign 1), or takes them out (-1)."""

    @abstractmethod
    def _clear(self) -> None: ...


class Total(Window):
    """Everything within the window, added up."""

    __slots__ = ("tally",)

    def __init__(self, book: Mapping[int, Tally], length: int) -> None:
        super().__init__(book, length)
        self.tally = Tally()

    def _apply(self, number: int, second: Tally, sign: int) -> None:
        if sign > 0:
            self.tally.add(second.count, second.errors, second.bins)
        else:
            self.tally.remove(second.count, second.errors, second.bins)

    def _clear(self) -> None:
        self.tally = Tally()


class Slots(Window):
    """Slots of `AVAILABILITY_SLOT_S` with requests, and in which of them one succeeded."""

    __slots__ = ("_slots",)

    def __init__(self, book: Mapping[int, Tally], length: int) -> None:
        super().__init__(book, length)
        self._slots: dict[int, tuple[int, int]] = {}

    def availability(self) -> float:
        """The share of the slots with requests in which one succeeded; 1 without any."""
        if not self._slots:
            return 1.0
        return sum(count > errors for count, errors in self._slots.values()) / len(self._slots)

    def _apply(self, number: int, second: Tally, sign: int) -> None:
        slot = number // AVAILABILITY_SLOT_S
        count, errors = self._slots.get(slot, (0, 0))
        count, errors = count + sign * second.count, errors + sign * second.errors
        if count:
            self._slots[slot] = (count, errors)
        else:
            self._slots.pop(slot, None)

    def _clear(self) -> None:
        self._slots = {}


class Ledger:
    """The requests of one service as one source reports them: by sample second, and in the windows that are shown."""

    def __init__(self) -> None:
        self._seconds: dict[int, Tally] = {}
        self._callers: dict[int, dict[str, Tally]] = {}
        self._shown = Total(self._seconds, WINDOW_S)
        self._minute = Total(self._seconds, MINUTE_S)
        self._slots = Slots(self._seconds, MINUTE_S)

    def add(self, number: int, pulse: Pulse) -> None:
        part = Tally(pulse.count, pulse.errors, pulse.durations)
        for window in (self._shown, self._minute, self._slots):
            window.grew(number, part)
        add_to(self._seconds, number, part)
        add_to(self._callers.setdefault(number, {}), pulse.caller, part)

    def shown(self, last: int) -> Tally:
        """The `WINDOW_S` up to `last`. Read it at once: it moves on."""
        self._shown.move_to(last)
        return self._shown.tally

    def minute(self, last: int) -> Tally:
        self._minute.move_to(last)
        return self._minute.tally

    def availability(self, last: int) -> float:
        """Over a minute."""
        self._slots.move_to(last)
        return self._slots.availability()

    def callers(self, last: int, length: int) -> dict[str, Tally]:
        """The requests of `length` seconds, by the caller's label."""
        totals: dict[str, Tally] = {}
        for number in range(last - length + 1, last + 1):
            for caller, tally in self._callers.get(number, {}).items():
                add_to(totals, caller, tally)
        return totals

    def forget(self, oldest: int) -> None:
        """Drops the seconds before `oldest`."""
        for window in (self._shown, self._minute, self._slots):
            window.let_go(oldest)
        for number in [number for number in self._seconds if number < oldest]:
            del self._seconds[number], self._callers[number]


def add_to(tallies: dict[Key, Tally], key: Key, part: Tally) -> None:
    tally = tallies.get(key)
    if tally is None:
        tally = tallies[key] = Tally()
    tally.add(part.count, part.errors, part.bins)
