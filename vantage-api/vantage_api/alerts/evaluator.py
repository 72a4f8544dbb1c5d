"""One turn of the evaluator: read the rules, measure, judge, step every alert, write down, tell.

A turn begins with what is stored, so an evaluator can take over from another at any time. What it is about to tell is
part of what it writes; how far it has told is for its owner to keep (ownership.py), who lets `turn` write only while it
is the one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import Final, Protocol, TypeGuard

from vantage_common.clock import Clock
from vantage_common.errors import VantageError
from vantage_common.store.api import Document, Documents
from vantage_common.telemetry import get_logger

from vantage_api.alerts.assess import GONE_MS, Measured, about, verdicts
from vantage_api.alerts.baselines import MAX_SERIES, Baselines
from vantage_api.alerts.book import EVALUATOR, Book, is_put_away, next_version
from vantage_api.alerts.builtin import with_built_in
from vantage_api.alerts.measures import Measure, Question, last_seen, measure_of, now_questions, readings
from vantage_api.alerts.messages import ToTell, messages
from vantage_api.alerts.notification import Notifier
from vantage_api.alerts.rules import Adaptive, Fixed, HealthBelow, NoData, Rule, Unreadable
from vantage_api.alerts.silences import Silence, silenced_by, silences_of
from vantage_api.alerts.states import AGAIN_MS, Alert, end, step, tell, telling
from vantage_api.ask import Ask

SETTLED_MS: Final = 10_000
"""Windows end so long ago: the last seconds are still on their way to the store."""
QUESTION_WITHIN_S: Final = 10.0
AT_ONCE: Final = 2
"""Questions that the store is asked at a time; people have their own."""
OVERLAP_MS: Final = 5 * 60_000
"""Who sent something is asked again for so long back: rows come late."""
_BREATH: Final = 500
"""Verdicts between two looks at what else the process has to do."""
_log = get_logger(__name__)

Key = tuple[str, str, str]
Asking = Callable[[], Awaitable[None]]
Fence = Callable[[], Awaitable[None]]
"""Raises when another evaluator has taken over."""


class HealthNow(Protocol):
    """The health of a workspace's services right now; a service may be in several environments: the worst counts."""

    async def __call__(self, workspace: str) -> Mapping[str, int | None]: ...


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn did. `told` is the newest version that the channels have heard of."""

    at_ms: int
    firing: dict[str, int]
    errors: dict[str, dict[str, str]]
    changes: list[Alert]
    told: int
    verdicts: int


@dataclass(slots=True)
class _Draft:
    """A turn in the making."""

    now_ms: int
    before: dict[Key, Alert]
    rules: dict[tuple[str, str], Rule]
    after: dict[tuple[str, str], dict[str, Alert]] = field(default_factory=dict)
    """By workspace and rule, then by service."""
    changed: dict[Key, Alert] = field(default_factory=dict)
    errors: dict[str, dict[str, str]] = field(default_factory=dict)
    verdicts: int = 0

    def __post_init__(self) -> None:
        for (workspace, rule_id, service), alert in self.before.items():
            self.after.setdefault((workspace, rule_id), {})[service] = alert

    def put(self, key: Key, alert: Alert) -> None:
        """Waits are remembered; anything else that differs is a change to be written down."""
        before = self.before.get(key)
        self.after.setdefault(key[:2], {})[key[2]] = alert
        if before is None or _differs(before, alert):
            self.changed[key] = alert

    def alerts(self) -> Iterable[Alert]:
        return (alert for alerts in self.after.values() for alert in alerts.values())


class Evaluator:
    """`workspaces` names the tenants that have the built-in rules, beside those that have rules of their own."""

    def __init__(
        self,
        ask: Ask,
        documents: Documents,
        clock: Clock,
        notifier: Notifier,
        health: HealthNow,
        workspaces: Callable[[], Iterable[str]],
    ) -> None:
        self._ask = ask
        self._documents = documents
        self._clock = clock
        self._notifier = notifier
        self._health = health
        self._workspaces = workspaces
        self._book = Book(documents)
        self.baselines = Baselines(ask, documents, clock)
        self._asking = asyncio.Semaphore(AT_ONCE)
        self._waits: dict[str, tuple[int, int | None, int | None]] = {}
        self._lately: dict[Key, Alert] = {}
        self._seen: dict[tuple[str, str, str | None], dict[str, int]] = {}

    async def take_over(self, told: int) -> int:
        """After another evaluator: remembers what is over since minutes, and tells what was written down but perhaps
        not told. Returns the newest version told. Raises StoreUnavailable."""
        now_ms = self._clock.now_ms()
        self._waits, self._lately, self._seen = {}, {}, {}
        untold: list[ToTell] = []
        for workspace, rules in (await self._rules()).items():
            known = {rule.id: rule for rule in rules if isinstance(rule, Rule)}
            since_ms = now_ms - AGAIN_MS if told == 0 else min(now_ms - AGAIN_MS, told // 1000)
            for alert, author in await self._book.since(workspace, since_ms, now_ms + 60_000):
                self._remember(alert, now_ms)
                if 0 < told < alert.version and author == EVALUATOR and alert.telling is not None:
                    untold.append(ToTell(alert, alert.telling, known.get(alert.rule_id)))
        return max(told, await self._tell(untold, now_ms))

    async def turn(self, told: int, fence: Fence) -> Turn:
        """Raises StoreUnavailable when the alerts themselves cannot be read or written, and what `fence` raises."""
        now_ms = self._clock.now_ms()
        rules = await self._rules()
        measured = {workspace: await self._measure(workspace, its, now_ms) for workspace, its in rules.items()}
        draft = _Draft(now_ms, await self._present(now_ms), _by_id(rules))
        for workspace, its in rules.items():
            draft.errors[workspace] = {rule.id: rule.reason for rule in its if isinstance(rule, Unreadable)}
            await self._judge(draft, [rule for rule in its if _is_on(rule)], measured[workspace])
        _end_orphans(draft)
        to_tell = _to_tell(draft, silences_of(await self._documents.newest("silences", None)))
        changed = _stamped(draft)
        if changed:
            await fence()
            await self._book.put(changed, EVALUATOR, now_ms)
        self._keep(draft)
        told_now = await self._tell([replace(item, alert=draft.changed[item.alert.key]) for item in to_tell], now_ms)
        return Turn(now_ms, _counts(rules, draft), draft.errors, changed, max(told, told_now), draft.verdicts)

    async def learn(self) -> None:
        """Brings the baselines of every adaptive rule up to date. Raises StoreUnavailable, QueryTimeout."""
        for workspace, rules in (await self._rules()).items():
            measures = {measure_of(r.body) for r in rules if _is_on(r) and isinstance(r.body.condition, Adaptive)}
            await self.baselines.refresh(workspace, sorted(measures, key=repr))

    async def _rules(self) -> dict[str, list[Rule | Unreadable]]:
        stored: dict[str, list[Document]] = {workspace: [] for workspace in self._workspaces()}
        for document in await self._documents.newest("alert_rules", None):
            stored.setdefault(document.workspace, []).append(document)
        return {workspace: with_built_in(workspace, documents) for workspace, documents in stored.items()}

    # Measuring

    async def _measure(self, workspace: str, rules: Iterable[Rule | Unreadable], now_ms: int) -> Measured:
        """Everything the rules ask for, each question bounded in time; one that fails is noted and stops no other."""
        measured = Measured(now_ms - SETTLED_MS)
        wanted: dict[Measure, frozenset[str]] = {}
        silences: set[tuple[str, str | None]] = set()
        needs_health = False
        for rule in rules:
            if not _is_on(rule):
                continue
            match rule.body.condition:
                case NoData():
                    silences.add((rule.body.metric, rule.body.environment))
                case HealthBelow():
                    needs_health = True
                case Fixed() | Adaptive():
                    measure = measure_of(rule.body)
                    wanted[measure] = wanted.get(measure, frozenset()) | {rule.body.service}
                    measured.seasons[measure] = self.baselines.seasons(workspace, measure)
        asked = [self._answer(question, measured) for question in now_questions(workspace, wanted, measured.end_ms)]
        asked += [self._see(workspace, *what, measured, now_ms) for what in silences]
        asked += [self._feel(workspace, measured)] if needs_health else []
        await asyncio.gather(*asked)
        return measured

    async def _answer(self, question: Question, measured: Measured) -> None:
        async def ask() -> None:
            measured.readings |= readings(question, [await self._ask(plan) for plan in question.plans])

        await self._bounded(ask, question.measures, measured)

    async def _see(self, workspace: str, metric: str, environment: str | None, measured: Measured, now_ms: int) -> None:
        """The first time a day is looked at, after that minutes: the rest is remembered."""
        known = self._seen.get((workspace, metric, environment))

        async def ask() -> None:
            start_ms = now_ms - (GONE_MS if known is None else OVERLAP_MS)
            found = {} if known is None else {name: ms for name, ms in known.items() if now_ms - ms < 2 * GONE_MS}
            for plan in last_seen(workspace, metric, environment, start_ms, now_ms + OVERLAP_MS):
                for service, last_ms in (await self._ask(plan)).rows:
                    found[service] = max(found.get(service, 0), int(last_ms))
            self._seen[workspace, metric, environment] = found
            measured.seen[metric, environment] = found

        await self._bounded(ask, ((metric, environment),), measured)

    async def _feel(self, workspace: str, measured: Measured) -> None:
        async def ask() -> None:
            measured.health = await self._health(workspace)

        await self._bounded(ask, ("health",), measured)

    async def _bounded(
        self, ask: Callable[[], Awaitable[None]], subjects: Iterable[object], measured: Measured
    ) -> None:
        async with self._asking:
            try:
                async with asyncio.timeout(QUESTION_WITHIN_S):
                    await ask()
                return
            except TimeoutError:
                reason = f"the store has not answered within {QUESTION_WITHIN_S:g} s"
            except VantageError as error:
                reason = str(error)
        measured.errors.update(dict.fromkeys(subjects, reason))

    # Judging

    async def _present(self, now_ms: int) -> dict[Key, Alert]:
        """The alerts there are: the stored ones with what is remembered of them, and those that ended just now."""
        present = {key: alert for key, alert in self._lately.items() if now_ms - (alert.ended_ms or 0) < AGAIN_MS}
        for alert in await self._book.alive():
            version, calm_ms, untold_ms = self._waits.get(alert.id, (0, None, None))
            same = version == alert.version
            present[alert.key] = replace(alert, calm_ms=calm_ms, untold_ms=untold_ms) if same else alert
        return present

    async def _judge(self, draft: _Draft, rules: Iterable[Rule], measured: Measured) -> None:
        for rule in rules:
            error = measured.errors.get(about(rule)) or self._gap(rule)
            if error is not None:
                draft.errors[rule.workspace][rule.id] = error
            if about(rule) not in measured.errors:
                await self._judge_one(draft, rule, measured)

    async def _judge_one(self, draft: _Draft, rule: Rule, measured: Measured) -> None:
        """Whatever goes wrong with one rule is that rule's error: the others have services to watch."""
        alerts = draft.after.get((rule.workspace, rule.id), {})
        try:
            judged = list(verdicts(rule, measured, alerts, draft.now_ms))
        except Exception as error:  # a bug of ours or a value nobody thought of
            _log.error("a rule was not judged", rule=rule.id, exc_info=error)
            draft.errors[rule.workspace][rule.id] = f"it could not be judged: {error!r}"[:500]
            return
        for service, verdict in judged:
            before = alerts.get(service)
            if before is not None or verdict.level is not None:
                after = step(before, verdict, rule, service, draft.now_ms, token_hex(8))
                if after is not None and after is not before:
                    draft.put((rule.workspace, rule.id, service), after)
            draft.verdicts += 1
            if draft.verdicts % _BREATH == 0:
                await asyncio.sleep(0)

    def _gap(self, rule: Rule) -> str | None:
        if isinstance(rule.body.condition, Adaptive) and rule.workspace in self.baselines.full:
            return f"some services have no baseline: a workspace has at most {MAX_SERIES}"
        return None

    # Afterwards

    def _keep(self, draft: _Draft) -> None:
        """What is not written down: how long alerts have been calm, and what ended just now."""
        self._waits = {a.id: (a.version, a.calm_ms, a.untold_ms) for a in draft.alerts() if a.is_up}
        self._lately = {}
        for alert in draft.alerts():
            self._remember(alert, draft.now_ms)

    def _remember(self, alert: Alert, now_ms: int) -> None:
        """Among what ended just now, until it comes back."""
        if is_put_away(alert) and now_ms - (alert.ended_ms or 0) < AGAIN_MS:
            self._lately[alert.key] = alert
        else:
            self._lately.pop(alert.key, None)

    async def _tell(self, items: list[ToTell], now_ms: int) -> int:
        """Returns the newest version told, 0 when there was nothing to tell."""
        newest = 0
        for message in messages(items, now_ms):
            if message.channels:
                await self._notifier.notify(message.notification, message.channels)
            newest = max(newest, message.version)
        return newest


