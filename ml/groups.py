"""Reviews in groups of like answers to one question: what the points of a map are coloured by."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from labelling.selectors import GoldValue, gold_answers
from labelling.snapshot import QuestionSnapshot
from ml.core.config import Kind
from ml.core.engines.base import Ints
from ml.models import ModelVersion, Prediction
from ml.shapes import ANSWER_IN
from projects.models import Project

GOLD: Final = "gold"
PREDICTED: Final = "predicted"
SOURCES: Final = {GOLD: "gold", PREDICTED: "predicted"}

#: More colours than this cannot be told apart; what is rarer shares the grey one.
_MOST: Final = 10
_GREY: Final = 12
_BINS: Final = 5


@dataclass(frozen=True, slots=True)
class Group:
    """Points with the same answer: the answer's name, its colour, and which rows they are."""

    name: str
    colour: int
    rows: tuple[int, ...]
    is_answer: bool = True


@dataclass(frozen=True, slots=True)
class Likeness:
    """How often a point's neighbours have its answer, and how often they would by chance."""

    found: float
    by_chance: float
    count: int


def answers_for(
    project: Project, version: ModelVersion, question: QuestionSnapshot, by: str, ids: Sequence[int]
) -> list[Any]:
    """Return the answer of every review to a question, None where there is none."""
    known = _predicted(version, question, ids) if by == PREDICTED else _gold(project, question, ids)
    return [known.get(pk) for pk in ids]


def groups_of(question: QuestionSnapshot, answers: Sequence[Any]) -> list[Group]:
    """Return the groups in the order of the question's options; rare ones and none at the end."""
    keys = _binned(answers) if _is_measured(question) else [_key(each) for each in answers]
    counts = Counter(key for key in keys if key is not None)
    order = _order(question, counts)
    shown = set(sorted(order, key=lambda key: (-counts[key], order.index(key)))[:_MOST])
    groups = [
        Group(
            _name(question, key),
            _colour(question, key, place),
            tuple(row for row, each in enumerate(keys) if each == key),
        )
        for place, key in enumerate(order, start=1)
        if key in shown
    ]
    rare = tuple(row for row, key in enumerate(keys) if key is not None and key not in shown)
    none = tuple(row for row, key in enumerate(keys) if key is None)
    if rare:
        groups.append(Group("other answers", _GREY, rare))
    if none:
        groups.append(Group("no answer", _GREY, none, is_answer=False))
    return groups


def likeness(groups: Sequence[Group], neighbours: Ints) -> Likeness | None:
    """Return how often neighbours [rows, k] have the same answer; None where nothing can be said.

    By chance it would be the sum of the squared shares of the answers.
    """
    place = np.full(len(neighbours), -1)
    for number, group in enumerate(groups):
        if group.is_answer:
            place[list(group.rows)] = number
    pairs = (place[:, None] >= 0) & (place[neighbours] >= 0)
    answered = place[place >= 0]
    if len(np.unique(answered)) < 2 or not pairs.any():
        return None
    same = (place[:, None] == place[neighbours]) & pairs
    shares = np.bincount(answered) / len(answered)
    return Likeness(float(same.sum() / pairs.sum()), float((shares**2).sum()), len(answered))


def _gold(project: Project, question: QuestionSnapshot, ids: Sequence[int]) -> dict[int, GoldValue]:
    found = gold_answers(project, questions=[question], review_ids=list(ids))
    return {pk: own[question.key] for pk, own in found.items() if question.key in own}


def _predicted(
    version: ModelVersion, question: QuestionSnapshot, ids: Sequence[int]
) -> dict[int, Any]:
    rows = Prediction.objects.filter(
        model_version=version, question_key=question.key, review_id__in=list(ids)
    )
    name = ANSWER_IN[Kind(question.kind)]
    return {
        pk: value[name]
        for pk, value in rows.values_list("review_id", "value")
        # The question may have been of another kind when the version answered it.
        if isinstance(value, Mapping) and name in value
    }


def _is_measured(question: QuestionSnapshot) -> bool:
    return question.kind == "number" and not question.steps


def _key(answer: Any) -> str | None:
    """Return what an answer is grouped by; several options at once are one group."""
    if answer is None or isinstance(answer, str):
        return answer
    if isinstance(answer, int | float):
        return str(round(answer))
    chosen = sorted(answer)
    return "" if not chosen else chosen[0] if len(chosen) == 1 else "+"


def _binned(answers: Sequence[Any]) -> list[str | None]:
    """Return for every number the range it lies in, of ranges with about as many each."""
    numbers = [float(each) for each in answers if each is not None]
    if not numbers:
        return [None] * len(answers)
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, _BINS + 1)))
    inner = edges[1:-1]

    def named(value: float) -> str:
        place = int(np.searchsorted(inner, value, side="right"))
        return f"{edges[place]:.4g} to {edges[min(place + 1, len(edges) - 1)]:.4g}"

    return [None if each is None else named(float(each)) for each in answers]


def _order(question: QuestionSnapshot, counts: Mapping[str, int]) -> list[str]:
    if question.kind == "number":
        return sorted(counts, key=lambda key: float(key.split(" ")[0]))
    options = [option.key for option in question.options if option.key in counts]
    return options + sorted(set(counts) - set(options), reverse=True)  # "+" after what has a name


def _name(question: QuestionSnapshot, key: str) -> str:
    if question.kind == "number":
        return key
    option = question.option(key)
    return option.name if option else {"": "none of them", "+": "several"}.get(key, key)


def _colour(question: QuestionSnapshot, key: str, place: int) -> int:
    option = question.option(key) if question.kind != "number" else None
    if option is not None:
        return option.colour
    return {"": _GREY, "+": 11}.get(key, (place - 1) % (_GREY - 1) + 1)
