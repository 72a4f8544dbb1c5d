"""A dashboard as clients write and read it. It is kept as `Content`, in JSON."""

from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from vantage_api.models import ErrorInfo, VqlColumn

MAX_PANELS: Final = 50
MAX_VARIABLES: Final = 20
MAX_BYTES: Final = 64 * 1024
GRID_COLUMNS: Final = 12
MAX_INTEGER: Final = 2**53
"""As JSON's readers have it."""
FORMAT: Final = 1
"""Of an exported dashboard."""


def _encodable(text: str) -> str:
    """Half a surrogate pair is JSON and no text."""
    text.encode()
    return text


Chart: TypeAlias = Literal["line", "area", "bar", "table", "number", "heatmap"]
Option: TypeAlias = (
    StrictBool
    | Annotated[StrictInt, Field(ge=-MAX_INTEGER, le=MAX_INTEGER)]
    | Annotated[StrictFloat, Field(allow_inf_nan=False)]
    | Annotated[StrictStr, Field(max_length=500), AfterValidator(_encodable)]
    | None
)
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=100)]
VariableName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
VariableValue: TypeAlias = Annotated[str, Field(max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Position(_Strict):
    """In cells of a grid of 12 columns."""

    x: int = Field(ge=0, lt=GRID_COLUMNS)
    y: int = Field(ge=0, le=10_000)
    w: int = Field(ge=1, le=GRID_COLUMNS)
    h: int = Field(ge=1, le=100)

    @model_validator(mode="after")
    def _within_the_grid(self) -> Self:
        if self.x + self.w > GRID_COLUMNS:
            raise ValueError(f"x + w is {self.x + self.w}: the grid has {GRID_COLUMNS} columns")
        return self


class Variable(_Strict):
    """``$name`` in a query stands for its value, as a text. `choices` are those to offer."""

    name: VariableName
    default: VariableValue = ""
    choices: list[VariableValue] = Field([], max_length=100)

    @model_validator(mode="after")
    def _not_taken(self) -> Self:
        if self.name == "interval":
            raise ValueError("$interval is Vantage's own: the step that fits the range")
        return self


class Panel(_Strict):
    """A query and how it is drawn. `options` are the chart's own, such as unit or colour."""

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")
    title: str = Field(max_length=200)
    query: str = Field(min_length=1, max_length=10_000)
    chart: Chart
    position: Position
    options: dict[Annotated[str, Field(max_length=60)], Option] = Field({}, max_length=30)


class Content(_Strict):
    name: Name
    description: str = Field("", max_length=2000)
    variables: list[Variable] = Field([], max_length=MAX_VARIABLES)
    panels: list[Panel] = Field([], max_length=MAX_PANELS)

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        for what, names in (("panel", [p.id for p in self.panels]), ("variable", [v.name for v in self.variables])):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise ValueError(f"there are two {what}s {twice}")
        return self


class ContentChange(_Strict):
    """What is left out stays; `panels` and `variables` are replaced as a whole. `version` is the one that was seen."""

    name: Name | None = None
    description: str | None = Field(None, max_length=2000)
    variables: list[Variable] | None = Field(None, max_length=MAX_VARIABLES)
    panels: list[Panel] | None = Field(None, max_length=MAX_PANELS)
    version: Annotated[int, Field(ge=0)] | None = None


class Dashboard(Content):
    """`read_only` ones belong to Vantage; duplicate them to change them."""

    id: str
    version: int
    changed_at: int
    author: str
    read_only: bool = False


class DashboardSummary(BaseModel):
    id: str
    name: str
    description: str
    panels: int
    version: int
    changed_at: int
    author: str
    read_only: bool


class Dashboards(BaseModel):
    dashboards: list[DashboardSummary]
    total: int


class Export(Content):
    """A dashboard as a file."""

    vantage_dashboard: Literal[1] = FORMAT


class DataAsked(_Strict):
    """The values of variables; those that are left out have their default."""

    variables: dict[VariableName, VariableValue] = Field({}, max_length=MAX_VARIABLES)


class PanelData(BaseModel):
    """Rows or an error. `truncated` when the panel has more rows than are sent."""

    id: str
    columns: list[VqlColumn] = []
    rows: list[list[Any]] = []
    row_count: int = 0
    truncated: bool = False
    elapsed_ms: float = 0.0
    source: str = ""
    error: ErrorInfo | None = None


class DashboardData(BaseModel):
    start: int
    end: int
    panels: list[PanelData]
