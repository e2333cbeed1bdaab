"""Imported answers, the filters of the review table, rankings and suggestions."""

import threading
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from common.errors import Invalid
from labelling import selectors, services
from labelling.models import Gold, LabelSchema, Suggestion
from labelling.selectors import current_schema, gold_examples
from labelling.sink import GoldSink
from projects.models import Project
from reviews import splitting
from reviews.answers import ImportedSpan, sink_for
from reviews.filters import apply_filters
from reviews.models import Review
from tests import factories


@pytest.fixture
def clothes(owner: User) -> Project:
    return factories.project(owner=owner, slug="clothes", preset="clothing-reviews")


@pytest.mark.parametrize(
    ("key", "cell", "value"),
    [
        ("rating", "4", 4.0),
        ("rating", " 4.0 ", 4.0),
        ("rating", "", None),
        ("sentiment", "Positive", "positive"),
        ("sentiment", "NEGATIVE", "negative"),
        ("aspects", "price; Value for money", frozenset({"price", "value_for_money"})),
        ("aspects", "price|shipping|", frozenset({"price", "shipping"})),
    ],
)
def test_cells_become_answers(project: Project, key: str, cell: str, value: Any) -> None:
    assert sink_for(project).parse(key, cell) == value


@pytest.mark.parametrize(
    ("key", "cell", "value"),
    [
        ("recommended", "1", "yes"),
        ("recommended", "0", "no"),
        ("recommended", "True", "yes"),
        ("recommended", "no", "no"),
        ("rating", "5", "5"),
        ("rating", "5.0", "5"),
        ("department", "tops", "Tops"),
    ],
)
def test_two_options_take_yes_and_no_in_many_words(
    clothes: Project, key: str, cell: str, value: str
) -> None:
    assert sink_for(clothes).parse(key, cell) == value


