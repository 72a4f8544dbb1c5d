"""Times as clients write them, and ranges that make no sense."""

import pytest
from vantage_api.times import Range, parse_range, parse_time
from vantage_common.errors import UserError

NOW_MS = 1_790_035_200_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1790035200000", 1_790_035_200_000),
        ("1790035200", 1_790_035_200_000),
        ("1790035200.5", 1_790_035_200_500),
        ("2026-09-22T00:00:00Z", 1_790_035_200_000),
        ("2026-09-22T02:00:00+02:00", 1_790_035_200_000),
        ("2026-09-22T02:00:00 02:00", 1_790_035_200_000),
        ("2026-09-22T00:00:00", 1_790_035_200_000),
        ("2026-09-22", 1_790_035_200_000),
    ],
)
def test_ms_seconds_and_iso_8601(text: str, ms: int) -> None:
    assert parse_time(text, "start") == ms


@pytest.mark.parametrize("text", ["", "yesterday", "nan", "inf", "-5", "2026-13-01", "1e400"])
def test_what_is_no_time_says_what_would_be(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_time(text, "start")
    assert caught.value.status == 400
    assert caught.value.hint is not None


def test_the_range_is_the_last_hour_unless_said_otherwise() -> None:
    assert parse_range(None, None, NOW_MS) == Range(NOW_MS - 3_600_000, NOW_MS)
    assert parse_range(None, "1790000000", NOW_MS) == Range(1_790_000_000_000 - 3_600_000, 1_790_000_000_000)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("1790035200", "1790035100"),
        ("1790035200", "1790035200"),
        ("1000000000000000", None),
        ("1", "2"),
        ("2001-01-01", None),
        (None, "2050-01-01"),
        ("99999999999", None),
        ("9e18", "9.1e18"),
    ],
    ids=["reversed", "empty", "far future", "1970", "a quarter century", "2050", "year 5138", "absurd"],
)
def test_absurd_ranges_are_refused_with_a_hint(start: str | None, end: str | None) -> None:
    with pytest.raises(UserError) as caught:
        parse_range(start, end, NOW_MS)
    assert (caught.value.status, caught.value.code) == (400, "bad_range")
    assert caught.value.hint
