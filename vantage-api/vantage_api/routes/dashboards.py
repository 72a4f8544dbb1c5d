"""/api/dashboards: dashboards that people make, and what their panels show."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Response
from vantage_common.errors import UserError
from vantage_common.store.api import Document

from vantage_api.dashboards import builtin
from vantage_api.dashboards.data import panel_data
from vantage_api.dashboards.models import (
    MAX_BYTES,
    Content,
    ContentChange,
    Dashboard,
    DashboardData,
    Dashboards,
    DashboardSummary,
    DataAsked,
    Export,
)
from vantage_api.dashboards.queries import check, chosen
from vantage_api.documents import Author, Shelf, editor
from vantage_api.parts import Parts, workspace
from vantage_api.routes.params import End, Start
from vantage_api.times import parse_range

Id = Annotated[str, Path(max_length=64)]
Tenant = Annotated[str, Depends(workspace)]
Editor = Annotated[Author, Depends(editor)]
IfMatch = Annotated[str | None, Header(max_length=60, description="the version that was seen, in quotes or without")]


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api/dashboards", tags=["dashboards"])
    shelf = Shelf(parts.store.documents, "dashboards", "dashboard", parts.clock)

    async def one(tenant: str, id_: str) -> Dashboard:
        return builtin.example() if id_ == builtin.ID else read(await shelf.one(tenant, id_))

    def checked(content: Content, tenant: str) -> dict[str, Any]:
        """As it is kept. Raises UserError 422."""
        check(content, tenant, parse_range(None, None, parts.clock.now_ms()))
        body = content.model_dump(mode="json")
        if (size := len(msgspec.json.encode(body))) > MAX_BYTES:
            raise UserError("too_large", f"the dashboard has {size} bytes, at most {MAX_BYTES} are kept", status=422)
        return body

    async def make(author: Author, content: Content) -> Dashboard:
        return read(await shelf.make(author, checked(content, author.workspace)))

    @routes.get("")
    async def list_dashboards(tenant: Tenant) -> Dashboards:
        """Vantage's example, then yours by id."""
        found = [builtin.example(), *(read(document) for document in await shelf.all(tenant))]
        return Dashboards(dashboards=[summary(dashboard) for dashboard in found], total=len(found))

    @routes.post("", status_code=201)
    async def create_dashboard(content: Content, author: Editor) -> Dashboard:
        """Every panel's query is compiled first: an error 422 says which one and where."""
        return await make(author, content)

    @routes.post("/import", status_code=201)
    async def import_dashboard(exported: Export, author: Editor) -> Dashboard:
        """Makes a new dashboard of what `export` answered, here or elsewhere."""
        return await make(author, content_of(exported))

    @routes.get("/{id}")
    async def get_dashboard(id: Id, tenant: Tenant, response: Response) -> Dashboard:
        """`ETag` is its version, for If-Match."""
        found = await one(tenant, id)
        response.headers["etag"] = f'"{found.version}"'
        return found

    @routes.patch("/{id}")
    async def change_dashboard(id: Id, change: ContentChange, author: Editor, if_match: IfMatch = None) -> Dashboard:
        """409 when it is no longer the version that was seen, by `If-Match` or `version`."""
        must_be_ours(id)
        before = await shelf.one(author.workspace, id)
        given = change.model_dump(exclude={"version"}, exclude_none=True)
        content = content_of(read(before)).model_dump() | given
        body = checked(Content.model_validate(content), author.workspace)
        seen = seen_version(if_match, change.version)
        return read(await shelf.change(author, id, body, seen_version=before.version if seen is None else seen))

    @routes.delete("/{id}", status_code=204)
    async def delete_dashboard(id: Id, author: Editor) -> None:
        must_be_ours(id)
        await shelf.drop(author, id)

    @routes.post("/{id}/duplicate", status_code=201)
    async def duplicate_dashboard(id: Id, author: Editor) -> Dashboard:
        content = content_of(await one(author.workspace, id))
        return await make(author, content.model_copy(update={"name": f"{content.name[:92]} (copy)"}))

    @routes.get("/{id}/export")
    async def export_dashboard(id: Id, tenant: Tenant, response: Response) -> Export:
        """The dashboard as a file, without what belongs to this installation."""
        found = await one(tenant, id)
        response.headers["content-disposition"] = f'attachment; filename="dashboard-{found.id}.json"'
        return Export(**content_of(found).model_dump())

    @routes.post("/{id}/data")
    async def dashboard_data(
        id: Id, tenant: Tenant, asked: DataAsked | None = None, start: Start = None, end: End = None
    ) -> DashboardData:
        """Runs every panel over the range. One that fails has an `error`, and the others their rows."""
        found = await one(tenant, id)
        values = chosen(found.variables, {} if asked is None else asked.variables)
        window = parse_range(start, end, parts.clock.now_ms())
        panels = await panel_data(parts.ask, found, values, tenant, window)
        return DashboardData(start=window.start_ms, end=window.end_ms, panels=panels)

    return routes


def read(document: Document) -> Dashboard:
    return Dashboard(
        **document.body,
        id=document.id,
        version=document.version,
        changed_at=document.at_ms,
        author=document.author,
    )


def content_of(dashboard: Content) -> Content:
    """What a client may change of it."""
    return Content(**{name: getattr(dashboard, name) for name in Content.model_fields})


def summary(dashboard: Dashboard) -> DashboardSummary:
    return DashboardSummary(**dashboard.model_dump(exclude={"panels", "variables"}), panels=len(dashboard.panels))


def must_be_ours(id_: str) -> None:
    if id_ == builtin.ID:
        raise UserError(
            "read_only", "the example belongs to Vantage", status=403, hint="duplicate it, and change the copy"
        )


def seen_version(if_match: str | None, version: int | None) -> int | None:
    """The version that a client saw. Raises UserError for an If-Match that is none."""
    if if_match is None or if_match.strip() == "*":
        return version
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdecimal()):
        raise UserError("bad_version", "If-Match takes the version of the dashboard", hint="ETag has it")
    return int(text)
