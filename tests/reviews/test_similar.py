"""Near duplicates are found, and short reviews that differ in a word are kept apart."""

import itertools
import random
import string
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviews.shingles import THRESHOLD, resemblance, sketch
from reviews.similar import NearGroups, NearIndex

Edit = Callable[[random.Random, str], str]

COUNT = 2_000
_WORDS = [
    "".join(random.Random(seed).choices(string.ascii_lowercase, k=2 + seed % 8))
    for seed in range(3_000)
]


def _text(rng: random.Random, low: int = 20, high: int = 80) -> str:
    return " ".join(rng.choices(_WORDS, k=rng.randint(low, high))).capitalize() + "."


def _another_word(rng: random.Random, text: str) -> str:
    words = text.split()
    words[rng.randrange(len(words))] = "replaced"
    return " ".join(words)


def _typo(rng: random.Random, text: str) -> str:
    at = rng.randrange(1, len(text) - 1)
    return text[:at] + rng.choice(string.ascii_lowercase) + text[at + 1 :]


def _punctuation(rng: random.Random, text: str) -> str:
    parts = text.upper().rstrip(".").split(" ")
    return "".join(part + rng.choice([" ", ", ", " - ", "!  "]) for part in parts)


def _one_more_sentence(rng: random.Random, text: str) -> str:
    # A fifth more, or the text would no longer be nearly the same.
    return f"{text} {_text(rng, 1, max(1, len(text.split()) // 5))}"


EDITS: dict[str, Edit] = {
    "another word": _another_word,
    "a typo": _typo,
    "case and punctuation": _punctuation,
    "one more sentence": _one_more_sentence,
}


def _roots(texts: list[str]) -> np.ndarray:
    groups = NearGroups()
    groups.add(texts)
    count = len(texts)
    # Any order of ranks will do; the real ones are hashes of the texts.
    ranks = np.random.default_rng(3).permutation(count)
    return groups.groups(ranks=ranks, known=np.arange(count), is_new=np.ones(count, np.bool))


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_edited_copies_are_found_and_nothing_else(edit: Edit) -> None:
    rng = random.Random(5)
    texts = [_text(rng) for _ in range(COUNT)]
    copies = [edit(rng, text) for text in texts]

    roots = _roots(texts + copies)

    recall = float((roots[COUNT:] == np.arange(COUNT)).mean())
    assert recall > 0.99
    assert (roots[:COUNT] == np.arange(COUNT)).all()


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_stream_tells_what_came_before(edit: Edit) -> None:
    rng = random.Random(6)
    texts = [_text(rng) for _ in range(COUNT)]
    index = NearIndex()

    assert not any(index.seen_batch(texts))
    found = index.add([edit(rng, text) for text in texts])

    right = sum(earlier == place for place, earlier in enumerate(found))
    assert right / COUNT > 0.99
    assert all(earlier in {place, None} for place, earlier in enumerate(found))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Good product.", "Bad product."),
        ("I love it", "I hate it"),
        ("Would recommend this to anybody", "Would not recommend this to anybody"),
        ("It works and I am happy with it", "It broke and I am unhappy with it"),
        ("👍👍", "👎👎"),
        ("", "!"),
        ("质量很好，我很喜欢这个产品", "质量很差，我不喜欢这个产品"),
    ],
)
def test_short_reviews_that_differ_in_a_word_are_two(one: str, other: str) -> None:
    assert _roots([one, other]).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Good product.", "good product!!!"),
        ("It's great", "Its   GREAT"),
        ("Don't buy", "Don\u2019t buy"),
        ("Straße", "STRASSE"),
    ],
)
def test_short_reviews_that_differ_in_signs_are_one(one: str, other: str) -> None:
    assert _roots([one, other]).tolist() == [0, 0]


def test_whoever_resembles_a_member_belongs_to_the_group() -> None:
    rng = random.Random(1)
    steps = [_text(rng, 30, 30)]
    for number in range(8):
        words = steps[-1].split()
        words[3 * number] = f"step{number}"
        steps.append(" ".join(words))

    assert _roots(steps).tolist() == [0] * 9


def test_only_pairs_with_a_new_text_are_compared() -> None:
    text = _text(random.Random(2))
    groups = NearGroups()
    groups.add([text, text + " Really", text + " Indeed"])
    ranks, alone = np.arange(3), np.arange(3)

    known = groups.groups(ranks=ranks, known=alone, is_new=np.array([False, False, False]))
    joined = groups.groups(ranks=ranks, known=alone, is_new=np.array([False, False, True]))

    assert known.tolist() == [0, 1, 2]
    assert joined.tolist() == [0, 0, 0]


def test_resemblance_is_that_of_the_sets_of_word_pairs() -> None:
    one, other = "a b c d e f g h i j", "a b c d e f g h x y"
    sets = sketch([one, other])

    (found,) = resemblance(sets.shingles, sets.bounds, np.array([0]), np.array([1]))

    def pairs(text: str) -> set[tuple[str, str]]:
        words = text.split()
        return set(itertools.pairwise(words))

    assert found == len(pairs(one) & pairs(other)) / len(pairs(one) | pairs(other))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=30), st.randoms())
def test_any_texts_are_taken_and_order_does_not_matter(
    texts: list[str], rng: random.Random
) -> None:
    places = list(range(len(texts)))
    rng.shuffle(places)

    def partition(order: list[int]) -> set[frozenset[int]]:
        roots = _roots([texts[place] for place in order])
        members: dict[int, set[int]] = {}
        for root, place in zip(roots.tolist(), order, strict=True):
            members.setdefault(root, set()).add(place)
        return {frozenset(each) for each in members.values()}

    assert partition(places) == partition(list(range(len(texts))))


def test_a_stream_answers_alike_however_it_is_cut() -> None:
    rng = random.Random(8)
    texts = [_text(rng, 3, 40) for _ in range(300)]
    texts += [rng.choice(list(EDITS.values()))(rng, text) for text in texts]
    rng.shuffle(texts)
    whole, single = NearIndex(), NearIndex()

    assert whole.seen_batch(texts) == [single.seen(text) for text in texts]


def test_fifteen_thousand_reviews_a_second_are_read() -> None:
    rng = random.Random(9)
    texts = [_text(rng) for _ in range(10_000)]
    sketch(texts[:100])

    started = time.process_time()
    NearIndex().add(texts)

    assert len(texts) / (time.process_time() - started) > 15_000
    assert THRESHOLD == 0.7
