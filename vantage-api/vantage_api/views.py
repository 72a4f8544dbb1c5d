"""What a route answers when its answer is kept as a whole (see kept.py): the JSON of a model, made once for many."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import BaseModel
from starlette.responses import Response

from vantage_api.ask import Ask
from vantage_api.kept import KEPT_S, Question, View


@dataclass(frozen=True, slots=True)
class Made:
    """A view before it is sent; as `View`."""

    content: BaseModel
    whole: bool
    most_s: float = KEPT_S


async def body_of(ask: Ask, question: Question, make: Callable[[], Awaitable[Made]]) -> bytes:
    """What `make` makes, or has made lately. Raises what `make` raises."""

    async def encoded() -> View:
        made = await make()
        return View(_json(made.content), made.whole, made.most_s)

    return await ask.view(question, encoded)


async def view(ask: Ask, question: Question, make: Callable[[], Awaitable[Made]]) -> Response:
    return json_response(await body_of(ask, question, make))


def json_response(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def with_fields(content: BaseModel, body: bytes) -> bytes:
    """One object of two: the fields of `content`, then those of the object in `body`. Neither is empty."""
    return b"%s,%s" % (_json(content)[:-1], body[1:])


def _json(content: BaseModel) -> bytes:
    return content.model_dump_json(by_alias=True).encode()
