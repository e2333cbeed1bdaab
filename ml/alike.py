"""Which reviews are like one another, by the champion's encoder, at once.

Compared is with the reviews of a map: they have vectors already, and are few enough for a request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from common.errors import Conflict, Invalid
from ml import mapping, selectors, serving
from ml.core.engines.base import Floats
from ml.core.similarity import cosines, nearest
from ml.models import EmbeddingMap, ModelVersion
from projects.models import Project
from reviews.models import Review
from reviews.selectors import visible_reviews

SHOWN: Final = 10
#: Cells of a larger table cannot be read.
FEWEST_TOGETHER, MOST_TOGETHER = 2, 20


@dataclass(frozen=True, slots=True)
class Alike:
    """The reviews most like one, most alike first, with their cosines."""

    version: ModelVersion
    map: EmbeddingMap
    compared_count: int
    reviews: list[tuple[Review, float]]


@dataclass(frozen=True, slots=True)
class Together:
    """How alike some reviews are: cosines [reviews, reviews]."""

    version: ModelVersion
    reviews: list[Review]
    cosines: Floats


def alike(project: Project, review: Review, *, count: int = SHOWN) -> Alike:
    """Return the reviews of the newest map that are most like this one.

    A map of the review's own data set is preferred. Raises Conflict while the champion has no map.
    """
    version = selectors.version_to_ask(project)
    mapping.check_has_encoder(version)
    maps = mapping.maps_of(project).filter(model_version=version)
    drawn = maps.filter(dataset=review.dataset_id).first() or maps.first()
    if drawn is None:
        raise Conflict(
            f"Reviews are compared with those of a map, and version {version.number} has none yet. "
            "An analyst draws one under Models, Map."
        )
    ids = [int(pk) for pk, _, _ in drawn.points]
    vectors = mapping.vectors_of(drawn)
    place = ids.index(review.pk) if review.pk in ids else None
    own = vectors[place] if place is not None else serving.embed(version, [review.text])[0]
    # Some may be gone since the map was drawn, and the review itself is among them.
    rows, found = nearest(own, vectors, 3 * count + 1)
    near = {ids[row]: float(cosine) for row, cosine in zip(rows, found, strict=True)}
    near.pop(review.pk, None)
    there = visible_reviews(project).in_bulk(list(near))
    kept = [(there[pk], cosine) for pk, cosine in near.items() if pk in there]
    return Alike(version, drawn, len(ids) - (place is not None), kept[:count])


def together(project: Project, ids: Sequence[int]) -> Together:
    """Return how alike some reviews of the project are, in the order given.

    Raises Invalid for too few or too many, and for one that is not there.
    """
    wanted = list(dict.fromkeys(ids))
    if not FEWEST_TOGETHER <= len(wanted) <= MOST_TOGETHER:
        raise Invalid.of(
            "reviews",
            f"Name {FEWEST_TOGETHER} to {MOST_TOGETHER} different reviews, not {len(wanted)}.",
        )
    version = selectors.version_to_ask(project)
    mapping.check_has_encoder(version)
    there = visible_reviews(project).in_bulk(wanted)
    missing = [str(pk) for pk in wanted if pk not in there]
    if missing:
        raise Invalid.of("reviews", f"This project has no review {', '.join(missing)}.")
    reviews = [there[pk] for pk in wanted]
    vectors = serving.embed(version, [review.text for review in reviews])
    return Together(version, reviews, cosines(np.asarray(vectors)))


def numbers_in(given: str) -> list[int]:
    """Return the ids in what somebody typed: numbers between commas or blanks."""
    words = given.replace(",", " ").replace("#", " ").split()
    for word in words:
        if not (word.isascii() and word.isdigit() and len(word) < 19):
            raise Invalid.of("reviews", f"{word[:20]!r} is no number of a review.")
    return [int(word) for word in words]
