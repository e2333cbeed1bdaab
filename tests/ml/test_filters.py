"""The filters that models add to the table of reviews."""

from collections.abc import Callable

import pytest

from common.errors import Invalid
from ml.models import Evaluation, ModelVersion, Prediction
from projects.models import Project
from reviews.filters import apply_filters
from reviews.models import Review

pytestmark = pytest.mark.django_db


def found(project: Project, **asked: str) -> set[int]:
    pairs = [(name.replace("__", "."), value) for name, value in asked.items()]
    return set(apply_filters(project.reviews.all(), project, pairs).values_list("pk", flat=True))


def test_every_cell_of_a_confusion_matrix_opens_as_many_reviews_as_it_counts(
    trained: Callable[..., ModelVersion], project: Project
) -> None:
    version = trained()
    for key in ("sentiment", "rating"):
        confusion = Evaluation.objects.get(model_version=version, question_key=key).metrics[
            "confusion"
        ]
        for gold, row in zip(confusion["options"], confusion["rows"], strict=True):
            for option, count in zip(confusion["options"], row, strict=True):
                cell = {f"answer__{key}": gold, f"predicted__{key}": option}

                assert len(found(project, split="test", model="1", **cell)) == count, cell


def test_the_champion_is_asked_when_no_version_is_named(
    trained: Callable[..., ModelVersion], project: Project
) -> None:
    trained(), trained(seed=1, questions=("rating",))

    assert found(project, predicted__sentiment="positive")
    with pytest.raises(Invalid, match="Version 2 has no question 'sentiment'"):
        found(project, predicted__sentiment="positive", model="2")


def test_one_of_several_options_is_found(
    trained: Callable[..., ModelVersion], project: Project
) -> None:
    version = trained()
    rows = Prediction.objects.filter(model_version=version, question_key="aspects")
    wanted = {row.review_id for row in rows if "price" in row.value["selected"]}

    assert wanted
    assert found(project, predicted__aspects="price") == wanted
    assert found(project, predicted__aspects="pric") == set()


def test_what_is_not_there_is_said(trained: Callable[..., ModelVersion], project: Project) -> None:
    with pytest.raises(Invalid, match="no model yet"):
        found(project, predicted__sentiment="positive")
    trained()

    with pytest.raises(Invalid, match="no model version '7'"):
        found(project, model="7")
    with pytest.raises(Invalid, match="no question 'colour'"):
        found(project, predicted__colour="red")
    with pytest.raises(Invalid, match="spans cannot be filtered"):
        found(project, predicted__aspect_spans="price")


def test_models_of_other_projects_are_never_asked(
    trained: Callable[..., ModelVersion], labelled: list[Review], mallory: object
) -> None:
    trained()

    with pytest.raises(Invalid, match="no model version"):
        found(Project.objects.get(slug="mallorys"), model="1")
