"""The three annotators label most of the demo, and do not always agree."""

from collections import Counter
from datetime import date
from itertools import combinations

import pytest

from demo.annotators import DemoAnnotation, annotate, is_mixed
from demo.grammar import DemoReview, generate

END = date(2026, 6, 30)


@pytest.fixture(scope="module")
def reviews() -> list[DemoReview]:
    return generate(2400, seed=5, end=END)


@pytest.fixture(scope="module")
def annotations(reviews: list[DemoReview]) -> list[DemoAnnotation]:
    return annotate(reviews, seed=3)


def _pairs(annotations: list[DemoAnnotation]) -> list[tuple[DemoAnnotation, DemoAnnotation]]:
    """Return every two annotations of one review."""
    by_review: dict[int, list[DemoAnnotation]] = {}
    for annotation in annotations:
        by_review.setdefault(annotation.review_index, []).append(annotation)
    return [pair for group in by_review.values() for pair in combinations(group, 2)]


def _share(hits: list[bool]) -> float:
    assert len(hits) > 100
    return sum(hits) / len(hits)


def _of(annotations: list[DemoAnnotation], name: str) -> list[DemoAnnotation]:
    return [annotation for annotation in annotations if annotation.annotator == name]


def test_three_in_four_reviews_are_labelled_and_some_of_them_more_than_once(
    annotations: list[DemoAnnotation],
) -> None:
    per_review = Counter(Counter(a.review_index for a in annotations).values())

    assert per_review[1] == 1440
    assert per_review[2] + per_review[3] == 360
    assert per_review[2] > per_review[3] > 60
    assert {a.annotator for a in annotations} == {"ada", "ben", "chloe"}


def test_nobody_labels_a_review_twice(annotations: list[DemoAnnotation]) -> None:
    keys = [(a.review_index, a.annotator) for a in annotations]

    assert len(set(keys)) == len(keys)
    assert keys == sorted(keys)


def test_the_same_seed_gives_the_same_annotations(
    reviews: list[DemoReview], annotations: list[DemoAnnotation]
) -> None:
    assert annotate(reviews, seed=3) == annotations
    assert annotate(reviews, seed=4) != annotations


def test_sentiments_differ_now_and_then(annotations: list[DemoAnnotation]) -> None:
    agreed = _share([a.sentiment == b.sentiment for a, b in _pairs(annotations)])

    assert 0.70 < agreed < 0.95


def test_ratings_differ_by_two_at_most(annotations: list[DemoAnnotation]) -> None:
    gaps = [abs(a.rating - b.rating) for a, b in _pairs(annotations)]

    assert max(gaps) <= 2
    assert 0.5 < _share([gap == 0 for gap in gaps]) < 0.85


def test_aspects_and_spans_differ_but_overlap(annotations: list[DemoAnnotation]) -> None:
    pairs = _pairs(annotations)
    overlaps = [
        len(a.aspects & b.aspects) / len(a.aspects | b.aspects)
        for a, b in pairs
        if a.aspects | b.aspects
    ]

    assert 0.2 < _share([a.aspects == b.aspects for a, b in pairs]) < 0.8
    assert 0.55 < sum(overlaps) / len(overlaps) < 0.95
    assert 0.1 < _share([a.spans == b.spans for a, b in pairs]) < 0.7


def test_nobody_takes_praise_for_complaint(
    reviews: list[DemoReview], annotations: list[DemoAnnotation]
) -> None:
    for annotation in annotations:
        meant = reviews[annotation.review_index].sentiment
        assert {annotation.sentiment, meant} != {"positive", "negative"}


def test_ada_calls_mixed_reviews_neutral(
    reviews: list[DemoReview], annotations: list[DemoAnnotation]
) -> None:
    def neutral_share(name: str) -> float:
        mixed = [a for a in _of(annotations, name) if is_mixed(reviews[a.review_index])]
        return _share([a.sentiment == "neutral" for a in mixed])

    assert neutral_share("ada") > max(neutral_share("ben"), neutral_share("chloe")) + 0.1


def test_ben_misses_aspects_and_drops_articles(
    reviews: list[DemoReview], annotations: list[DemoAnnotation]
) -> None:
    def missed(name: str) -> float:
        mine = _of(annotations, name)
        return _share([bool(reviews[a.review_index].aspects - a.aspects) for a in mine])

    def with_article(name: str) -> float:
        texts = [
            reviews[a.review_index].text[span.start : span.end].lower()
            for a in _of(annotations, name)
            for span in a.spans
        ]
        return sum(text.startswith("the ") for text in texts) / len(texts)

    assert missed("ben") > max(missed("ada"), missed("chloe")) + 0.1
    assert with_article("ben") < min(with_article("ada"), with_article("chloe")) - 0.2


def test_chloe_moves_ratings_mostly_down(
    reviews: list[DemoReview], annotations: list[DemoAnnotation]
) -> None:
    steps = Counter(a.rating - reviews[a.review_index].rating for a in _of(annotations, "chloe"))

    assert set(steps) == {-1, 0, 1}
    assert 0.2 < (steps[-1] + steps[1]) / steps.total() < 0.45
    assert steps[-1] > 1.5 * steps[1]


def test_spans_are_whole_words_in_order_with_a_ticked_aspect(
    reviews: list[DemoReview], annotations: list[DemoAnnotation]
) -> None:
    for annotation in annotations:
        text = reviews[annotation.review_index].text
        ends = [0, *(span.end for span in annotation.spans)]
        for end, span in zip(ends, annotation.spans, strict=False):
            covered = text[span.start : span.end]
            assert end <= span.start < span.end <= len(text)
            assert covered.strip() == covered
            assert not text[span.end : span.end + 1].isalnum()
            assert span.aspect in annotation.aspects


def test_notes_are_rare_and_true(
    reviews: list[DemoReview], annotations: list[DemoAnnotation]
) -> None:
    noted = [annotation for annotation in annotations if annotation.note]

    assert 0.02 < len(noted) / len(annotations) < 0.15
    for annotation in noted:
        if annotation.note == "Could also be neutral.":
            assert reviews[annotation.review_index].rating == 3


def test_nothing_to_label_gives_no_annotations() -> None:
    assert annotate([], seed=1) == []
