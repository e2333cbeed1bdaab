"""Where the reviews of an export come from: the database by keyset, or the file of a version."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from common import bulk
from projects.models import Project
from reviews import by_id
from reviews.formats import Exported
from reviews.labels import Labels, LabelSource
from reviews.models import Dataset, DatasetVersion, Review

_CHUNK = 2_000
_FIELDS = (
    "id",
    "dataset_id",
    "metadata",
    "product",
    "author",
    "reviewed_at",
    "split",
    "text",
)


@dataclass(frozen=True, slots=True)
class Rows:
    """The reviews of one export."""

    total: int
    #: Yields all of them, with their labels, some thousand at a time.
    chunks: Callable[[], Iterator[list[Exported]]]
    #: Yields the metadata of all of them.
    metadata: Callable[[], Iterator[list[dict[str, Any]]]]


def of_reviews(project: Project, reviews: QuerySet[Review], source: LabelSource | None) -> Rows:
    """Return the reviews as they are now, with the labels of `source`."""
    total = reviews.count()
    bulk.learn(Review._meta.db_table, total)  # noqa: SLF001  (Django's public Model._meta API)
    return Rows(
        total=total,
        chunks=lambda: _chunks(project, reviews, source),
        metadata=lambda: _metadata(reviews),
    )


def of_version(version: DatasetVersion, path: Path, *, has_gold: bool) -> Rows:
    """Return the reviews of a version as they were then, with the gold of then if wanted."""
    return Rows(
        total=version.review_count,
        chunks=lambda: _chunks_of_version(path, version.dataset.name, has_gold=has_gold),
        metadata=lambda: _metadata_of_version(path),
    )


def _chunks(
    project: Project, reviews: QuerySet[Review], source: LabelSource | None
) -> Iterator[list[Exported]]:
    names: dict[int, str] = dict(Dataset.objects.filter(project=project).values_list("id", "name"))
    for rows in by_id.chunks(reviews, _FIELDS):
        labels = source.load(project, [row[0] for row in rows]) if source else {}
        yield [
            Exported(
                number,
                names.get(dataset_id, ""),
                text,
                metadata,
                product,
                author,
                day.isoformat() if day else "",
                split,
                labels.get(number, ()),
            )
            for number, dataset_id, metadata, product, author, day, split, text in rows
        ]


def _metadata(reviews: QuerySet[Review]) -> Iterator[list[dict[str, Any]]]:
    for rows in by_id.chunks(reviews, ("id", "metadata")):
        yield [metadata for _, metadata in rows]


# --- Versions ---------------------------------------------------------------------------------


def _chunks_of_version(path: Path, name: str, *, has_gold: bool) -> Iterator[list[Exported]]:
    columns = ["id", "text", "metadata", "product", "author", "date", "split", "gold"]
    for rows in _batches(path, columns):
        yield [
            Exported(
                row["id"],
                name,
                row["text"],
                json.loads(row["metadata"]),
                row["product"],
                row["author"],
                row["date"].isoformat() if row["date"] else "",
                row["split"],
                [Labels("gold", gold)] if has_gold and (gold := json.loads(row["gold"])) else (),
            )
            for row in rows
        ]


def _metadata_of_version(path: Path) -> Iterator[list[dict[str, Any]]]:
    for rows in _batches(path, ["metadata"]):
        yield [json.loads(row["metadata"]) for row in rows]


def _batches(path: Path, columns: list[str]) -> Iterator[list[dict[str, Any]]]:
    # Loaded only where a version is exported: it takes its time and its memory.
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_CHUNK, columns=columns):
            yield batch.to_pylist()