def _is_on(rule: Rule | Unreadable) -> TypeGuard[Rule]:
    return isinstance(rule, Rule) and rule.body.enabled


def _by_id(rules: Mapping[str, list[Rule | Unreadable]]) -> dict[tuple[str, str], Rule]:
    return {(rule.workspace, rule.id): rule for its in rules.values() for rule in its if isinstance(rule, Rule)}


def _differs(before: Alert, after: Alert) -> bool:
    return replace(before, calm_ms=None, untold_ms=None) != replace(after, calm_ms=None, untold_ms=None)


def _end_orphans(draft: _Draft) -> None:
    """Alerts whose rule is gone, disabled or about something else. A rule that cannot be read keeps its own."""
    for alert in list(draft.alerts()):
        rule = draft.rules.get((alert.workspace, alert.rule_id))
        is_unreadable = rule is None and alert.rule_id in draft.errors.get(alert.workspace, {})
        is_watched = rule is not None and rule.body.enabled and rule.covers(alert.service)
        if not (is_unreadable or is_watched or is_put_away(alert)):
            draft.put(alert.key, end(alert, draft.now_ms))


def _to_tell(draft: _Draft, silences: Mapping[str, list[Silence]]) -> list[ToTell]:
    """What the channels have to hear; it is noted in the alerts themselves."""
    found = []
    for alert in list(draft.alerts()):
        rule = draft.rules.get((alert.workspace, alert.rule_id))
        labels = {} if rule is None else rule.body.labels
        its = silences.get(alert.workspace, [])
        is_silenced = silenced_by(alert, labels, its, draft.now_ms) is not None if its else False
        state = telling(alert, draft.now_ms, silenced=is_silenced)
        if state is not None:
            item = ToTell(alert, state, rule)
            told = tell(draft.before.get(alert.key), alert, state, item.channels, draft.now_ms)
            draft.put(alert.key, told)
            found.append(replace(item, alert=told))
    return found


def _stamped(draft: _Draft) -> list[Alert]:
    """The changes with their versions, each later than the one before it."""
    for number, (key, alert) in enumerate(list(draft.changed.items())):
        version = max(next_version(alert, draft.now_ms), draft.now_ms * 1000 + number)
        draft.put(key, replace(alert, version=version))
    return list(draft.changed.values())


def _counts(rules: Mapping[str, object], draft: _Draft) -> dict[str, int]:
    """How many fire in each workspace; those that somebody has acknowledged are being looked after."""
    counts = dict.fromkeys(rules, 0)
    for alert in draft.alerts():
        if alert.state == "firing":
            counts[alert.workspace] = counts.get(alert.workspace, 0) + 1
    return counts
