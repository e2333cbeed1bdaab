"""Answers to a question with one option as the columns of numbers that the estimate takes: pure."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from labelling.answers import AnswerValue
from labelling.dawid_skene import Votes


def votes_of(
    options: Sequence[str], given: Mapping[int, Sequence[tuple[int, AnswerValue]]]
) -> tuple[Votes, list[int]]:
    """Return the votes and the ids of the people in the order in which they are counted.

    `given` has (person, option) by review; reviews that fewer than two answered tell nothing about
    anybody and are left out.
    """
    shared = [said for said in given.values() if len(said) > 1]
    persons = sorted({person for said in shared for person, _ in said})
    place: dict[Hashable, int] = {person: at for at, person in enumerate(persons)}
    number: dict[AnswerValue, int] = {key: at for at, key in enumerate(options)}
    rows = [
        (item, place[person], number[value])
        for item, said in enumerate(shared)
        for person, value in said
        if value in number
    ]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    votes = Votes(
        items=columns[:, 0],
        people=columns[:, 1],
        classes=columns[:, 2],
        item_count=len(shared),
        person_count=len(persons),
        class_count=max(1, len(options)),
    )
    return votes, persons
