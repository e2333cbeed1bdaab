"""What a model says about reviews, for those who take reviews out."""

import pytest

from common.errors import Invalid
from ml import label_sources
from ml.core.config import HeadConfig, Kind, TrainConfig
from ml.core.config import Tier as ConfigTier
from ml.models import ModelVersion, Prediction, Tier, TrainingRun
from projects.models import Project
from reviews import labels
from reviews.models import Review
from tests import factories

pytestmark = pytest.mark.django_db

HEADS = (
    HeadConfig("sentiment", Kind.CHOICE, ("negative", "neutral", "positive")),
    HeadConfig("rating", Kind.NUMBER, minimum=1, maximum=5, is_integer=True),
)


def version(project: Project, number: int, *, is_champion: bool = False) -> ModelVersion:
    config = TrainConfig(tier=ConfigTier.TFIDF, heads=HEADS).to_json()
    run = TrainingRun.objects.create(
        project=project, number=number, tier=Tier.TFIDF, encoder="tfidf", config=config
    )
    return ModelVersion.objects.create(
        project=project,
        number=number,
        training_run=run,
        tier=Tier.TFIDF,
        encoder="tfidf",
        directory=f"v{number}",
        manifest_sha256="0" * 64,
        is_champion=is_champion,
    )


def predicted(review: Review, by: ModelVersion, option: str) -> None:
    value = {"option": option, "confidence": 0.9, "probabilities": {}}
    Prediction.objects.create(
        model_version=by, review=review, question_key="sentiment", option=option, value=value
    )


@pytest.fixture
def review(project: Project) -> Review:
    return factories.review(project)


def test_the_champion_answers_where_no_version_is_named(project: Project, review: Review) -> None:
    old, champion = version(project, 1), version(project, 2, is_champion=True)
    predicted(review, old, "negative")
    predicted(review, champion, "positive")

    source = labels.source_of(project, "model")

    assert source.load(project, [review.pk]) == {
        review.pk: [labels.Labels("model", {"sentiment": "positive"}, 2)]
    }
    assert [question.key for question in source.questions(project)] == ["sentiment", "rating"]


def test_a_version_can_be_named(project: Project, review: Review) -> None:
    predicted(review, version(project, 1), "negative")
    version(project, 2, is_champion=True)

    source = labels.source_of(project, "model", {"version": "1"})

    assert source.load(project, [review.pk])[review.pk][0].answers == {"sentiment": "negative"}


def test_a_promotion_meanwhile_changes_nothing(project: Project, review: Review) -> None:
    old = version(project, 1, is_champion=True)
    predicted(review, old, "negative")
    source = labels.source_of(project, "model")
    ModelVersion.objects.update(is_champion=False)
    predicted(review, version(project, 2, is_champion=True), "positive")

    assert source.load(project, [review.pk])[review.pk][0].version == 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "no model yet"),
        ({"version": "7"}, "no model version '7'"),
        ({"version": "x"}, "no model version 'x'"),
        ({"tier": "full"}, "asked for a version"),
    ],
)
def test_what_is_not_there_is_refused(
    settings: dict[str, str], says: str, project: Project
) -> None:
    with pytest.raises(Invalid, match=says):
        labels.source_of(project, "model", settings)


def test_registering_twice_leaves_one_source() -> None:
    before = [source.key for source in labels.sources()]

    label_sources.register()

    assert [source.key for source in labels.sources()] == before
