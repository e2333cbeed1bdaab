"""Which rows of a batch say what the project, or the same file, has said before."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection

from reviews import fingerprints
from reviews.decided import Rows
from reviews.fingerprints import Numbers
from reviews.models import ImportJob

_REVIEWS = "reviews_review"
_DATASETS = "reviews_dataset"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found about the rows of a batch, by their places."""

    fresh: list[int]
    #: Place to the review that is there already: of another data set, and of this import.
    shown: dict[int, int]
    own: dict[int, int]
    #: Place to the place of an earlier row of this batch with the same text.
    within: dict[int, int]


class Duplicates:
    """The texts that are known: of the data sets that are shown, and of this import.

    Data sets that are still being imported do not count: theirs may yet be removed. With
    `is_kept`, texts may come again, but for rows by several annotators, who share a review.
    """

    def __init__(self, work: ImportJob, *, is_kept: bool) -> None:
        self._work = work
        self._is_kept = is_kept
        self.compared = [] if is_kept else fingerprints.shown_in(work.dataset.project)
        self._shown = fingerprints.known_of(self.compared)
        self._own = fingerprints.known_of([work.dataset_id])

    def find(self, rows: Rows, keys: Numbers) -> Found:
        """Look all rows up; `keys` are those of their texts."""
        shown = {} if self._is_kept else self._confirmed(rows, self._shown.find(keys))
        own = self._confirmed(rows, self._own.find(keys))
        within = _repeated(rows, keys)
        if self._is_kept:
            own = {place: found for place, found in own.items() if rows.said[place]}
            within = {place: first for place, first in within.items() if rows.said[place]}
        # A repetition of a row that is known itself is known the same way.
        within = {at: first for at, first in within.items() if at not in shown and at not in own}
        gone = shown.keys() | own.keys() | within.keys()
        fresh = [at for at in range(len(rows)) if at not in gone] if gone else range(len(rows))
        return Found(list(fresh), shown, own, within)

    def remember(self, keys: Numbers, ids: Sequence[int]) -> None:
        """Count reviews that were written just now among those of this import."""
        self._own.add(keys, np.asarray(ids, np.int64))

    def _confirmed(self, rows: Rows, hits: list[tuple[int, int]]) -> dict[int, int]:
        """Return those hits whose texts are the same, and whose reviews are there."""
        if not hits:
            return {}
        texts = known_texts(self._work, {number for _, number in hits})
        confirmed: dict[int, int] = {}
        for place, number in hits:
            if texts.get(number) == rows.texts[place]:
                confirmed.setdefault(place, number)
        return confirmed


def _repeated(rows: Rows, keys: Numbers) -> dict[int, int]:
    """Return the places of rows whose text came before in the batch, with the first such place."""
    in_order = np.sort(keys)
    if not np.any(in_order[1:] == in_order[:-1]):
        return {}
    first: dict[bytes, int] = {}
    return {
        place: earlier
        for place, digest in enumerate(rows.digests)
        if (earlier := first.setdefault(digest, place)) != place
    }


def known_texts(work: ImportJob, ids: Iterable[int]) -> dict[int, str]:
    """Return the texts of those reviews that are shown or of this import, by id.

    In SQL by hand: as one parameter each, thousands of ids cost more than finding them.
    """
    wanted = list(ids)
    is_postgres = connection.vendor == "postgresql"
    among = "= ANY(%s)" if is_postgres else "IN (SELECT value FROM json_each(%s))"
    statement = f"""
        SELECT review.id, review.text FROM {_REVIEWS} review
        JOIN {_DATASETS} dataset ON dataset.id = review.dataset_id
        WHERE review.project_id = %s AND review.id {among}
          AND (dataset.is_ready OR dataset.id = %s)
    """  # noqa: S608  (only our own names are put together)
    dataset = work.dataset
    value = wanted if is_postgres else json.dumps(wanted)
    with connection.cursor() as cursor:
        cursor.execute(statement, [dataset.project_id, value, dataset.pk])
        return dict(cursor.fetchall())
