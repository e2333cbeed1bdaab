"""What a draw of splits decided, and how it is written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reviews import strata
from reviews.grouping import Grouping, joined_by_product
from reviews.models import Dataset
from reviews.shingles import I64
from reviews.stratified import FREE, SPLITS, Rows, draw

#: Answers beyond so many, the commonest first, share a stratum.
MOST_STRATA = 50
_OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Plan:
    """Splits that were drawn and not written yet."""

    question: strata.Stratifier | None
    by_product: bool
    shares: tuple[float, float, float]
    seed: int
    #: Ids of the reviews whose split is to change, by the split that they get.
    changes: Mapping[str, Sequence[int]]
    counts: Mapping[str, Any]

    @property
    def changed_count(self) -> int:
        """Return how many reviews get another split."""
        return sum(map(len, self.changes.values()))

    def as_json(self) -> dict[str, Any]:
        """Return what is kept of it."""
        return {
            "method": "stratified" if self.question else "random",
            "question": self.question.key if self.question else "",
            "question_name": self.question.name if self.question else "",
            "by_product": self.by_product,
            "shares": list(self.shares),
            "seed": self.seed,
            "counts": dict(self.counts),
        }


def drawn_plan(
    dataset: Dataset,
    found: Grouping,
    *,
    question: strata.Stratifier | None,
    by_product: bool,
    shares: tuple[float, float, float],
    seed: int,
) -> Plan:
    """Draw for the reviews of a data set; those that resemble a drawn review follow it."""
    own = found.is_own
    stratum, names = _strata(dataset, found.ids[own], question)
    groups = joined_by_product(found) if by_product else found.roots
    fixed = _followed(found.roots, found.drawn)[own]
    rows = Rows(found.text_keys[own], groups[own], stratum, fixed)
    drawn = draw(rows, shares=shares, seed=seed) if len(stratum) else stratum
    return Plan(
        question=question,
        by_product=by_product,
        shares=shares,
        seed=seed,
        changes=_changes(found.ids[own], found.splits[own], drawn),
        counts={
            "strata": _stratum_counts(stratum, names, drawn),
            "groups": found.group_count,
            "largest_group": found.largest_count,
            "followed": int((fixed != FREE).sum()),
        },
    )


def inherited_plan(dataset: Dataset) -> dict[str, Any]:
    """Return what is kept of the plan of a data set of copies."""
    counts = {split: dataset.split_counts.get(split, 0) for split in SPLITS}
    strata_counts = [{"name": "", **counts}] if dataset.review_count else []
    return {"method": "inherited", "counts": {"strata": strata_counts}}


def _strata(
    dataset: Dataset, ids: I64, question: strata.Stratifier | None
) -> tuple[I64, list[str]]:
    """Return the number of each review's stratum, and the strata's names; 0 is "no answer"."""
    stratum = np.zeros(len(ids), np.int64)
    if question is None:
        return stratum, [""]
    numbers: dict[str, int] = {}
    pairs = (
        (review_id, numbers.setdefault(word, len(numbers)))
        for review_id, word in strata.answers(dataset, question.key)
    )
    answered: I64 = np.fromiter(pairs, np.dtype((np.int64, 2)))
    kept = _commonest(answered[:, 1], list(numbers))
    names = ["", *sorted(kept), *([_OTHERS] if len(kept) < len(numbers) else [])]
    place = {name: number for number, name in enumerate(names)}
    renumbered = np.array([place.get(word, len(names) - 1) for word in numbers], np.int64)
    # An answer to a review that came after this job had read the data set waits for the next draw.
    answered = answered[np.isin(answered[:, 0], ids)]
    if len(answered):
        stratum[np.searchsorted(ids, answered[:, 0])] = renumbered[answered[:, 1]]
    return stratum, names


def _commonest(numbers: I64, words: Sequence[str]) -> list[str]:
    counts = np.bincount(numbers, minlength=len(words))
    ordered = sorted(range(len(words)), key=lambda each: (-counts[each], words[each]))
    return [words[each] for each in ordered[:MOST_STRATA]]


def _followed(roots: I64, drawn: I64) -> I64:
    """Return for each review the split of its group's reviews that were drawn before.

    Where those differ, because a new review resembles both, the commonest counts, then the first.
    """
    votes = np.zeros((len(roots), len(SPLITS)), np.int64)
    before = drawn != FREE
    np.add.at(votes, (roots[before], drawn[before]), 1)
    chosen = np.where(votes.any(axis=1), votes.argmax(axis=1), FREE)
    result: I64 = chosen[roots]
    return result


def _changes(ids: I64, before: I64, after: I64) -> dict[str, list[int]]:
    changed = before != after
    return {split: ids[changed & (after == place)].tolist() for place, split in enumerate(SPLITS)}


def _stratum_counts(stratum: I64, names: Sequence[str], drawn: I64) -> list[dict[str, Any]]:
    table = np.bincount(stratum * len(SPLITS) + drawn, minlength=len(names) * len(SPLITS))
    rows = table.reshape(len(names), len(SPLITS)).tolist()
    return [
        {"name": name, **dict(zip(SPLITS, row, strict=True))}
        for name, row in zip(names, rows, strict=True)
        if any(row)
    ]
