"""The services of a workspace as one list: what the store knows of each, and what it shows right now."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from vantage_common import health
from vantage_common.errors import UserError
from vantage_common.health import Health

from vantage_api.knowledge import StoredService
from vantage_api.live.plan import ServiceKey
from vantage_api.live.service import Measured
from vantage_api.live.state import ServiceView
from vantage_api.models import FleetHealth, HealthScore, ServiceSummary
from vantage_api.parts import Parts


@dataclass(frozen=True, slots=True)
class Member:
    """A service: stored, live, or both. One that has just sent its first pulse is live before it is stored."""

    key: ServiceKey
    stored: StoredService | None
    view: ServiceView | None

    @property
    def measured(self) -> Measured | None:
        return None if self.view is None else self.view.measured

    @property
    def rps(self) -> float:
        return 0.0 if self.measured is None else self.measured.rps

    @property
    def first_seen_ms(self) -> int:
        if self.stored is not None:
            return self.stored.first_seen_ms
        return 0 if self.view is None else self.view.service.first_pulse_ms or 0

    @property
    def last_seen_ms(self) -> int:
        stored_ms = 0 if self.stored is None else self.stored.last_seen_ms
        pulse_ms = None if self.view is None else self.view.service.last_pulse_ms
        return max(stored_ms, pulse_ms or 0)


async def members(parts: Parts, workspace: str, name: str | None = None) -> list[Member]:
    """Every service, or those of that name, by name and environment, as the store knew them a few seconds ago and as
    they are live."""
    known_lately = await parts.knowledge.stored_lately(workspace)
    stored = {known.key: known for known in known_lately if name is None or known.key.name == name}
    city = await parts.live.open(workspace)
    live = {view.building.key: view for view in city.view(parts.clock.now_ms(), name)}
    keys = sorted(stored.keys() | live.keys(), key=lambda key: (key.name, key.environment))
    return [Member(key, stored.get(key), live.get(key)) for key in keys]


async def member(parts: Parts, workspace: str, service: str, environment: str | None) -> Member:
    """As `choose` from all of them, of whom only those of that name are looked at if there are any."""
    named = await members(parts, workspace, service)
    return choose(named or await members(parts, workspace), service, environment)


def choose(fleet: Iterable[Member], service: str, environment: str | None) -> Member:
    """The service of that name; of several environments the busiest, unless one is asked for.

    Raises UserError 404 with the nearest names.
    """
    known = list(fleet)
    named = [member for member in known if member.key.name == service]
    fitting = [member for member in named if environment is None or member.key.environment == environment]
    if not fitting:
        raise _unknown(service, environment, named, known)
    return max(fitting, key=lambda member: (member.rps, member.last_seen_ms))


def summary(member: Member) -> ServiceSummary:
    stored, measured = member.stored, member.measured
    live_version = "" if member.view is None else member.view.service.version
    return ServiceSummary(
        service_name=member.key.name,
        environment=member.key.environment,
        district=stored.district if stored is not None else _live_district(member),
        version=live_version or ("" if stored is None else stored.version),
        first_seen=member.first_seen_ms,
        last_seen=member.last_seen_ms,
        pods=0 if measured is None else measured.pods,
        requests_per_second=member.rps,
        error_ratio=None if measured is None else measured.error_ratio,
        p95_ms=None if measured is None else measured.p95_ms,
        health_score=None if measured is None else measured.health.score,
        status="UNKNOWN" if measured is None else measured.health.status,
    )


async def health_of(parts: Parts, workspace: str, fleet: list[Member]) -> dict[ServiceKey, Health]:
    """Each service's health: the city's own where it is live, else by its stored rows of the last minutes."""
    found = {m.key: m.measured.health for m in fleet if m.measured is not None and m.measured.health.score is not None}
    silent = [member.key for member in fleet if member.key not in found]
    if silent:
        baselines = await parts.knowledge.baselines(workspace)
        observed = await parts.knowledge.observed(workspace)
        found |= {key: health.score(observed.get(key), baselines.get(key, health.LEARNING)) for key in silent}
    return found


def health_score(key: ServiceKey, found: Health) -> HealthScore:
    factors = {name: vars_of(factor) for name, factor in found.factors.items()}
    return HealthScore.model_validate(
        {
            "service_name": key.name,
            "environment": key.environment,
            "health_score": found.score,
            "status": found.status,
            "factors": factors,
        }
    )


def vars_of(factor: health.Factor) -> dict[str, object]:
    return {"score": factor.score, "value": factor.value, "weight": factor.weight, "state": factor.state}


def fleet_health(fleet: list[Member], found: dict[ServiceKey, Health]) -> FleetHealth:
    total = health.mean_score([(found[member.key].score, member.rps) for member in fleet])
    return FleetHealth(health_score=total, status=health.status_of(total))


def _live_district(member: Member) -> str:
    return member.key.environment if member.view is None else member.view.building.lot.district


def _unknown(service: str, environment: str | None, named: list[Member], known: list[Member]) -> UserError:
    if named:
        places = ", ".join(sorted(repr(member.key.environment) for member in named))
        return UserError(
            "unknown_service",
            f"service {service!r} is not in environment {environment!r}",
            status=404,
            hint=f"it is in {places}",
        )
    names = sorted({member.key.name for member in known})
    near = get_close_matches(service, names, n=3, cutoff=0.5)
    if near:
        hint = "did you mean " + " or ".join(near) + "?"
    elif names:
        hint = f"GET /api/services lists the {len(names)} that are known"
    else:
        hint = "no service has sent anything yet"
    return UserError("unknown_service", f"there is no service {service[:200]!r}", status=404, hint=hint)