@pytest.mark.parametrize(
    ("key", "cell", "says"),
    [
        ("rating", "five", '"five" is not a number from 1 to 5'),
        ("rating", "6", '"6" is not a number from 1 to 5'),
        ("rating", "3.5", '"3.5" is not a number from 1 to 5'),
        ("rating", "nan", '"nan" is not a number from 1 to 5'),
        ("sentiment", "so-so", '"so-so" is none of Negative, Neutral, Positive'),
        ("aspects", "price;smell", '"smell" is none of'),
    ],
)
def test_a_wrong_cell_is_refused_with_a_sentence(
    project: Project, key: str, cell: str, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        sink_for(project).parse(key, cell)


def test_every_question_can_be_answered_spans_by_a_list_of_them(project: Project) -> None:
    sink = sink_for(project)

    assert set(sink.questions()) == {"sentiment", "rating", "aspects", "aspect_spans"}
    marks = sink.parse("aspect_spans", '[{"start": 0, "end": 5, "label": "Price"}]')
    assert marks == (ImportedSpan(0, 5, "price"),)


def test_a_list_of_words_answers_where_several_may_be_chosen(project: Project) -> None:
    sink = sink_for(project)

    assert sink.parse("aspects", '["Price", "quality"]') == {"price", "quality"}
    assert sink.parse("aspects", "[]") == frozenset()
    assert sink.parse("sentiment", '["Positive"]') == "positive"
    with pytest.raises(ValueError, match="several options"):
        sink.parse("sentiment", '["positive", "negative"]')


def test_imported_answers_are_gold(project: Project) -> None:
    sink = GoldSink(project)
    dataset = factories.dataset(project)
    whole, part = (factories.review(project, dataset=dataset) for _ in range(2))

    sink.store(
        [
            (whole.pk, {"sentiment": "positive", "rating": 4.0, "aspects": frozenset({"price"})}),
            (part.pk, {"sentiment": None, "rating": 2.0}),
        ]
    )

    splitting.freeze(project)
    first, second = gold_examples(project)
    assert first.answers == {"sentiment": "positive", "rating": 4.0, "aspects": {"price"}}
    assert second.answers == {"rating": 2.0}
    assert set(Gold.objects.values_list("source", flat=True)) == {"imported"}
    assert LabelSchema.objects.get(project=project).frozen_at is not None


def test_answers_parsed_before_a_change_of_questions_go_to_the_new_ones(
    project: Project, owner: User
) -> None:
    sink = GoldSink(project)
    review = factories.review(project)
    kept = [each for each in current_schema(project).questions if each.key != "rating"]
    services.create_version(project=project, questions=kept, actor=owner)

    sink.store([(review.pk, {"sentiment": "positive", "rating": 4.0})])

    splitting.freeze(project)
    assert next(gold_examples(project)).answers == {"sentiment": "positive"}
    assert Gold.objects.count() == 1


def test_answers_are_complete_when_no_required_question_is_open(project: Project) -> None:
    sink = GoldSink(project)
    every = {"sentiment": "positive", "rating": 4.0, "aspects": frozenset[str]()}

    assert sink.is_complete(every)
    assert not sink.is_complete(every | {"rating": None})
    assert not sink.is_complete({"rating": 4.0})


def test_gold_of_unfinished_imports_is_not_trained_on(project: Project) -> None:
    dataset = factories.dataset(project)
    review = factories.review(project, dataset=dataset)
    GoldSink(project).store([(review.pk, {"rating": 4.0})])
    splitting.freeze(project)
    dataset.refresh_from_db()
    dataset.is_ready = False
    dataset.save()

    assert list(gold_examples(project)) == []


def found(project: Project, name: str, value: str) -> list[int]:
    reviews = apply_filters(Review.objects.filter(project=project), project, [(name, value)])
    return list(reviews.order_by("pk").values_list("pk", flat=True))


def test_reviews_are_found_by_their_gold(project: Project) -> None:
    dataset = factories.dataset(project)
    reviews = [
        factories.review(project, dataset=dataset, is_labelled=number == 0) for number in range(3)
    ]
    GoldSink(project).store(
        [
            (reviews[0].pk, {"sentiment": "positive", "rating": 4.0, "aspects": frozenset()}),
            (reviews[1].pk, {"sentiment": "negative", "rating": 5.0}),
        ]
    )

    assert found(project, "answer.sentiment", "positive") == [reviews[0].pk]
    assert found(project, "answer.rating", "4") == [reviews[0].pk]
    assert found(project, "answer.aspects", "price") == []
    assert found(project, "labelled", "yes") == [reviews[0].pk]
    assert found(project, "labelled", "no") == [reviews[1].pk, reviews[2].pk]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("labelled", "maybe"),
        ("answer.colour", "red"),
        ("answer.sentiment", "great"),
        ("answer.rating", "many"),
        pytest.param("answer.rating", "9" * 400, id="more digits than a float has"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(project: Project, name: str, value: str) -> None:
    with pytest.raises(Invalid):
        found(project, name, value)


def test_ranking_touches_only_the_project(project: Project, mallory: User) -> None:
    mine = factories.review(project)
    other = factories.review(Project.objects.get(slug="mallorys"), priority=0.1)

    services.rank_reviews(project=project, scores=[(mine.pk, 0.7), (other.pk, 0.9)], version=3)

    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.priority, mine.ranked_by) == (0.7, 3)
    assert mine.ranked_at is not None
    assert (other.priority, other.ranked_by) == (0.1, None)


def test_new_suggestions_replace_old_ones(project: Project, mallory: User) -> None:
    mine = factories.review(project)
    other = factories.review(Project.objects.get(slug="mallorys"))

    for version, value in ((1, "neutral"), (2, "positive")):
        services.store_suggestions(
            project=project,
            version=version,
            rows=[
                services.Suggested(mine.pk, "sentiment", value, 0.8),
                services.Suggested(other.pk, "sentiment", value, 0.8),
            ],
        )

    suggestion = Suggestion.objects.get()
    assert (suggestion.review_id, suggestion.value) == (mine.pk, "positive")
    assert suggestion.model_version == 2


@pytest.mark.django_db(transaction=True)
def test_what_reads_gold_may_write_while_others_do(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "CHUNK", 1)
    sink = GoldSink(project)
    dataset = factories.dataset(project)
    # More than a cursor fetches ahead of what it is asked for.
    rows = [factories.review(project, dataset=dataset) for _ in range(250)]
    sink.store([(review.pk, {"rating": 4.0}) for review in rows])

    def write() -> None:
        Project.objects.filter(pk=project.pk).update(name="Another")
        connection.close()

    splitting.freeze(project)
    examples = gold_examples(project)
    assert next(examples).answers == {"rating": 4.0}
    other = threading.Thread(target=write)
    other.start()
    other.join()
    Project.objects.filter(pk=project.pk).update(name="A third")

    assert len(list(examples)) == 249
