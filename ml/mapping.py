"""Draw the map of a data set in a worker: embed a sample of it, and lay it out in a plane.

The sample is those reviews whose text has the lowest hash: it is the same whenever it is drawn,
whatever came first into the data set, and a larger one holds the smaller.
"""

from typing import Any, Final

import numpy as np
from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from accounts.models import User
from common.errors import Conflict, Invalid
from jobs.lease import JobFailed, Lease
from jobs.models import Job
from jobs.services import enqueue
from ml.core.engines.base import Floats
from ml.core.features import CachedEncoder
from ml.core.projecting import METHODS, project
from ml.core.similarity import unit_rows
from ml.models import EmbeddingMap, ModelVersion, Tier
from ml.scoring import load_for_work
from projects.models import Project
from reviews.members import reviews_in
from reviews.models import Dataset, Review

KIND: Final = "map"
USUAL: Final = 2_000
FEWEST, MOST = 20, 5_000
#: So many like reviews are kept for every point.
NEIGHBOURS: Final = 10

_CHUNK = 256
#: A map holds megabytes of vectors; a project keeps its newest ones.
_KEPT = 10
_DIGITS = 4


def start(
    *,
    version: ModelVersion,
    dataset: Dataset,
    actor: User | None,
    method: str = "pca",
    size: int = USUAL,
    idempotency_key: str | None = None,
) -> Job:
    """Queue the map of a data set of the version's project.

    Raises Conflict for a version without an encoder, or while a map is being drawn, and Invalid
    for a data set that is not ready or a size that is none.
    """
    check_has_encoder(version)
    if not dataset.is_ready:
        raise Invalid.of("dataset", "This data set is still being imported. Wait for its import.")
    if not FEWEST <= size <= MOST:
        raise Invalid.of("size", f"A map shows {FEWEST} to {MOST:,} reviews, not {size:,}.")
    if method not in METHODS:
        raise Invalid.of("method", f"{method[:20]!r} is not one of {', '.join(METHODS)}.")
    return enqueue(
        project=version.project,
        kind=KIND,
        actor=actor,
        params={
            "model_version": version.number,
            "dataset": dataset.pk,
            "method": method,
            "size": size,
        },
        idempotency_key=idempotency_key,
        single_key=KIND,
    )


def check_has_encoder(version: ModelVersion) -> None:
    """Raise Conflict for a version that cannot place texts near each other."""
    if version.tier == Tier.TFIDF:
        raise Conflict(
            f"Version {version.number} knows words and has no encoder, so it cannot tell which "
            "reviews are alike. Train a frozen or a fine-tuned encoder and promote it."
        )


def run(lease: Lease) -> dict[str, Any]:
    """Draw what the job names; the map is a row of its own."""
    version = ModelVersion.objects.select_related("project").get(
        project_id=lease.job.project_id, number=lease.params["model_version"]
    )
    dataset = Dataset.objects.filter(
        project=version.project, pk=lease.params["dataset"], is_ready=True
    ).first()
    if dataset is None:
        raise JobFailed("The data set is not there any more.")
    ids = _sample(dataset, lease.params["size"])
    if not ids:
        raise JobFailed(f"The data set {dataset.name} holds no reviews.")
    encoder = CachedEncoder(load_for_work(version).embedder(), settings.FEATURES_DIR)
    kept, vectors = _embedded(lease, encoder, ids)
    if not kept:
        raise JobFailed(f"The reviews of the data set {dataset.name} have been removed meanwhile.")
    lease.progress(done=len(ids), total=len(ids), message="Laying them out")
    drawn = project(vectors, lease.params["method"])
    lease.check()
    units = unit_rows(vectors).astype(np.float16)
    values = {
        "project": version.project,
        "model_version": version,
        "dataset": dataset,
        "created_by": lease.job.created_by,
        "method": lease.params["method"],
        "review_count": reviews_in(dataset).count(),
        "points": [
            [pk, round(float(x), _DIGITS), round(float(y), _DIGITS)]
            for pk, (x, y) in zip(kept, drawn.points, strict=True)
        ],
        "shares": [round(share, _DIGITS) for share in drawn.shares],
        "vectors": units.tobytes(),
        "neighbours": _neighbours(units).tobytes(),
    }
    with lease.effect():
        made, _ = EmbeddingMap.objects.update_or_create(job=lease.job, defaults=values)
        _let_go(version.project)
    return {"map": made.pk, "reviews": len(kept), "model_version": version.number}


def outcome(job: Job) -> tuple[str, str] | None:
    """Return where the map is looked at, for the page of its job."""
    made = EmbeddingMap.objects.select_related("project").filter(job=job).only("project__slug")
    found = made.first()
    if found is None:
        return None
    return "See the map", f"{reverse('ml:map', args=[found.project.slug])}?map={found.pk}"


def maps_of(project_of: Project) -> QuerySet[EmbeddingMap]:
    """Return the project's maps, newest first, without what is large in them."""
    return (
        EmbeddingMap.objects.filter(project=project_of, dataset__is_ready=True)
        .select_related("dataset", "model_version", "project", "created_by")
        .defer("points", "vectors", "neighbours")
        .order_by("-id")
    )


def vectors_of(drawn: EmbeddingMap) -> Floats:
    """Return the map's vectors, [points, width], every row of length 1."""
    return np.frombuffer(drawn.vectors, dtype=np.float16).reshape(len(drawn.points), -1)


def neighbours_of(drawn: EmbeddingMap) -> Any:
    """Return for every point the rows most like it, [points, neighbours]."""
    return np.frombuffer(drawn.neighbours, dtype=np.int32).reshape(len(drawn.points), -1)


def _sample(dataset: Dataset, size: int) -> list[int]:
    rows = reviews_in(dataset).order_by("text_key", "pk")
    return list(rows.values_list("pk", flat=True)[:size])


def _embedded(lease: Lease, encoder: CachedEncoder, ids: list[int]) -> tuple[list[int], Floats]:
    """Return the reviews that are still there with their vectors, chunk by chunk."""
    kept: list[int] = []
    tables: list[Floats] = []
    for start_at in range(0, len(ids), _CHUNK):
        lease.progress(done=start_at, total=len(ids), message="Reading the reviews")
        part = ids[start_at : start_at + _CHUNK]
        texts = dict(Review.objects.filter(pk__in=part).values_list("pk", "text"))
        there = [pk for pk in part if pk in texts]
        kept += there
        tables.append(encoder.pooled([texts[pk] for pk in there]))
    return kept, np.vstack(tables)


def _neighbours(units: Floats) -> Any:
    """Return int32 [rows, neighbours]; the whole table of cosines would be large."""
    table = units.astype(np.float32)
    count = min(NEIGHBOURS, len(table) - 1)
    found = np.zeros((len(table), count), dtype=np.int32)
    for start_at in range(0, len(table), _CHUNK):
        part = table[start_at : start_at + _CHUNK] @ table.T
        rows = np.arange(len(part))
        part[rows, start_at + rows] = -np.inf  # nobody is a neighbour of itself
        found[start_at + rows] = np.argsort(-part, axis=1, kind="stable")[:, :count]
    return found


def _let_go(project_of: Project) -> None:
    """Remove all but the newest maps."""
    newest = EmbeddingMap.objects.filter(project=project_of).order_by("-id")
    old = list(newest.values_list("pk", flat=True)[_KEPT:])
    EmbeddingMap.objects.filter(project=project_of, pk__in=old).delete()
