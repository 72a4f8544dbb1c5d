"""/api/alerts: rules, what fires, what has happened, what is normal, and silences."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Path, Query, Response
from vantage_common.model import REQUEST_METRIC
from vantage_common.store.api import Document

from vantage_api import fleet
from vantage_api.alerts.baselines import Learned, least_sigma, stored_baseline
from vantage_api.alerts.measures import Measure
from vantage_api.alerts.models import (
    ActiveAlerts,
    AlertView,
    BaselineView,
    CellView,
    Comment,
    FiringView,
    History,
    PreviewAsked,
    PreviewView,
    Quiet,
    RuleChange,
    Rules,
    RuleView,
    SilenceChange,
    Silences,
    SilenceView,
    alert_view,
    event_view,
    rule_view,
    silence_view,
)
from vantage_api.alerts.notification import Severity
from vantage_api.alerts.office import Office
from vantage_api.alerts.preview import MAX_FIRINGS, preview
from vantage_api.alerts.rules import LEARNED_WINDOWS_S, Rule, RuleAgg, RuleBody
from vantage_api.alerts.seasonal import HOUR_MS, Cell, season_of
from vantage_api.alerts.silences import SilenceBody, silenced_by
from vantage_api.alerts.states import Alert
from vantage_api.documents import Author, editor
from vantage_api.parts import Parts, workspace
from vantage_api.routes.params import End, OptionalService, Start
from vantage_api.times import parse_range

DAY_MS = 24 * HOUR_MS
_WINDOWS = ", ".join(map(str, LEARNED_WINDOWS_S))
Id = Annotated[str, Path(max_length=64)]
Tenant = Annotated[str, Depends(workspace)]
Editor = Annotated[Author, Depends(editor)]
Seen = Annotated[
    int | None, Query(ge=0, le=2**63 - 1, description="the version that was seen: 409 if it changed since")
]
Limit = Annotated[int, Query(ge=1, le=1000, description="how many at most")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="how many to pass over")]


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api/alerts", tags=["alerts"])
    office = Office(parts.store.documents, parts.clock)
    _rules(routes, parts, office)
    _alerts(routes, parts, office)
    _silences(routes, parts, office)
    _baselines(routes, parts)
    return routes


def _rules(routes: APIRouter, parts: Parts, office: Office) -> None:
    def shown(rule: Rule) -> RuleView:
        report = parts.alerts.last_report(rule.workspace)
        return rule_view(rule, None if report is None else report.errors.get(rule.id))

    @routes.get("/rules")
    async def list_alert_rules(tenant: Tenant, limit: Limit = 1000, offset: Offset = 0) -> Rules:
        """By id, the built-in ones among them, each with the error that keeps it from being evaluated."""
        rules = await office.rules(tenant)
        report = parts.alerts.last_report(tenant)
        errors = {} if report is None else report.errors
        return Rules(
            rules=[rule_view(rule, errors.get(rule.id)) for rule in rules[offset : offset + limit]],
            total=len(rules),
            evaluated=None if report is None else report.at_ms,
        )

    @routes.post("/rules", status_code=201)
    async def create_alert_rule(body: RuleBody, author: Editor) -> RuleView:
        """A service that has not been seen yet is no mistake: it may come."""
        return shown(await office.make_rule(author, body))

    @routes.post("/rules/preview")
    async def preview_alert_rule(asked: PreviewAsked, tenant: Tenant) -> PreviewView:
        """When the rule would have fired: it is tried on up to seven days that are stored, and not kept."""
        now_ms = parts.clock.now_ms()
        start, end = (str(text) if text != "" else None for text in (asked.start, asked.end))
        span = parse_range(start, end, now_ms, DAY_MS)
        rule = Rule("preview", tenant, asked.rule, 0, now_ms, "", False)
        found = await preview(parts.ask, rule, span.start_ms, span.end_ms)
        return PreviewView(
            start=span.start_ms,
            end=span.end_ms,
            services=found.services,
            left_out=found.left_out,
            total=len(found.firings),
            firings=[
                FiringView(
                    service_name=firing.service,
                    severity=firing.severity,
                    fired=firing.fired_ms,
                    ended=firing.ended_ms,
                    value=firing.value,
                    threshold=firing.threshold,
                    expected=firing.expected,
                )
                for firing in found.firings[:MAX_FIRINGS]
            ],
        )

    @routes.get("/rules/{id}")
    async def get_alert_rule(id: Id, tenant: Tenant) -> RuleView:
        rule = await office.rule(tenant, id)
        return shown(rule) if isinstance(rule, Rule) else rule_view(rule, None)

    @routes.patch("/rules/{id}")
    async def change_alert_rule(id: Id, change: RuleChange, author: Editor, version: Seen = None) -> RuleView:
        """What the body leaves out stays. A built-in rule becomes the workspace's own with its first change."""
        return shown(await office.change_rule(author, id, change, version))

    @routes.delete("/rules/{id}", status_code=204)
    async def delete_alert_rule(id: Id, author: Editor) -> Response:
        """Its alerts are resolved at the next turn. A built-in rule can only be disabled."""
        await office.drop_rule(author, id)
        return Response(status_code=204)


