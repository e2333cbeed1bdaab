"""Rank what waits for a label by how much the champion would learn from it.

A score is a rank within the whole pool, so no chunk can be written before the last one is known.
What is kept meanwhile is a few numbers a review: every chunk of predictions leaves one small file
of review ids and uncertainties, written by a rename, and a repeated attempt goes on after the last
of them. At the end the files are ranked together and written under the job's fence. Memory holds
the numbers of the pool (8 bytes a question and review) and the predictions of one chunk.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.conf import settings

from common.errors import NotReady
from jobs.lease import JobFailed, Lease
from labelling.services import Suggested, rank_reviews, store_suggestions
from ml import serving, workplace
from ml.core.acquisition import rank, uncertainty
from ml.core.errors import ConfigError
from ml.core.hardware import visible_gpu
from ml.core.predict import Predictor
from ml.models import ModelVersion
from ml.shapes import stored, suggestion
from reviews.models import Review
from reviews.selectors import visible_reviews

Floats = npt.NDArray[np.float64]

CHUNK = 500
#: How many of the first in line get suggestions: what annotators reach before the next ranking.
SUGGESTED = 300

_OVERTAKEN = {"ranked": 0, "note": "Another version has become the champion meanwhile."}


@dataclass(frozen=True, slots=True)
class _Part:
    """One chunk of the pool: ids, and uncertainties [questions, ids]."""

    ids: list[int]
    values: dict[str, Floats]


def score(lease: Lease) -> dict[str, Any]:
    """Rank the unlabelled reviews by the version that the job names, while it is the champion."""
    version = (
        ModelVersion.objects.select_related("project", "training_run")
        .filter(project_id=lease.job.project_id, number=lease.params["model_version"])
        .first()
    )
    if version is None or not version.is_champion:
        return _OVERTAKEN
    predictor = load_for_work(version)
    folder = workplace.folder_of(lease.job.pk)
    folder.mkdir(parents=True, exist_ok=True)
    parts = list(_parts(lease, version, predictor, folder))
    ids, priorities = _ranked(parts)
    if not ModelVersion.objects.filter(pk=version.pk, is_champion=True).exists():
        return _OVERTAKEN
    lease.progress(done=0, total=0, message="Writing the new order")
    ranked_count = rank_reviews(
        project=version.project,
        scores=zip(ids, priorities, strict=True),
        version=version.number,
        lease=lease,
    )
    suggested_count = _suggest(lease, version, predictor, ids, priorities)
    workplace.close(lease.job.pk)
    return {
        "ranked": ranked_count,
        "suggested": suggested_count,
        "model_version": version.number,
    }


def tidy(job_id: UUID) -> None:
    """Remove what a ranking that did not end well has left behind."""
    workplace.close(job_id)


def load_for_work(version: ModelVersion) -> Predictor:
    """Load a version in a worker; raise JobFailed with the reason when its files are not right."""
    wish = settings.GLOSS_DEVICE
    try:
        return serving.load(version, engine=engine_for(wish, visible_gpu()), device=wish)
    except NotReady as error:
        raise JobFailed(error.detail) from error
    except ConfigError as error:
        raise JobFailed(str(error)) from error


def engine_for(wish: str, gpu: str) -> str:
    """Return the engine for many texts; wish: auto, cpu or cuda; gpu: the one that is seen."""
    return "torch" if wish == "cuda" or (wish == "auto" and gpu) else "auto"


def _parts(
    lease: Lease, version: ModelVersion, predictor: Predictor, folder: Path
) -> Iterator[_Part]:
    """Yield the pool chunk by chunk, from files where an earlier attempt has left them."""
    pool = _pool(version)
    total, done, after = pool.count(), 0, 0
    while True:
        lease.progress(done=done, total=total, message="Reading the unlabelled reviews")
        path = folder / f"after-{after}.json"
        part = _read(path) or _predicted(pool, after, predictor)
        if not part.ids:
            return
        _write(path, part)
        yield part
        done, after = done + len(part.ids), part.ids[-1]


def _pool(version: ModelVersion) -> Any:
    # The queue serves the test split only from its random slice, which no ranking reaches.
    return (
        visible_reviews(version.project)
        .filter(is_labelled=False)
        .exclude(split=Review.Split.TEST, is_control=False)
        .order_by("pk")
    )


def _predicted(pool: Any, after: int, predictor: Predictor) -> _Part:
    rows = list(pool.filter(pk__gt=after).values_list("pk", "text")[:CHUNK])
    predictions = predictor.predict([text for _, text in rows])
    values = {
        head.question: np.array([uncertainty(each[head.question]) for each in predictions])
        for head in predictor.heads
    }
    return _Part([pk for pk, _ in rows], values)


def _read(path: Path) -> _Part | None:
    if not path.is_file():
        return None
    kept = json.loads(path.read_text("utf-8"))
    return _Part(kept["ids"], {key: np.array(values) for key, values in kept["values"].items()})


def _write(path: Path, part: _Part) -> None:
    beside = path.with_suffix(f".{os.getpid()}")
    values = {key: array.tolist() for key, array in part.values.items()}
    beside.write_text(json.dumps({"ids": part.ids, "values": values}), "utf-8")
    beside.replace(path)


def _ranked(parts: list[_Part]) -> tuple[list[int], list[float]]:
    ids = [pk for part in parts for pk in part.ids]
    if not ids:
        return [], []
    questions = list(parts[0].values)
    joined = {key: np.concatenate([part.values[key] for part in parts]) for key in questions}
    return ids, [float(value) for value in rank(joined)]


def _suggest(
    lease: Lease,
    version: ModelVersion,
    predictor: Predictor,
    ids: list[int],
    priorities: list[float],
) -> int:
    """Propose answers for the reviews that come next.

    The random slice gets none: it measures, and a proposal would lead those who answer.
    """
    best = [pk for _, pk in sorted(zip(priorities, ids, strict=True), reverse=True)[:SUGGESTED]]
    first = Review.objects.filter(project=version.project, is_control=False, pk__in=best)
    wanted = dict(first.values_list("pk", "text"))
    predictions = predictor.predict(list(wanted.values()))
    rows = (
        Suggested(
            review_id=review_id,
            question_key=head.question,
            value=suggestion(head, answers[head.question]),
            confidence=stored(head, answers[head.question]).confidence,
        )
        for review_id, answers in zip(wanted, predictions, strict=True)
        for head in predictor.heads
    )
    return store_suggestions(
        project=version.project, rows=rows, version=version.number, lease=lease
    )
