"""What a writer finds worth writing down of the services whose rows it inserts. Pure."""

from typing import Any

from vantage_common.store.services import AGAIN_AFTER_S, SeenService, Sightings, merge

NOON_MS = 1_800_000_000_000


def rows(*given: tuple[str, int, dict[str, str]], environment: str = "production") -> dict[str, list[Any]]:
    """(service, seconds after noon, tags) each."""
    return {
        "workspace": ["default"] * len(given),
        "service_name": [service for service, _, _ in given],
        "environment": [environment] * len(given),
        "timestamp": [NOON_MS + second * 1000 for _, second, _ in given],
        "tags": [tags for _, _, tags in given],
    }


def seen(name: str, first_s: int, last_s: int, version: str = "", namespace: str = "") -> SeenService:
    first_ms, last_ms = NOON_MS + first_s * 1000, NOON_MS + last_s * 1000
    named_ms = last_ms if version or namespace else 0
    return SeenService("default", name, "production", first_ms, last_ms, namespace, version, named_ms)


def noted(sightings: Sightings, columns: dict[str, list[Any]], now_s: float = 0.0) -> list[SeenService]:
    news = sightings.worth_noting("metrics", columns, now_s)
    sightings.noted(news, now_s)
    return news


def test_a_service_is_noted_once_with_the_bounds_of_its_rows() -> None:
    sightings = Sightings()
    columns = rows(("pay", 5, {"version": "1"}), ("pay", 2, {}), ("mail", 3, {}), ("pay", 9, {"version": "2"}))
    assert noted(sightings, columns) == [seen("pay", 2, 9, "2"), seen("mail", 3, 3)]
    assert noted(sightings, columns) == []


def test_environments_and_workspaces_are_apart() -> None:
    columns = rows(("pay", 1, {}), ("pay", 1, {}), ("pay", 1, {}))
    columns["environment"] = ["production", "staging", "staging"]
    columns["workspace"] = ["default", "default", "other"]
    found = Sightings().worth_noting("metrics", columns, 0.0)
    assert [(service.workspace, service.environment) for service in found] == [
        ("default", "production"),
        ("default", "staging"),
        ("other", "staging"),
    ]


def test_what_came_before_the_first_is_noted_at_once() -> None:
    sightings = Sightings()
    noted(sightings, rows(("pay", 5, {})))
    assert noted(sightings, rows(("pay", 4, {}))) == [seen("pay", 4, 4)]


def test_a_service_that_goes_on_is_noted_again_after_a_while() -> None:
    sightings = Sightings()
    noted(sightings, rows(("pay", 0, {})), now_s=100.0)
    assert noted(sightings, rows(("pay", 9, {})), now_s=99.9 + AGAIN_AFTER_S) == []
    assert noted(sightings, rows(("pay", 10, {})), now_s=100.0 + AGAIN_AFTER_S) == [seen("pay", 10, 10)]
    assert noted(sightings, rows(("pay", 10, {})), now_s=100.0 + 3 * AGAIN_AFTER_S) == []


def test_a_new_version_or_namespace_is_noted_at_once_and_an_old_one_never() -> None:
    sightings = Sightings()
    noted(sightings, rows(("pay", 1, {"version": "1"})))
    assert noted(sightings, rows(("pay", 2, {"service.version": "2"}))) == [seen("pay", 2, 2, "2")]
    assert noted(sightings, rows(("pay", 1, {"version": "1"}))) == []
    assert noted(sightings, rows(("pay", 3, {"namespace": "shop"}))) == [seen("pay", 3, 3, "", "shop")]
    assert noted(sightings, rows(("pay", 3, {"version": "2", "namespace": "shop"}))) == []


def test_what_was_not_written_is_news_again() -> None:
    sightings = Sightings()
    first = sightings.worth_noting("metrics", rows(("pay", 1, {})), 0.0)
    assert sightings.worth_noting("metrics", rows(("pay", 1, {})), 1.0) == first


def test_two_sights_merge_the_same_both_ways() -> None:
    one, other = seen("pay", 1, 4, "1"), seen("pay", 2, 9, "", "shop")
    assert merge(one, other) == merge(other, one)
    both = merge(one, other)
    assert (both.first_ms, both.last_ms, both.version, both.namespace) == (one.first_ms, other.last_ms, "1", "shop")


def test_no_rows_are_nothing_new() -> None:
    assert Sightings().worth_noting("metrics", rows(), 0.0) == []