def _alerts(routes: APIRouter, parts: Parts, office: Office) -> None:
    async def shown(alerts: list[Alert], tenant: str) -> list[AlertView]:
        rules = {rule.id: rule for rule in await office.rules(tenant) if isinstance(rule, Rule)}
        silences, now_ms = await office.standing(tenant), parts.clock.now_ms()
        views = []
        for alert in alerts:
            rule = rules.get(alert.rule_id)
            labels = {} if rule is None else rule.body.labels
            views.append(alert_view(alert, rule, silenced_by(alert, labels, silences, now_ms)))
        return views

    async def active(
        tenant: Tenant,
        service: OptionalService = None,
        severity: Annotated[Severity | None, Query()] = None,
        state: Annotated[Literal["pending", "firing", "acknowledged"] | None, Query()] = None,
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> ActiveAlerts:
        """What is pending, fires or is acknowledged: what fires first, the worst and oldest of it before the rest."""
        every = await office.active(tenant)
        fitting = [
            alert
            for alert in every
            if service in (None, alert.service) and severity in (None, alert.severity) and state in (None, alert.state)
        ]
        report = parts.alerts.last_report(tenant)
        return ActiveAlerts(
            alerts=await shown(fitting[offset : offset + limit], tenant),
            total=len(fitting),
            firing=sum(alert.state == "firing" for alert in every),
            evaluated=None if report is None else report.at_ms,
        )

    routes.add_api_route("/active", active, methods=["GET"], name="list_active_alerts")
    routes.add_api_route("", active, methods=["GET"], name="list_alerts")
    routes.add_api_route("/", active, methods=["GET"], name="list_alerts_with_slash", include_in_schema=False)

    @routes.get("/history")
    async def alert_history(
        tenant: Tenant,
        start: Start = None,
        end: End = None,
        service: OptionalService = None,
        rule: Annotated[str | None, Query(max_length=64, description="only this rule, by its id")] = None,
        alert: Annotated[str | None, Query(max_length=64, description="only this alert, by its id")] = None,
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> History:
        """Every change of every alert, the newest first; a day unless a range is given."""
        now_ms = parts.clock.now_ms()
        span = parse_range(start, end, now_ms, DAY_MS)
        end_ms = span.end_ms if end is not None else now_ms + 1
        found, next_offset = await office.history(
            tenant, span.start_ms, end_ms, service=service, rule=rule, alert=alert, limit=limit, offset=offset
        )
        return History(events=[event_view(change, author) for change, author in found], next_offset=next_offset)

    @routes.post("/{id}/acknowledge")
    async def acknowledge_alert(id: Id, author: Editor, said: Annotated[Comment | None, Body()] = None) -> AlertView:
        """Says that somebody is on it; the alert goes on until its cause is gone. 409 unless it fires."""
        [view] = await shown([await office.acknowledge(author, id, _comment(said))], author.workspace)
        return view

    @routes.post("/{id}/resolve")
    async def resolve_alert(id: Id, author: Editor, said: Annotated[Comment | None, Body()] = None) -> AlertView:
        """Ends it by hand; it does not come back before its cause has been gone once."""
        [view] = await shown([await office.resolve(author, id, _comment(said))], author.workspace)
        return view

    @routes.post("/{id}/silence", status_code=201)
    async def silence_alert(id: Id, quiet: Quiet, author: Editor) -> SilenceView:
        """Silences the alert's rule for its service, from now on for some minutes."""
        return silence_view(await office.silence_alert(author, id, quiet), parts.clock.now_ms())


def _silences(routes: APIRouter, parts: Parts, office: Office) -> None:
    def view(document: Document) -> SilenceView:
        return silence_view(document, parts.clock.now_ms())

    @routes.get("/silences")
    async def list_silences(tenant: Tenant, limit: Limit = 1000, offset: Offset = 0) -> Silences:
        """By id, those that are over too."""
        found = await office.silences(tenant)
        return Silences(silences=[view(document) for document in found[offset : offset + limit]], total=len(found))

    @routes.post("/silences", status_code=201)
    async def create_silence(body: SilenceBody, author: Editor) -> SilenceView:
        """Nothing is told of alerts that every matcher fits, while it lasts."""
        return view(await office.silence(author, body))

    @routes.patch("/silences/{id}")
    async def change_silence(id: Id, change: SilenceChange, author: Editor, version: Seen = None) -> SilenceView:
        """What the body leaves out stays."""
        return view(await office.change_silence(author, id, change, version))

    @routes.delete("/silences/{id}", status_code=204)
    async def delete_silence(id: Id, author: Editor) -> Response:
        """What still fires is told at the next turn."""
        await office.drop_silence(author, id)
        return Response(status_code=204)


def _baselines(routes: APIRouter, parts: Parts) -> None:
    @routes.get("/baselines")
    async def alert_baseline(
        tenant: Tenant,
        service: Annotated[str, Query(min_length=1, max_length=200)],
        metric: Annotated[str, Query(min_length=1, max_length=200)] = REQUEST_METRIC,
        agg: Annotated[RuleAgg, Query()] = "p95",
        window_s: Annotated[int, Query(ge=60, le=600, multiple_of=60, description=f"one of {_WINDOWS}")] = 300,
        environment: Annotated[str | None, Query(max_length=200)] = None,
    ) -> BaselineView:
        """What an adaptive rule takes for normal, for the 168 hours of the week. All of it is `learning` where no rule
        asks for this figure, or the service has not been seen for long enough; 404 where it was never seen."""
        measure = Measure(metric, agg, window_s, environment)
        learned = await stored_baseline(parts.store.documents, tenant, service, measure)
        if learned is None:
            await fleet.member(parts, tenant, service, None)
        return _baseline(service, measure, learned)


def _baseline(service: str, measure: Measure, learned: Learned | None) -> BaselineView:
    season = season_of({}, least_sigma(measure.agg)) if learned is None else learned.season
    hours = [_cell(hour, cell) for hour, cell in enumerate(season.cells)]
    return BaselineView(
        service_name=service,
        metric=measure.metric,
        agg=measure.agg,
        window_s=measure.window_s,
        environment=measure.environment,
        until=None if learned is None else learned.until * HOUR_MS,
        state="ok" if all(cell.state == "ok" for cell in season.cells) else "learning",
        hours=hours,
    )


def _cell(hour: int, cell: Cell) -> CellView:
    is_known = cell.state == "ok"
    return CellView(
        hour=hour,
        n=cell.n,
        mean=cell.mean if cell.n else None,
        sigma=cell.sigma if is_known else None,
        state=cell.state,
    )


def _comment(said: Comment | None) -> str:
    return "" if said is None else said.comment
