"""What an import brings: spans, people known from the file only, and gold that it renews."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.external import external_person
from accounts.models import User
from labelling import gold, imported, services
from labelling.adjudication import adjudicate, take_back
from labelling.changes import AddOption
from labelling.models import Annotation, Gold, GoldSource, GoldSpan
from labelling.selectors import current_schema
from labelling.snapshot import OptionSnapshot, QuestionSnapshot
from labelling.spans import SpanValue
from labelling.spoken import statements
from labelling.versions import change_questions
from projects.models import Project, Role
from reviews.answers import ImportedSpan, sink_for
from reviews.models import Dataset, ImportJob, Review, Upload
from tests import factories

TEXT = "The price is fine but shipping took weeks."
PRICE, SHIPPING = ImportedSpan(4, 9, "price", "positive"), ImportedSpan(22, 30, "shipping")

ASPECTS = QuestionSnapshot(
    key="aspects",
    name="Aspects",
    kind="spans",
    options=(OptionSnapshot("price", "Price"), OptionSnapshot("on_time", "On time")),
    has_polarity=True,
)


def import_job(dataset: Dataset) -> ImportJob:
    """Make the row of an import into a data set."""
    upload = Upload.objects.create(project=dataset.project, original_name="a.csv")
    return ImportJob.objects.create(dataset=dataset, upload=upload)


@pytest.fixture
def review(project: Project) -> Review:
    return factories.review(project, TEXT)


@pytest.fixture
def job(review: Review) -> ImportJob:
    return import_job(review.dataset)


def say(project: Project, job: ImportJob, *rows: tuple[int, str, Mapping[str, Any]]) -> list[bool]:
    """Store what people said, as the import does."""
    return imported.store_said(project=project, rows=rows, import_job_id=job.pk)


def held(project: Project, review: Review) -> Mapping[str, Any]:
    """Return the gold of a review."""
    return gold.held(project, current_schema(project), [review.pk]).get(review.pk, {})


def is_labelled(review: Review) -> bool:
    """Ask the database whether a review is labelled."""
    return Review.objects.get(pk=review.pk).is_labelled


WHOLE = {"sentiment": "positive", "rating": 4.0, "aspects": frozenset({"price"})}


# --- Spans in a cell ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "spans"),
    [
        ([], []),
        ([{"start": 4, "end": 9, "label": "price"}], [ImportedSpan(4, 9, "price")]),
        ([{"start": 4, "end": 9, "option": "On Time"}], [ImportedSpan(4, 9, "on_time")]),
        ([[4, 9, "PRICE"]], [ImportedSpan(4, 9, "price")]),
        (
            [{"start": 4, "end": 9, "label": "price", "polarity": "Negative"}],
            [ImportedSpan(4, 9, "price", "negative")],
        ),
        (
            [[20, 22, "price"], [0, 3, "price"], [0, 3, "price"]],
            [ImportedSpan(0, 3, "price"), ImportedSpan(20, 22, "price")],
        ),
    ],
)
def test_lists_of_spans_are_read(raw: list[Any], spans: list[ImportedSpan]) -> None:
    assert imported.parse_spans(ASPECTS, json.dumps(raw)) == tuple(spans)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("price", "is no list of spans"),
        ('{"start": 1}', "is no list of spans"),
        ("[" * 100_000, "is no list of spans"),
        ('[{"start": 1, "end": 2, "label": "smell"}]', '"smell" is none of Price, On time'),
        ('[{"start": 1, "end": 2}]', "names no option"),
        ('[{"start": 3, "end": 3, "label": "price"}]', "3 to 3 is no range"),
        ('[{"start": -1, "end": 3, "label": "price"}]', "-1 to 3 is no range"),
        ('[{"start": "1", "end": 3, "label": "price"}]', "whole numbers"),
        ('[{"start": true, "end": 3, "label": "price"}]', "whole numbers"),
        ("[[1, 2]]", "a list of the three"),
        ("[7]", "a list of the three"),
        ('[{"start": 1, "end": 2, "label": "price", "polarity": "so-so"}]', '"so-so" is none of'),
        (json.dumps([[n, n + 1, "price"] for n in range(501)]), "501 spans are more than"),
    ],
)
def test_what_is_no_list_of_spans_is_refused_with_a_sentence(raw: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        imported.parse_spans(ASPECTS, raw)


def test_polarity_is_kept_only_where_it_is_asked_for() -> None:
    plain = QuestionSnapshot(key="x", name="X", kind="spans", options=ASPECTS.options)
    raw = '[{"start": 1, "end": 2, "label": "price", "polarity": "positive"}]'

    assert imported.parse_spans(plain, raw) == (ImportedSpan(1, 2, "price"),)


def test_imported_spans_become_gold_with_their_text(project: Project, review: Review) -> None:
    sink_for(project).store([(review.pk, {"aspect_spans": (PRICE, SHIPPING, PRICE)})])

    spans = GoldSpan.objects.filter(review=review).order_by("start")
    assert [(each.text, each.option.key, each.polarity) for each in spans] == [
        ("price", "price", "positive"),
        ("shipping", "shipping", ""),
    ]
    assert held(project, review)["aspect_spans"][0] == SpanValue(4, 9, "price", "positive", "price")


def test_a_span_beyond_the_text_is_refused(project: Project, review: Review) -> None:
    beyond = ImportedSpan(40, 60, "price")

    with pytest.raises(ValueError, match="goes beyond the text"):
        imported.store_gold_spans(
            project=project,
            schema=current_schema(project),
            rows=[(review.pk, {"aspect_spans": (beyond,)})],
        )


def test_gold_spans_that_nobody_spoke_of_outlive_a_consensus(
    project: Project, review: Review, owner: User
) -> None:
    sink_for(project).store([(review.pk, {"aspect_spans": (PRICE,)})])

    services.record_annotation(
        review=review,
        annotator=owner,
        answers={"sentiment": "positive", "rating": 4, "aspects": ["price"]},
    )

    assert GoldSpan.objects.filter(review=review).count() == 1
    assert "aspect_spans" in held(project, review)


# --- What people said -----------------------------------------------------------------------------


def test_everybody_in_a_file_gets_an_annotation_of_their_own(
    project: Project, review: Review, job: ImportJob
) -> None:
    written = say(
        project,
        job,
        (review.pk, "ann", WHOLE),
        (review.pk, "bob", WHOLE | {"sentiment": "negative", "rating": 1.0}),
        (review.pk, "cyd", WHOLE | {"aspect_spans": (PRICE,)}),
    )

    assert written == [True, True, True]
    said = statements([review.pk], current_schema(project))[review.pk]
    names = {person.pk: person.shown_name for person in User.objects.filter(is_external=True)}
    assert {names[each.annotator_id]: each.answers["sentiment"] for each in said} == {
        "ann": "positive",
        "bob": "negative",
        "cyd": "positive",
    }
    assert held(project, review) == WHOLE | {
        "aspect_spans": (SpanValue(4, 9, "price", "positive", "price"),)
    }
    assert is_labelled(review)
    assert set(Annotation.objects.values_list("import_job", flat=True)) == {job.pk}
    assert Annotation.objects.filter(schema__frozen_at=None).count() == 0


def test_nothing_is_put_into_the_mouth_of_a_member(
    project: Project, review: Review, job: ImportJob
) -> None:
    member = factories.member(project, Role.ANNOTATOR, "ann")

    say(project, job, (review.pk, "ann", WHOLE))

    assert not Annotation.objects.filter(annotator=member).exists()
    assert Annotation.objects.get().annotator == external_person(project.slug, "ann")


def test_who_speaks_twice_said_the_first(project: Project, review: Review, job: ImportJob) -> None:
    later = WHOLE | {"sentiment": "negative"}

    written = say(project, job, (review.pk, "ann", WHOLE), (review.pk, " ann ", later))
    again = say(project, job, (review.pk, "ann", later), (review.pk, "bob", WHOLE))

    assert (written, again) == ([True, False], [False, True])
    assert held(project, review)["sentiment"] == "positive"


def test_answers_that_leave_something_open_leave_the_review_in_the_queue(
    project: Project, review: Review, job: ImportJob
) -> None:
    say(project, job, (review.pk, "ann", {"sentiment": "positive"}))
    assert not is_labelled(review)
    assert held(project, review) == {"sentiment": "positive"}

    say(project, job, (review.pk, "bob", {"rating": 4.0, "aspects": frozenset()}))
    assert is_labelled(review)


def test_imported_gold_and_the_words_of_annotators_fill_each_other_in(
    project: Project, review: Review, job: ImportJob
) -> None:
    sink_for(project).store([(review.pk, {"rating": 2.0, "aspects": frozenset({"price"})})])

    say(project, job, (review.pk, "ann", {"sentiment": "negative", "rating": 3.0}))

    assert held(project, review) == {
        "sentiment": "negative",
        "rating": 3.0,
        "aspects": frozenset({"price"}),
    }
    assert is_labelled(review)


def test_what_the_questions_no_longer_allow_is_left_out(
    project: Project, review: Review, job: ImportJob
) -> None:
    written = say(
        project,
        job,
        (review.pk, "ann", {"mood": "great"}),
        (review.pk, "bob", {"sentiment": "mixed", "rating": 9.0}),
        (review.pk, "cyd", {"sentiment": "mixed", "rating": 3.0}),
    )

    assert written == [False, False, True]
    assert held(project, review) == {"rating": 3.0}


def test_reviews_of_another_project_are_not_touched(
    project: Project, job: ImportJob, mallory: User
) -> None:
    theirs = factories.review(Project.objects.get(slug="mallorys"))

    with pytest.raises(KeyError):
        say(project, job, (theirs.pk, "ann", WHOLE))

    assert not Annotation.objects.exists()


def test_many_annotations_take_a_handful_of_queries(
    project: Project, job: ImportJob, django_assert_max_num_queries: Any
) -> None:
    dataset = job.dataset
    reviews = [factories.review(project, dataset=dataset) for _ in range(60)]
    rows = [(each.pk, f"w{n}", WHOLE) for each in reviews for n in range(5)]
    current_schema(project)

    with django_assert_max_num_queries(40):
        assert all(say(project, job, *rows))

    assert Annotation.objects.count() == 300


def test_undoing_takes_the_words_away_and_leaves_the_rest(
    project: Project, review: Review, job: ImportJob, owner: User
) -> None:
    other = factories.review(project, TEXT + "!")
    sink_for(project).store([(review.pk, {"rating": 2.0})])
    services.record_annotation(
        review=other,
        annotator=owner,
        answers={"sentiment": "negative", "rating": 1, "aspects": []},
    )
    say(project, job, (review.pk, "ann", WHOLE | {"rating": 5.0}), (other.pk, "ann", WHOLE))
    before = dict(held(project, other))

    counts = []
    while count := imported.remove_imported(project=project, import_job_id=job.pk, limit=1):
        counts.append(count)

    assert counts == [1, 1]
    assert before["sentiment"] == "negative"
    assert held(project, other) == {"sentiment": "negative", "rating": 1.0, "aspects": frozenset()}
    assert (is_labelled(review), is_labelled(other)) == (False, True)
    assert not User.objects.filter(is_external=True).exists()


# --- The bulk consensus is the consensus ----------------------------------------------------------

_SPANS = st.lists(
    st.builds(
        lambda start, length, option, polarity: ImportedSpan(
            start, start + length, option, polarity
        ),
        st.sampled_from([4, 5, 22]),
        st.sampled_from([4, 5]),
        st.sampled_from(["price", "shipping"]),
        st.sampled_from(["", "positive", "negative"]),
    ),
    max_size=3,
).map(tuple)

_ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "sentiment": st.sampled_from(["positive", "neutral", "negative"]),
        "rating": st.sampled_from([1.0, 2.0, 5.0]),
        "aspects": st.frozensets(st.sampled_from(["price", "quality", "shipping"])),
        "aspect_spans": _SPANS,
    },
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    given_gold=_ANSWERS, said=st.lists(_ANSWERS, max_size=4), rest=st.lists(_ANSWERS, max_size=2)
)
def test_many_at_once_come_to_what_one_by_one_comes_to(
    project: Project,
    given_gold: Mapping[str, Any],
    said: Sequence[Mapping[str, Any]],
    rest: Sequence[Mapping[str, Any]],
) -> None:
    first, second = factories.review(project, TEXT), factories.review(project, TEXT)
    job = import_job(first.dataset)
    for review in (first, second):
        sink_for(project).store([(review.pk, given_gold)])
        say(project, job, *((review.pk, f"w{n}", answers) for n, answers in enumerate(said)))
    schema = current_schema(project)
    Annotation.objects.filter(review=first, annotator__first_name="w0").delete()
    Annotation.objects.filter(review=second, annotator__first_name="w0").delete()

    gold.recompute(first, schema, gold.spoken_about(first, schema))
    gold.recompute_many(project, schema, [second.pk])

    assert _rows(first) == _rows(second)
    assert held(project, first) == held(project, second)
    spoken = [each.answers for each in statements([second.pk], schema).get(second.pk, [])]
    assert spoken == gold.spoken_about(second, schema)


def _rows(review: Review) -> tuple[set[Any], set[Any]]:
    answers = Gold.objects.filter(review=review).values_list(
        "question_id", "slot", "option_id", "number", "source"
    )
    spans = GoldSpan.objects.filter(review=review).values_list(
        "question_id", "option_id", "start", "end", "text", "polarity"
    )
    return set(answers), set(spans)


def test_answers_to_older_questions_are_matched_by_key(
    project: Project, review: Review, job: ImportJob, owner: User
) -> None:
    say(project, job, (review.pk, "ann", WHOLE), (review.pk, "bob", {"sentiment": "neutral"}))
    before = current_schema(project)
    sentiment = before.questions[0]
    kept = tuple(each for each in sentiment.options if each.key != "neutral")
    services.create_version(
        project=project,
        questions=[
            QuestionSnapshot(key="sentiment", name="Mood", kind="choice", options=kept),
            before.questions[2],
        ],
        actor=owner,
    )
    schema = current_schema(project)

    found = [each.answers for each in statements([review.pk], schema)[review.pk]]

    assert found == [{"sentiment": "positive", "aspects": frozenset({"price"})}, {}]
    assert found == gold.spoken_about(review, schema)


# --- Gold that an import renews -------------------------------------------------------------------


def test_an_update_renews_imported_gold_and_its_undo_brings_it_back(
    project: Project, review: Review
) -> None:
    old = {"sentiment": "negative", "rating": 1.0, "aspect_spans": (PRICE,)}
    sink_for(project).store([(review.pk, old)])
    before = dict(held(project, review))

    change = imported.update_gold(
        project=project,
        rows=[
            (review.pk, {"sentiment": "neutral", "aspects": frozenset({"price"})}),
            (review.pk, {"sentiment": "positive", "rating": None, "aspect_spans": (SHIPPING,)}),
        ],
    )

    after = held(project, review)
    assert (after["sentiment"], after["rating"]) == ("positive", 1.0)
    assert after["aspects"] == frozenset({"price"})
    assert [span.text for span in after["aspect_spans"]] == ["shipping"]
    assert is_labelled(review)

    kept = json.loads(json.dumps(change[review.pk]))
    imported.restore_gold(project=project, rows=[(review.pk, kept)])

    assert held(project, review) == before
    assert set(Gold.objects.values_list("source", flat=True)) == {GoldSource.IMPORTED}
    assert not is_labelled(review)


def test_an_update_leaves_what_people_said(project: Project, review: Review, owner: User) -> None:
    services.record_annotation(
        review=review,
        annotator=owner,
        answers={"sentiment": "negative", "rating": 1, "aspects": []},
    )

    change = imported.update_gold(
        project=project, rows=[(review.pk, {"sentiment": "positive", "aspect_spans": (PRICE,)})]
    )

    assert held(project, review)["sentiment"] == "negative"
    assert list(change[review.pk]["answers"]) == ["aspect_spans"]
    imported.restore_gold(project=project, rows=[(review.pk, change[review.pk])])
    assert set(held(project, review)) == {"sentiment", "rating", "aspects"}
    assert is_labelled(review)


def test_an_undo_leaves_what_has_changed_since(project: Project, review: Review) -> None:
    sink_for(project).store([(review.pk, {"rating": 1.0})])
    first = imported.update_gold(project=project, rows=[(review.pk, {"rating": 2.0})])
    imported.update_gold(project=project, rows=[(review.pk, {"rating": 3.0})])

    imported.restore_gold(project=project, rows=list(first.items()))

    assert held(project, review) == {"rating": 3.0}


def test_an_undo_while_a_decision_holds_is_not_undone_by_its_end(
    project: Project, review: Review, owner: User
) -> None:
    sink_for(project).store([(review.pk, {"sentiment": "negative"})])
    change = imported.update_gold(
        project=project, rows=[(review.pk, {"sentiment": "neutral", "rating": 2.0})]
    )
    decided = {"sentiment": "positive", "rating": 5}
    adjudicate(review=review, reviewer=owner, schema_version=1, answers=decided)

    imported.restore_gold(project=project, rows=list(change.items()))

    assert held(project, review) == {"sentiment": "positive", "rating": 5.0}
    take_back(review=review, reviewer=owner)
    assert held(project, review) == {"sentiment": "negative"}


def test_an_undo_reaches_what_a_decision_about_older_questions_put_aside(
    project: Project, review: Review, owner: User
) -> None:
    sink_for(project).store([(review.pk, {"sentiment": "negative", "rating": 3.0})])
    first = imported.update_gold(
        project=project, rows=[(review.pk, {"sentiment": "neutral", "rating": 2.0})]
    )
    later = imported.update_gold(project=project, rows=[(review.pk, {"rating": 4.0})])
    decided = {"sentiment": "positive", "rating": 5}
    adjudicate(review=review, reviewer=owner, schema_version=1, answers=decided)
    more = AddOption(question="sentiment", option=OptionSnapshot("mixed", "Mixed"))
    change_questions(project=project, changes=[more], actor=owner)

    imported.restore_gold(project=project, rows=list(first.items()))
    take_back(review=review, reviewer=owner)

    # The rating came from a later import, which stands.
    assert list(later[review.pk]["answers"]) == ["rating"]
    assert held(project, review) == {"sentiment": "negative", "rating": 4.0}


def test_the_same_answer_again_changes_nothing(project: Project, review: Review) -> None:
    sink_for(project).store([(review.pk, {"rating": 1.0})])

    change = imported.update_gold(project=project, rows=[(review.pk, {"rating": 1.0})])

    assert change == {review.pk: {"answers": {}}}
    assert held(project, review) == {"rating": 1.0}


def test_constraints_of_the_database_hold_for_what_is_written_in_bulk(
    project: Project, review: Review, job: ImportJob
) -> None:
    say(project, job, (review.pk, "ann", WHOLE | {"aspect_spans": (PRICE,)}))

    connection.check_constraints()
