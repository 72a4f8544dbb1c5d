"""What people do with rules, alerts and silences, over the documents; the routes only translate.

Every call is one workspace's, changes are an editor's, and each leaves a line in the audit trail.
"""

from collections.abc import Mapping
from dataclasses import replace
from glob import escape
from typing import Any, Final, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from vantage_common.clock import Clock
from vantage_common.errors import UserError
from vantage_common.store.api import Document, Documents

from vantage_api.alerts.book import Book, alert_of, next_version
from vantage_api.alerts.builtin import BUILT_IN, with_built_in
from vantage_api.alerts.models import Quiet, RuleChange, SilenceChange
from vantage_api.alerts.rules import Rule, RuleBody, Unreadable, read_rule
from vantage_api.alerts.silences import Matcher, Silence, SilenceBody, silences_of
from vantage_api.alerts.states import Alert, acknowledge, resolve
from vantage_api.documents import Author, Shelf, Trail

HISTORY_SCANNED: Final = 20_000
"""Changes that one page of a filtered history looks at, at most."""
_PAGE: Final = 1000
Body = TypeVar("Body", bound=BaseModel)


class Office:
    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._book = Book(documents)
        self._rules = Shelf(documents, "alert_rules", "alert rule", clock)
        self._silences = Shelf(documents, "silences", "silence", clock)
        self._trail = Trail(documents, clock)

    # Rules

    async def rules(self, workspace: str) -> list[Rule | Unreadable]:
        """By id, the built-in ones among them."""
        return with_built_in(workspace, await self._rules.all(workspace))

    async def rule(self, workspace: str, id_: str) -> Rule | Unreadable:
        """Raises UserError 404."""
        if id_ in BUILT_IN:
            stored = await self._documents.newest("alert_rules", workspace, id_)
        else:
            stored = [await self._rules.one(workspace, id_)]
        return next(rule for rule in with_built_in(workspace, stored) if rule.id == id_)

    async def make_rule(self, author: Author, body: RuleBody) -> Rule:
        return _rule(await self._rules.make(author, body.model_dump(mode="json")))

    async def change_rule(self, author: Author, id_: str, change: RuleChange, seen_version: int | None) -> Rule:
        """Raises UserError 404, 409, and RequestValidationError for what does not fit together."""
        before = await self.rule(author.workspace, id_)
        known = {} if isinstance(before, Unreadable) else before.body.model_dump(mode="json")
        body = _merged(RuleBody, known, change).model_dump(mode="json")
        if isinstance(before, Rule) and before.built_in and before.version == 0:
            if seen_version:
                raise UserError("changed_meanwhile", f"the rule {id_!r} is as it was built in", status=409)
            return _rule(await self._rules.make(author, body, id_=id_))
        return _rule(await self._rules.change(author, id_, body, seen_version=seen_version))

    async def drop_rule(self, author: Author, id_: str) -> None:
        """Raises UserError 404, and 409 for a built-in one."""
        if id_ in BUILT_IN:
            raise UserError(
                "built_in",
                f"{id_!r} is built in and cannot be deleted",
                status=409,
                hint='disable it: {"enabled": false}',
            )
        await self._rules.drop(author, id_)

    # Alerts

    async def active(self, workspace: str) -> list[Alert]:
        """What is pending, fires or is acknowledged; the worst first, then the oldest."""
        alive = [alert for alert in await self._book.alive(workspace) if alert.state != "resolved"]
        order = {"firing": 0, "acknowledged": 1, "pending": 2}
        return sorted(alive, key=lambda a: (order[a.state], a.severity != "critical", a.started_ms, a.service, a.id))

    async def acknowledge(self, author: Author, id_: str, comment: str) -> Alert:
        """Raises UserError 404, 409."""
        alert = await self._alert(author.workspace, id_)
        return await self._keep(author, alert, acknowledge(alert, author.name, comment, self._clock.now_ms()))

    async def resolve(self, author: Author, id_: str, comment: str) -> Alert:
        """Raises UserError 404, 409."""
        alert = await self._alert(author.workspace, id_)
        return await self._keep(author, alert, resolve(alert, author.name, comment, self._clock.now_ms()))

    async def history(
        self,
        workspace: str,
        start_ms: int,
        end_ms: int,
        *,
        service: str | None,
        rule: str | None,
        alert: str | None,
        limit: int,
        offset: int,
    ) -> tuple[list[tuple[Alert, str]], int | None]:
        """A page of changes with their authors, the newest first, and the offset of the next. Offsets count the
        changes before the filter, so that a page costs the same wherever it is."""
        found: list[tuple[Alert, str]] = []
        for at in range(offset, offset + HISTORY_SCANNED, _PAGE):
            page = await self._documents.history(
                "alert_events", workspace, start_ms=start_ms, end_ms=end_ms, id_=alert, limit=_PAGE, offset=at
            )
            for number, document in enumerate(page):
                if len(found) == limit:
                    return found, at + number
                change = alert_of(document)
                if service in (None, change.service) and rule in (None, change.rule_id):
                    found.append((change, document.author))
            if len(page) < _PAGE:
                return found, None
        return found, offset + HISTORY_SCANNED

    async def _alert(self, workspace: str, id_: str) -> Alert:
        alive = await self._book.alive(workspace, id_)
        if not alive:
            raise UserError(
                "not_found",
                f"there is no active alert {id_!r}",
                status=404,
                hint="GET /api/alerts/active lists them; /api/alerts/history knows those that are over",
            )
        return alive[0]

    async def _keep(self, author: Author, before: Alert, after: Alert) -> Alert:
        if after is before:
            return before
        now_ms = self._clock.now_ms()
        kept = replace(after, version=next_version(before, now_ms))
        await self._book.put([kept], author.name, now_ms)
        told = {"rule": kept.rule_id, "service": kept.service, "comment": kept.comment}
        await self._trail.record(author, kept.happening, "alert", kept.id, told)
        return kept

    # Silences

    async def silences(self, workspace: str) -> list[Document]:
        """By id."""
        return await self._silences.all(workspace)

    async def standing(self, workspace: str) -> list[Silence]:
        """What they say."""
        return silences_of(await self.silences(workspace)).get(workspace, [])

    async def silence(self, author: Author, body: SilenceBody) -> Document:
        return await self._silences.make(author, body.model_dump(mode="json"))

    async def silence_alert(self, author: Author, id_: str, quiet: Quiet) -> Document:
        """Silences this rule for this service, for some minutes. Raises UserError 404."""
        alert = await self._alert(author.workspace, id_)
        now_ms = self._clock.now_ms()
        matchers = [
            Matcher(field="rule", value=escape(alert.rule_id)),
            Matcher(field="service", value=escape(alert.service)),
        ]
        body = SilenceBody(
            matchers=matchers, start_ms=now_ms, end_ms=now_ms + quiet.minutes * 60_000, comment=quiet.comment
        )
        return await self.silence(author, body)

    async def change_silence(
        self, author: Author, id_: str, change: SilenceChange, seen_version: int | None
    ) -> Document:
        """Raises UserError 404, 409, and RequestValidationError for what does not fit together."""
        before = await self._silences.one(author.workspace, id_)
        body = _merged(SilenceBody, before.body, change).model_dump(mode="json")
        return await self._silences.change(author, id_, body, seen_version=seen_version)

    async def drop_silence(self, author: Author, id_: str) -> None:
        """Raises UserError 404."""
        await self._silences.drop(author, id_)


def _rule(document: Document) -> Rule:
    rule = read_rule(document, document.id in BUILT_IN)
    assert isinstance(rule, Rule), "it was checked before it was kept"
    return rule


def _merged(model: type[Body], before: Mapping[str, Any], change: BaseModel) -> Body:
    """The body with the changes in it, checked as a whole; faults are located as in a body of their own."""
    try:
        return model.model_validate({**before, **change.model_dump(mode="json", exclude_unset=True)})
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_url=False)]
        raise RequestValidationError(faults) from None
