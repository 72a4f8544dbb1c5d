"""Query parameters that several calls share."""

from typing import Annotated

from fastapi import Path, Query

TIME_DOC = "ms, seconds (below 10¹¹) or ISO 8601"

Start = Annotated[
    str | None, Query(max_length=64, description=f"begin of the range, {TIME_DOC}; default: an hour before end")
]
End = Annotated[str | None, Query(max_length=64, description=f"end of the range (exclusive), {TIME_DOC}; default: now")]
Environment = Annotated[str | None, Query(max_length=200, description="only this deployment environment")]
OptionalService = Annotated[str | None, Query(max_length=200, description="only this service")]
ServicePath = Annotated[str, Path(max_length=200, description="name of a service; it may hold slashes")]
"""For paths with ``{service:path}``: names such as team/checkout exist."""
