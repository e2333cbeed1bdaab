"""Whose labels leave with the reviews."""

from typing import Any

import pytest

from accounts.models import User
from labelling import imported, services
from labelling.selectors import current_schema
from projects.models import Project
from reviews import labels
from reviews.answers import ImportedSpan, sink_for
from reviews.models import Review
from tests import factories
from tests.labelling.test_imported import TEXT, import_job

POSITIVE = {"sentiment": "positive", "rating": 4, "aspects": ["quality", "price"]}
SPAN = {"start": 4, "end": 9, "text": "price", "option": "price", "polarity": "positive"}


@pytest.fixture
def review(project: Project) -> Review:
    return factories.review(project, TEXT)


def load(project: Project, key: str, *reviews: Review) -> dict[int, list[labels.Labels]]:
    """Load the labels of one source."""
    return labels.source_of(project, key).load(project, [review.pk for review in reviews])


def test_every_annotator_keeps_their_own_labels(
    project: Project, review: Review, owner: User
) -> None:
    services.record_annotation(
        review=review, annotator=owner, answers=POSITIVE | {"aspect_spans": [SPAN]}
    )
    imported.store_said(
        project=project,
        rows=[(review.pk, "ann", {"sentiment": "negative"})],
        import_job_id=import_job(review.dataset).pk,
    )

    found = load(project, "annotators", review)[review.pk]

    assert [(each.annotator, each.version) for each in found] == [("olga-owner", 1), ("ann", 1)]
    assert found[0].answers == {
        "sentiment": "positive",
        "rating": 4.0,
        "aspects": ["quality", "price"],
        "aspect_spans": [SPAN],
    }
    assert found[1].answers == {"sentiment": "negative"}


def test_a_namesake_of_somebody_who_annotates_here_stays_apart(
    project: Project, review: Review, owner: User
) -> None:
    services.record_annotation(review=review, annotator=owner, answers=POSITIVE)
    imported.store_said(
        project=project,
        rows=[(review.pk, name, {"sentiment": "negative"}) for name in ("olga-owner", "x" * 200)],
        import_job_id=import_job(review.dataset).pk,
    )

    names = [each.annotator for each in load(project, "annotators", review)[review.pk]]

    assert names[:2] == ["olga-owner", "shop/olga-owner"]
    assert names[2].startswith("shop/xxx")
    assert len(set(names)) == 3


def test_gold_has_what_was_imported_and_consensus_only_what_was_said(
    project: Project, review: Review, owner: User
) -> None:
    other = factories.review(project)
    sink_for(project).store(
        [
            (review.pk, {"aspect_spans": (ImportedSpan(4, 9, "price", "positive"),)}),
            (other.pk, {"rating": 2.0}),
        ]
    )
    services.record_annotation(review=review, annotator=owner, answers=POSITIVE)

    gold = load(project, "gold", review, other)
    consensus = load(project, "consensus", review, other)

    assert gold[other.pk] == [labels.Labels("gold", {"rating": 2.0}, 1)]
    assert gold[review.pk][0].answers["aspect_spans"] == [SPAN]
    assert set(consensus) == {review.pk}
    assert consensus[review.pk][0].annotator == "consensus"
    assert set(consensus[review.pk][0].answers) == {"sentiment", "rating", "aspects"}


def test_the_questions_are_described(project: Project) -> None:
    for key in ("gold", "consensus", "annotators"):
        source = labels.source_of(project, key)
        described = source.questions(project)
        asked = current_schema(project).questions
        assert [(each.key, each.kind, each.has_polarity) for each in described] == [
            (each.key, each.kind, each.has_polarity) for each in asked
        ]
        assert described[0].options == ("negative", "neutral", "positive")
        assert source.names_people is (key == "annotators")


@pytest.mark.parametrize(("key", "most"), [("gold", 8), ("consensus", 8), ("annotators", 12)])
def test_more_reviews_take_no_more_queries(
    project: Project,
    owner: User,
    key: str,
    most: int,
    django_assert_max_num_queries: Any,
) -> None:
    reviews = [factories.review(project, TEXT) for _ in range(30)]
    for review in reviews:
        services.record_annotation(review=review, annotator=owner, answers=POSITIVE)

    with django_assert_max_num_queries(most):
        found = load(project, key, *reviews)

    assert len(found) == 30
