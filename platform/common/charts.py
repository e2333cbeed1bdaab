"""What a chart shows, free of any drawing library: a script draws it, the page tables it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Number = float | int | None
Kind = Literal["bar", "line", "scatter", "heat"]
Scale = Literal["category", "value", "time", "log"]


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis with its name and unit, as people read them."""

    name: str = ""
    unit: str = ""
    scale: Scale = "value"
    low: float | None = None
    high: float | None = None

    @property
    def title(self) -> str:
        """Return the name with the unit behind it."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True, slots=True)
class Series:
    """Values in the order of the chart's labels; None where nothing was measured.

    `low` and `high` are interval bounds, `urls` the pages behind the points, `option` a number of
    the option palette (1 to 12), without which the series takes its turn in the palette. A series
    of a scatter chart may have points of its own: `at` is where each lies on the x axis, `names`
    what each is. `shades` are the classes of cells of a heat chart (heat-3, diverge-n2) where they
    do not follow from the values.
    """

    name: str
    values: Sequence[Number]
    low: Sequence[Number] = ()
    high: Sequence[Number] = ()
    urls: Sequence[str] = ()
    option: int | None = None
    at: Sequence[Number] = ()
    names: Sequence[str] = ()
    shades: Sequence[str] = ()

    def __post_init__(self) -> None:
        for other in (self.low, self.high, self.urls, self.at, self.names, self.shades):
            if other and len(other) != len(self.values):
                raise ValueError(
                    f"series {self.name!r} has {len(self.values)} values "
                    f"but {len(other)} bounds, addresses, places, names or shades"
                )
        if bool(self.low) != bool(self.high):
            raise ValueError(f"series {self.name!r} needs both bounds of its interval or none")
        if self.option is not None and not 1 <= self.option <= 12:
            raise ValueError(f"series {self.name!r}: option {self.option} is not from 1 to 12")


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: the title is the finding or the question; labels run along x.

    In a `heat` chart each series is one row of cells. A time label is an ISO date. A scatter chart
    without labels has `free` series, each with points of its own; `each` is what one of them is.
    """

    id: str
    title: str
    kind: Kind
    labels: Sequence[str | float]
    series: Sequence[Series]
    x: Axis = field(default_factory=lambda: Axis(scale="category"))
    y: Axis = field(default_factory=Axis)
    note: str = ""
    is_stacked: bool = False
    is_horizontal: bool = False
    each: str = ""

    def __post_init__(self) -> None:
        if self.is_free:
            if self.x.scale == "category":
                raise ValueError(f"chart {self.id!r}: points of their own need an x axis of values")
            return
        for series in self.series:
            if len(series.values) != len(self.labels):
                raise ValueError(
                    f"chart {self.id!r}: series {series.name!r} has {len(series.values)} values "
                    f"for {len(self.labels)} labels"
                )

    @property
    def is_free(self) -> bool:
        """Whether every series has points of its own."""
        return self.kind == "scatter" and any(series.at for series in self.series)

    @property
    def data_id(self) -> str:
        """Return the id of the element that holds what the script draws."""
        return f"chart-data-{self.id}"

    def header(self) -> list[str]:
        """Return the table's column names: the labels' axis, then each series and its bounds.

        A heat chart's table is laid out as it is drawn: a row a series, a column a label.
        """
        if self.is_free:
            return [self.each or "Point", "Group", self.x.title or "x", self.y.title or "y"]
        if self.kind == "heat":
            corner = " / ".join(filter(None, (self.y.title, self.x.title)))
            return [corner or "Label", *map(str, self.labels)]
        names = [self.x.title or "Label"]
        for series in self.series:
            names.append(series.name or self.y.title)
            if series.low:
                names += ["95 % low", "95 % high"]
        return names

    def rows(self) -> list[list[Any]]:
        """Return one row a label; each cell of a series is (value, address or "").

        Of free series one row a point: (name, address), its group, x and y.
        """
        if self.is_free:
            return [list(row) for series in self.series for row in _points(series)]
        if self.kind == "heat":
            return [[each.name, *_row(each)] for each in self.series]
        return [[label, *self._cells(index)] for index, label in enumerate(self.labels)]

    def _cells(self, index: int) -> list[tuple[Number, str]]:
        cells: list[tuple[Number, str]] = []
        for series in self.series:
            cells.append((series.values[index], series.urls[index] if series.urls else ""))
            if series.low:
                cells += [(series.low[index], ""), (series.high[index], "")]
        return cells

    def data(self) -> dict[str, Any]:
        """Return what the script draws, ready for JSON."""
        return {
            "id": self.id,
            "title": self.title,
            "kind": self.kind,
            "labels": list(self.labels),
            "series": [_series_data(series) for series in self.series],
            "x": _axis_data(self.x),
            "y": _axis_data(self.y),
            "stacked": self.is_stacked,
            "horizontal": self.is_horizontal,
            # A script that draws thousands of points finds them in the series.
            "table": {
                "header": self.header(),
                "rows": [] if self.is_free else self._plain_rows(),
            },
        }

    def _plain_rows(self) -> list[list[Any]]:
        return [[row[0], *(value for value, _ in row[1:])] for row in self.rows()]


def _row(series: Series) -> Iterator[tuple[Number, str]]:
    return zip(series.values, series.urls or [""] * len(series.values), strict=True)


def _points(series: Series) -> Iterator[tuple[Any, ...]]:
    for index, (x, y) in enumerate(zip(series.at, series.values, strict=True)):
        name = series.names[index] if series.names else str(index + 1)
        url = series.urls[index] if series.urls else ""
        yield (name, url), series.name, (x, ""), (y, "")


def _series_data(series: Series) -> dict[str, Any]:
    return {
        "name": series.name,
        "values": list(series.values),
        "low": list(series.low),
        "high": list(series.high),
        "urls": list(series.urls),
        "option": series.option,
        **({"shades": list(series.shades)} if series.shades else {}),
        **({"at": list(series.at), "names": list(series.names)} if series.at else {}),
    }


def _axis_data(axis: Axis) -> dict[str, Any]:
    return {"title": axis.title, "scale": axis.scale, "low": axis.low, "high": axis.high}
