"""How the versions of a project's questions follow from each other, read from the database."""

from collections.abc import Collection, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from labelling import change_json, changes
from labelling.models import LabelSchema
from labelling.reading import NOTHING, Reading, Step
from labelling.selectors import snapshot_of
from labelling.snapshot import SchemaSnapshot
from projects.models import Project

AS_IT_IS = Reading()


def reading(answered: LabelSchema, schema: SchemaSnapshot) -> Reading:
    """Return how answers to the version `answered` read under `schema`, of the same project."""
    if answered.pk == schema.id:
        return AS_IT_IS
    return _reading(answered.pk, answered.created_at, schema.id, schema.made_at)


def readings(schema_ids: Collection[int], schema: SchemaSnapshot) -> dict[int, Reading]:
    """Return how answers to some versions, by their id, read under `schema`."""
    found = dict.fromkeys({schema.id} & set(schema_ids), AS_IT_IS)
    others = set(schema_ids) - {schema.id}
    if others:
        rows = LabelSchema.objects.filter(pk__in=others)
        found |= {row.pk: reading(row, schema) for row in rows}
    return found


def ancestors(project: Project, schema: SchemaSnapshot) -> Iterator[tuple[SchemaSnapshot, Reading]]:
    """Yield every version up to `schema` and how its answers read under it, newest first."""
    rows = LabelSchema.objects.filter(project=project, version__lte=schema.version)
    for row in rows.order_by("-version"):
        yield snapshot_of(row), reading(row, schema)


# As with the versions themselves, nothing of this changes once it is written, and the times of
# making tell an id from the same id in a database that has rolled back.
@lru_cache(maxsize=1024)
def _reading(
    old_id: int,
    old_made_at: datetime,  # noqa: ARG001
    new_id: int,
    new_made_at: datetime | None,  # noqa: ARG001
) -> Reading:
    old = LabelSchema.objects.get(pk=old_id)
    new = LabelSchema.objects.get(pk=new_id)
    if old.version > new.version:
        return NOTHING
    chain = LabelSchema.objects.filter(
        project_id=new.project_id, version__gte=old.version, version__lte=new.version
    )
    versions = pairwise(chain.order_by("version"))
    return Reading(tuple(_step(before, after) for before, after in versions))


def _step(before: LabelSchema, after: LabelSchema) -> Step:
    return changes.step_between(
        snapshot_of(before).questions,
        snapshot_of(after).questions,
        change_json.from_json(after.changes),
    )
