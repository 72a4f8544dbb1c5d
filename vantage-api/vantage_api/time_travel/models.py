"""What the API answers about the past."""

from typing import Literal

from vantage_api.models import CityBody, CityDistrict, Model


class CityMoment(CityBody):
    """The city now, or as it was: then `at` is the moment that is shown, and every number is that of the
    `resolution_s` before it, `edges_resolution_s` for the edges."""

    at: int | None = None
    resolution_s: int | None = None
    edges_resolution_s: int | None = None


class ReplayService(Model):
    slot: int
    id: str
    name: str
    environment: str
    district: str
    x: int
    z: int


class ReplayFrame(Model):
    """The city at `at`; each row has the values of `columns`. A service without a row was UNKNOWN and at rest."""

    at: int
    rows: list[tuple[int, int, float, float | None, float | None, int | None, int]]


class CityReplay(Model):
    """Moments in steps of `step_s`; each number is that of the step before its moment. The registry holds for all of
    them. `next_start` begins the next page, null on the last."""

    start: int
    end: int
    step_s: int
    columns: list[Literal["slot", "pods", "rps", "error_ratio", "p95_ms", "health_score", "status"]]
    statuses: list[Literal["UNKNOWN", "HEALTHY", "DEGRADED", "UNHEALTHY"]]
    districts: list[CityDistrict]
    services: list[ReplayService]
    frames: list[ReplayFrame]
    next_start: int | None
