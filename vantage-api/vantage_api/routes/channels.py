"""/api/alerts/channels: where alerts are sent to. Their secrets go in and never come out again."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from vantage_common.errors import UserError

from vantage_api.alerts.channels.apprise_sender import AppriseSender
from vantage_api.alerts.channels.channel import (
    Channel,
    ChannelChange,
    ChannelDraft,
    Channels,
    ChannelSecret,
    ChannelView,
    TestResult,
    changed,
    drafted,
    read,
    view,
    view_with_secret,
)
from vantage_api.documents import Author, editor
from vantage_api.parts import Parts, workspace

Id = Annotated[str, Path(max_length=64)]
Tenant = Annotated[str, Depends(workspace)]
Editor = Annotated[Author, Depends(editor)]


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api/alerts/channels", tags=["alerts"])
    shelf = parts.channels.shelf

    @routes.get("")
    async def list_channels(tenant: Tenant) -> Channels:
        """Every channel, by id."""
        found = [view(document) for document in await shelf.all(tenant)]
        return Channels(channels=found, total=len(found))

    @routes.post("", status_code=201)
    async def create_channel(draft: ChannelDraft, author: Editor) -> ChannelSecret:
        """The answer has the secret of a webhook, this once."""
        channel = drafted(draft)
        await _check(parts.channels.apprise, channel)
        return view_with_secret(await shelf.make(author, channel.as_body()))

    @routes.get("/{id}")
    async def get_channel(id: Id, tenant: Tenant) -> ChannelView:
        return view(await shelf.one(tenant, id))

    @routes.patch("/{id}")
    async def change_channel(id: Id, change: ChannelChange, author: Editor) -> ChannelView:
        """What is left out stays as it was, the secret too."""
        before = await shelf.one(author.workspace, id)
        channel = changed(read(before.body), change)
        if change.url is not None:
            await _check(parts.channels.apprise, channel)
        seen = before.version if change.version is None else change.version
        return view(await shelf.change(author, id, channel.as_body(), seen_version=seen))

    @routes.delete("/{id}", status_code=204)
    async def delete_channel(id: Id, author: Editor) -> None:
        await shelf.drop(author, id)

    @routes.post("/{id}/rotate")
    async def rotate_channel_secret(id: Id, author: Editor) -> ChannelSecret:
        """Gives a webhook a new secret, which the answer has this once. For a day the old one signs too."""
        before = await shelf.one(author.workspace, id)
        channel = read(before.body)
        if channel.kind != "webhook":
            raise UserError("bad_channel", "only a webhook has a secret", status=422, hint="change the address instead")
        rotated = channel.rotated(parts.clock.now_ms())
        return view_with_secret(await shelf.change(author, id, rotated.as_body(), seen_version=before.version))

    @routes.post("/{id}/test")
    async def test_channel(id: Id, author: Editor) -> TestResult:
        """Sends a message that says it is a test, by one attempt, and tells what became of it."""
        channel = read((await shelf.one(author.workspace, id)).body)
        started = parts.clock.monotonic()
        outcome = await parts.channels.deliveries.test(author.workspace, id, channel)
        took_ms = round((parts.clock.monotonic() - started) * 1000, 1)
        return TestResult(outcome=outcome.kind, reason=outcome.reason or None, took_ms=took_ms)

    return routes


async def _check(apprise: AppriseSender, channel: Channel) -> None:
    """Apprise alone knows what an address of its services looks like."""
    if channel.kind == "apprise":
        await apprise.check(channel.url)
