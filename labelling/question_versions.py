"""The versions of a project's questions, as people read them."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from labelling.change_json import from_json
from labelling.change_words import words
from labelling.changes import between
from labelling.models import Annotation, LabelSchema
from labelling.selectors import snapshot_of
from labelling.snapshot import SchemaSnapshot
from projects.models import Project

PAGE = 20


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the guidelines: "+" was added, "-" taken away, " " stood before and after."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class Version:
    """One version: who made it when, and what was changed."""

    number: int
    made_by: str
    made_at: datetime
    words: tuple[str, ...]
    guidelines: tuple[Line, ...]
    annotation_count: int


def history(project: Project, *, below: int | None = None) -> tuple[list[Version], int | None]:
    """Return versions, newest first, and below which number the next page begins."""
    rows = LabelSchema.objects.filter(project=project).select_related("created_by")
    if below is not None:
        rows = rows.filter(version__lt=below)
    # One more than is shown: the last one says what the one above it has changed.
    found = list(rows.order_by("-version")[: PAGE + 1])
    counts = dict(
        Annotation.objects.filter(schema__in=[row.pk for row in found])
        .order_by()
        .values_list("schema")
        .annotate(Count("pk"))
    )
    olders = [*found[1:], None]
    versions = [
        _version(row, older, counts.get(row.pk, 0))
        for row, older in zip(found, olders, strict=True)
    ][:PAGE]
    return versions, versions[-1].number if len(found) > PAGE else None


def _version(row: LabelSchema, older: LabelSchema | None, annotation_count: int) -> Version:
    now = snapshot_of(row)
    before = snapshot_of(older) if older else SchemaSnapshot(version=0)
    changes = from_json(row.changes) or between(before.questions, now.questions)
    return Version(
        number=row.version,
        made_by=row.created_by.get_username() if row.created_by else "",
        made_at=row.created_at,
        words=tuple(words(before.questions, changes)),
        guidelines=tuple(_compared(before.guidelines, now.guidelines)),
        annotation_count=annotation_count,
    )


def _compared(before: str, now: str) -> Iterator[Line]:
    """Yield the lines that differ, with two around them."""
    lines = difflib.unified_diff(before.splitlines(), now.splitlines(), n=2, lineterm="")
    for line in list(lines)[2:]:
        if not line.startswith("@@"):
            yield Line(line[0], line[1:])
