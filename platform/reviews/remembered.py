"""How files with the same header were mapped the last time."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from common.errors import Invalid
from projects.models import Project
from reviews import mapping as mappings
from reviews.answers import sink_for
from reviews.mapping import ColumnMapping
from reviews.models import RememberedMapping
from reviews.previews import Preview


@dataclass(frozen=True, slots=True)
class Remembered:
    """A mapping that a file with this header had, and when."""

    mapping: ColumnMapping
    used_at: datetime


def header_hash(seen: Preview) -> str:
    """Return the fingerprint of a file's columns and fields, in their order."""
    names = json.dumps([seen.columns, seen.fields], ensure_ascii=True)
    return hashlib.sha256(names.encode()).hexdigest()


def remember(*, project: Project, seen: Preview, mapping: ColumnMapping) -> None:
    """Keep a mapping for the next file with this header."""
    RememberedMapping.objects.update_or_create(
        project=project,
        header_hash=header_hash(seen),
        defaults={"mapping": mapping.as_json(), "used_at": timezone.now()},
    )


def recall(project: Project, seen: Preview) -> Remembered | None:
    """Return how a file with this header was mapped; None where that does not fit any more."""
    row = RememberedMapping.objects.filter(project=project, header_hash=header_hash(seen)).first()
    if row is None:
        return None
    questions = sink_for(project).questions()
    try:
        mapping = mappings.resolve(
            mappings.from_json(row.mapping),
            columns=seen.columns,
            questions=questions,
            fields=seen.fields,
        )
    except Invalid:
        return None
    return Remembered(mapping, row.used_at)
