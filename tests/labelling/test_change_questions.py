"""Changing the questions of a project that has answers: gold, old answers, reviews asked again."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, User
from common.errors import Conflict, Invalid
from jobs.lease import claim_one
from jobs.models import Job
from jobs.worker import run_here
from labelling import change_job, gold, services
from labelling.changes import (
    AddOption,
    AddQuestion,
    Adjust,
    Change,
    Merge,
    RemoveQuestion,
    Rename,
    Retire,
    SetBounds,
    Split,
    apply,
)
from labelling.models import (
    Annotation,
    Assignment,
    Gold,
    GoldSource,
    GoldSpan,
    LabelSchema,
    OpenReview,
    Suggestion,
)
from labelling.preview import Fate, Preview, preview
from labelling.reading import Reading
from labelling.selectors import current_schema
from labelling.services import Suggested
from labelling.snapshot import OptionSnapshot, QuestionSnapshot
from labelling.spans import SpanValue
from labelling.spoken import statements
from labelling.versions import change_questions
from projects.models import Project, Role
from reviews.models import Review
from tests import factories

TEXT = "The price was good, the quality was not."
ANSWERS: dict[str, Any] = {
    "sentiment": "positive",
    "rating": 4,
    "aspects": ["price", "quality"],
    "aspect_spans": [
        {"start": 4, "end": 9, "text": "price", "option": "price", "polarity": "positive"},
        {"start": 24, "end": 31, "text": "quality", "option": "quality", "polarity": "negative"},
    ],
}
MERGE = [
    Merge(question=key, options=("price", "quality"), into="worth", name="Worth")
    for key in ("aspects", "aspect_spans")
]
PARTS = (OptionSnapshot("glad", "Glad"), OptionSnapshot("thrilled", "Thrilled", 2))
SPLIT = Split(question="sentiment", option="positive", into=PARTS, reopen=True)


@pytest.fixture
def anna(project: Project) -> User:
    return factories.member(project, Role.ANNOTATOR, "anna")


def said(project: Project, person: User, **answers: Any) -> Review:
    """Have somebody answer a review through the queue."""
    review = factories.review(project, TEXT)
    answer(review, person, **answers)
    return review


def answer(review: Review, person: User, **answers: Any) -> Annotation:
    assignment = Assignment.objects.create(
        project=review.project,
        review=review,
        annotator=person,
        seat=review.assignments.count(),
        lease_until=timezone.now() + timedelta(minutes=5),
    )
    return services.submit(
        assignment=assignment,
        annotator=person,
        schema_version=current_schema(review.project).version,
        answers=ANSWERS | answers,
    )


def held(project: Project, review: Review) -> dict[str, Any]:
    return gold.held(project, current_schema(project), [review.pk]).get(review.pk, {})


def change(project: Project, *changes: Change, actor: User | None = None) -> None:
    change_questions(project=project, changes=changes, actor=actor)


def look(project: Project, *changes: Change) -> Preview:
    before = current_schema(project)
    applied = apply(before.questions, changes)
    return preview(project, before, changes, applied, is_large=False)


def read(review: Review) -> dict[str, Any]:
    """Return what the one annotation of a review reads as now, in both ways that there are."""
    schema = current_schema(review.project)
    [one] = gold.spoken_about(review, schema)
    [other] = statements([review.pk], schema)[review.pk]
    assert one == other.answers
    return one


def span(start: int, end: int, option: str, polarity: str) -> SpanValue:
    return SpanValue(start, end, option, polarity, TEXT[start:end])


# --- Gold and old answers -------------------------------------------------------------------------


def test_gold_and_answers_follow_a_merge(project: Project, anna: User) -> None:
    review = said(project, anna)

    change(project, *MERGE)

    expected = {
        "sentiment": "positive",
        "rating": 4.0,
        "aspects": frozenset({"worth"}),
        "aspect_spans": (span(4, 9, "worth", "positive"), span(24, 31, "worth", "negative")),
    }
    assert held(project, review) == expected
    assert read(review) == expected
    assert Gold.objects.filter(review=review).count() == 4
    annotation = Annotation.objects.get()
    assert annotation.schema.version == 1


def test_gold_of_a_review_with_a_split_option_stays_with_its_version(
    project: Project, anna: User
) -> None:
    glad, sad = said(project, anna), said(project, anna, sentiment="negative")

    change(project, SPLIT)

    assert "sentiment" not in held(project, glad)
    assert "sentiment" not in read(glad)
    assert held(project, glad)["rating"] == 4.0
    assert held(project, sad)["sentiment"] == "negative"
    assert Gold.objects.filter(question__key="sentiment", review=glad).count() == 1


def test_an_answer_of_several_options_moves_whole_or_not_at_all(
    project: Project, anna: User
) -> None:
    both = said(project, anna)
    one = said(project, anna, aspects=["quality"], aspect_spans=ANSWERS["aspect_spans"][1:])

    change(
        project,
        Retire(question="aspects", option="price"),
        Retire(question="aspect_spans", option="price"),
    )

    assert held(project, both).keys() == read(both).keys() == {"sentiment", "rating"}
    assert held(project, one)["aspects"] == frozenset({"quality"})
    assert held(project, one)["aspect_spans"] == (span(24, 31, "quality", "negative"),)
    assert GoldSpan.objects.filter(review=both).count() == 2


def test_a_key_that_comes_back_picks_up_nothing(project: Project, anna: User, owner: User) -> None:
    review = said(project, anna)
    rating = current_schema(project).question("rating")
    assert rating is not None
    kept = [each for each in current_schema(project).questions if each.key != "rating"]

    services.create_version(project=project, questions=kept, actor=owner)
    services.create_version(project=project, questions=[*kept, rating], actor=owner)

    assert "rating" not in read(review)
    assert "rating" not in held(project, review)


def test_a_question_of_another_kind_under_the_same_key_picks_up_nothing(
    project: Project, anna: User, owner: User
) -> None:
    review = said(project, anna)
    questions = [
        replace(each, kind="multichoice") if each.key == "sentiment" else each
        for each in current_schema(project).questions
    ]

    services.create_version(project=project, questions=questions, actor=owner)

    assert "sentiment" not in read(review)
    assert "sentiment" not in held(project, review)


def test_versions_from_before_changes_were_recorded_go_by_keys(
    project: Project, anna: User, owner: User
) -> None:
    review = said(project, anna)
    change(
        project,
        Rename(question="rating", name="Stars"),
        Retire(question="sentiment", option="positive"),
    )
    LabelSchema.objects.filter(version=2).update(changes=[])

    assert read(review).keys() == {"rating", "aspects", "aspect_spans"}


def test_a_second_opinion_is_weighed_with_what_an_old_answer_has_become(
    project: Project, anna: User, owner: User
) -> None:
    review = said(project, anna)
    change(project, *MERGE)

    services.record_annotation(
        review=review, annotator=owner, answers=ANSWERS | {"aspects": ["worth"], "aspect_spans": []}
    )

    assert held(project, review)["aspects"] == frozenset({"worth"})


def test_adjudicated_gold_keeps_its_source(project: Project, anna: User) -> None:
    review = said(project, anna)
    Gold.objects.filter(review=review).update(source=GoldSource.ADJUDICATED)

    change(project, *MERGE)

    sources = set(Gold.objects.filter(review=review).values_list("source", flat=True))
    assert sources == {GoldSource.ADJUDICATED}


@pytest.mark.parametrize("seed", range(4))
def test_gold_in_the_database_moves_as_one_answer_reads(
    project: Project, anna: User, seed: int
) -> None:
    """The statements of SQL and the rules for one answer say the same, whatever changes."""
    rolled = random.Random(seed)
    reviews = [_random_review(project, anna, rolled) for _ in range(8)]
    for _ in range(3):
        before = current_schema(project)
        held_before = {each.pk: held(project, each) for each in reviews}
        changes = _random_changes(before.questions, rolled)

        change(project, *changes)

        reading = Reading((apply(before.questions, changes).step,))
        for review in reviews:
            assert held(project, review) == reading.carry(held_before[review.pk]), changes


def _random_review(project: Project, person: User, rolled: random.Random) -> Review:
    options = ["price", "quality", "shipping"]
    places = [(0, 3), (0, 3), (2, 9), (24, 31)]
    marks = {
        (start, end, option): rolled.choice(["", "positive", "negative"])
        for start, end in rolled.sample(places, rolled.randint(0, 4))
        for option in rolled.sample(options, rolled.randint(1, 2))
    }
    return said(
        project,
        person,
        sentiment=rolled.choice(["positive", "neutral", "negative"]),
        rating=rolled.randint(1, 5),
        aspects=rolled.sample(options, rolled.randint(0, 3)),
        aspect_spans=[
            {"start": start, "end": end, "text": TEXT[start:end], "option": option, "polarity": p}
            for (start, end, option), p in marks.items()
        ],
    )


def _random_changes(questions: tuple[QuestionSnapshot, ...], rolled: random.Random) -> list[Change]:
    changes: list[Change] = []
    for question in questions:
        keys = [option.key for option in question.options]
        if question.kind == "number":
            low = rolled.choice([None, 1, 2])
            changes.append(SetBounds(question=question.key, minimum=low, maximum=5))
        elif rolled.random() < 0.5 and len(keys) > 3:
            pair = rolled.sample(keys, 2)
            changes.append(Merge(question=question.key, options=tuple(pair), into=pair[0]))
        elif rolled.random() < 0.5 and len(keys) > 2:
            changes.append(Retire(question=question.key, option=rolled.choice(keys)))
        if question.kind == "spans" and rolled.random() < 0.4:
            changes.append(
                Adjust(
                    question=question.key,
                    allows_overlap=rolled.random() < 0.5,
                    has_polarity=rolled.random() < 0.5,
                )
            )
    return changes


# --- Proposals ------------------------------------------------------------------------------------


def test_proposals_are_rewritten_or_taken_away(project: Project) -> None:
    review = factories.review(project, TEXT)
    rows = [
        Suggested(review.pk, "sentiment", "positive", 0.9),
        Suggested(review.pk, "aspects", ["price", "quality"], 0.9),
        Suggested(review.pk, "aspect_spans", ANSWERS["aspect_spans"], 0.9),
        Suggested(review.pk, "rating", 5, 0.9),
    ]
    services.store_suggestions(project=project, rows=rows, version=3)

    change(project, *MERGE, SPLIT, RemoveQuestion(question="rating"))

    kept = dict(Suggestion.objects.values_list("question_key", "value"))
    assert kept["aspects"] == ["worth"]
    assert [each["option"] for each in kept.pop("aspect_spans")] == ["worth", "worth"]
    assert kept.keys() == {"aspects"}


# --- Reviews asked again --------------------------------------------------------------------------


def test_reviews_of_a_split_option_are_opened_to_the_same_people(
    project: Project, anna: User
) -> None:
    glad, sad = said(project, anna), said(project, anna, sentiment="negative")

    change(project, SPLIT)

    assert OpenReview.objects.get().review == glad
    assert OpenReview.objects.get().cause == OpenReview.Cause.AGAIN
    assert glad.assignments.get().state == Assignment.State.WITHDRAWN
    assert sad.assignments.get().state == Assignment.State.SUBMITTED
    assert read(glad).keys() == {"rating", "aspects", "aspect_spans"}


def test_who_said_something_else_is_not_asked_again(
    project: Project, anna: User, owner: User
) -> None:
    review = said(project, anna)
    answer(review, owner, sentiment="negative")

    change(project, SPLIT)

    states = dict(review.assignments.values_list("annotator__username", "state"))
    assert states == {
        "anna": Assignment.State.WITHDRAWN,
        owner.get_username(): Assignment.State.SUBMITTED,
    }
    assert services.next_assignment(project=project, annotator=owner) is None
    again = services.next_assignment(project=project, annotator=anna)
    assert again is not None
    assert (again.review, again.source) == (review, Assignment.Source.AGAIN)
    services.submit(
        assignment=again,
        annotator=anna,
        schema_version=current_schema(project).version,
        answers=ANSWERS | {"sentiment": "glad"},
    )
    assert not OpenReview.objects.exists()
    assert services.next_assignment(project=project, annotator=anna) is None


def test_who_spoke_past_the_queue_is_asked_again_as_well(project: Project, anna: User) -> None:
    review = factories.review(project, TEXT)
    services.record_annotation(review=review, annotator=anna, answers=ANSWERS)

    change(project, SPLIT)
    # A later change that asks nobody again leaves them asked.
    change(project, Rename(question="rating", option="", name="Stars"))

    again = services.next_assignment(project=project, annotator=anna)
    assert again is not None
    assert again.review == review


def test_nobody_is_asked_again_unless_it_was_chosen(project: Project, anna: User) -> None:
    review = said(project, anna)

    change(project, replace(SPLIT, reopen=False))

    assert not OpenReview.objects.exists()
    assert review.assignments.get().state == Assignment.State.SUBMITTED


def test_answers_to_quality_checks_are_not_asked_again(project: Project, anna: User) -> None:
    review = said(project, anna)
    Annotation.objects.update(is_check=True)

    change(project, SPLIT)

    assert not OpenReview.objects.exists()
    assert review.assignments.get().state == Assignment.State.SUBMITTED


def test_a_review_that_several_people_answer_is_opened_once(project: Project, anna: User) -> None:
    review = said(project, anna)
    OpenReview.objects.create(project=project, review=review, cause=OpenReview.Cause.OVERLAP)

    change(project, SPLIT)

    assert OpenReview.objects.get().cause == OpenReview.Cause.AGAIN


def test_an_import_that_named_the_option_is_opened_too(project: Project) -> None:
    review = factories.review(project, TEXT, is_labelled=True)
    asked = current_schema(project).question("sentiment")
    assert asked is not None
    positive = asked.option("positive")
    assert positive is not None
    Gold.objects.create(
        project=project, review=review, question_id=asked.id, option_id=positive.id,
        source=GoldSource.IMPORTED,
    )  # fmt: skip

    change(project, SPLIT)

    assert OpenReview.objects.get().review == review


def test_a_new_question_is_asked_of_what_was_answered_before(project: Project, anna: User) -> None:
    review = said(project, anna)
    factories.review(project)
    new = QuestionSnapshot("useful", "Useful", "choice", PARTS)

    change(project, AddQuestion(question=new, reopen=True))

    assert OpenReview.objects.get().review == review
    assert read(review).keys() == {"sentiment", "rating", "aspects", "aspect_spans"}


def test_numbers_out_of_bounds_are_asked_again(project: Project, anna: User) -> None:
    four, two = said(project, anna), said(project, anna, rating=2)

    change(project, SetBounds(question="rating", minimum=1, maximum=3, reopen=True))

    assert OpenReview.objects.get().review == four
    assert "rating" not in read(four)
    assert read(two)["rating"] == 2.0


def test_what_was_lost_before_is_not_opened_by_a_later_change(project: Project, anna: User) -> None:
    said(project, anna)
    change(project, Retire(question="aspects", option="price"))

    change(project, Retire(question="aspects", option="quality", reopen=True))

    assert not OpenReview.objects.exists()


def test_another_projects_reviews_stay_as_they_are(
    project: Project, anna: User, mallory: User
) -> None:
    other = Project.objects.exclude(pk=project.pk).get()
    review = said(other, mallory) if current_schema(other).question("sentiment") else None
    said(project, anna)

    change(project, SPLIT, *MERGE)

    assert not OpenReview.objects.exclude(project=project).exists()
    if review is not None:
        assert "sentiment" in held(other, review)


# --- The preview ----------------------------------------------------------------------------------


def test_the_preview_counts_what_each_option_takes_along(project: Project, anna: User) -> None:
    for _ in range(3):
        said(project, anna)
    said(project, anna, sentiment="negative", rating=2, aspects=["price"])
    review = factories.review(project, TEXT)
    services.store_suggestions(
        project=project,
        version=7,
        rows=[
            Suggested(review.pk, "sentiment", "positive"),
            Suggested(review.pk, "aspects", ["price"]),
        ],
    )

    seen = look(project, *MERGE, SPLIT, SetBounds(question="rating", minimum=1, maximum=3))

    found = {(each.question, each.option): each for each in seen.effects}
    split = found["sentiment", "positive"]
    assert split.fate == Fate.AGAIN
    assert (split.counts.annotations, split.counts.gold, split.counts.suggestions) == (3, 3, 1)
    price = found["aspects", "price"]
    assert (price.fate, price.because) == (Fate.CARRIED, "Reads as “Worth”")
    assert (price.counts.annotations, price.counts.gold, price.counts.suggestions) == (4, 4, 1)
    assert found["aspects", "quality"].counts.annotations == 3
    spans = found["aspect_spans", "quality"].counts
    assert (spans.annotations, spans.spans, spans.gold, spans.gold_spans) == (4, 4, 4, 4)
    assert found["rating", ""].counts.annotations == 3
    assert found["rating", ""].counts.gold == 3
    assert dict(seen.heads) == {"Sentiment": (7,), "Aspects": (7,)}
    assert seen.opened == 3


def test_the_preview_says_of_an_option_that_takes_in_others_that_it_stays(project: Project) -> None:
    merge = Merge(question="aspects", options=("price", "quality"), into="quality")

    seen = look(project, merge)

    because = {each.option: each.because for each in seen.effects}
    assert because == {"price": "Reads as “Quality”", "quality": "Stays as it is, “Price” with it"}


def test_the_preview_counts_answers_to_all_versions(project: Project, anna: User) -> None:
    said(project, anna)
    change(project, *MERGE)
    said(project, anna, aspects=["worth"], aspect_spans=[])

    seen = look(project, Retire(question="aspects", option="worth", reopen=True))

    [effect] = seen.effects
    assert effect.counts.annotations == 2
    assert effect.counts.gold == 2
    assert seen.opened == 2


def test_what_the_preview_says_is_what_happens(project: Project, anna: User) -> None:
    for number in range(6):
        said(
            project, anna, sentiment="positive" if number % 2 else "negative", rating=1 + number % 5
        )
    changes: list[Change] = [SPLIT, SetBounds(question="rating", minimum=1, maximum=2, reopen=True)]
    seen = look(project, *changes)

    change(project, *changes)

    assert OpenReview.objects.count() == seen.opened > 0
    again = Assignment.objects.filter(state=Assignment.State.WITHDRAWN).count()
    assert again == seen.opened


def test_a_preview_takes_few_queries(
    project: Project, anna: User, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for _ in range(3):
        said(project, anna)

    with django_assert_max_num_queries(25):
        look(project, *MERGE, SPLIT)


# --- At once or in a job --------------------------------------------------------------------------


def test_a_large_change_is_made_by_a_job(
    project: Project, anna: User, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = said(project, anna)
    monkeypatch.setattr(change_job, "LARGE", 2)

    made = change_job.request_change(project=project, changes=[SPLIT, *MERGE], actor=owner)

    assert made.job is not None
    assert current_schema(project).version == 1
    with pytest.raises(Conflict, match="being changed just now"):
        change_job.request_change(project=project, changes=MERGE, actor=owner)
    run_here(made.job)
    made.job.refresh_from_db()
    assert made.job.state == Job.State.SUCCEEDED, made.job.reason
    assert made.job.result == {"version": 2}
    assert held(project, review)["aspects"] == frozenset({"worth"})
    assert OpenReview.objects.count() == 1
    event = AuditEvent.objects.get(action="questions.changed", subject="version 2")
    assert event.actor == owner
    assert event.detail["opened"] == event.detail["withdrawn"] == 1


def test_a_job_that_comes_after_another_change_says_so(
    project: Project, anna: User, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    said(project, anna)
    monkeypatch.setattr(change_job, "LARGE", 2)
    made = change_job.request_change(project=project, changes=MERGE, actor=owner)
    assert made.job is not None
    change(project, Rename(question="rating", name="Stars"))

    run_here(made.job)

    made.job.refresh_from_db()
    assert made.job.state == Job.State.FAILED
    assert "version 2 is current" in made.job.reason


def test_a_job_that_died_after_its_work_does_it_once(
    project: Project, anna: User, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    said(project, anna)
    monkeypatch.setattr(change_job, "LARGE", 2)
    made = change_job.request_change(project=project, changes=MERGE, actor=owner)
    assert made.job is not None
    first = claim_one(job_id=made.job.pk, worker="one")
    assert first is not None
    change_job.run(first)
    Job.objects.update(state=Job.State.QUEUED)

    second = claim_one(job_id=made.job.pk, worker="two")

    assert second is not None
    assert change_job.run(second) == {"version": 2}
    assert current_schema(project).version == 2


def test_nothing_changed_makes_no_version(project: Project, owner: User) -> None:
    made = change_job.request_change(project=project, changes=[], guidelines="", actor=owner)

    assert made.schema is not None
    assert made.schema.version == 1


def test_questions_that_cannot_be_asked_are_refused(project: Project, owner: User) -> None:
    drop = [Retire(question="sentiment", option=key) for key in ("positive", "neutral")]

    with pytest.raises(Invalid, match="2 to 100 options"):
        change_job.request_change(project=project, changes=drop, actor=owner)


def test_an_option_that_is_added_leaves_all_answers_standing(project: Project, anna: User) -> None:
    review = said(project, anna)
    before = held(project, review)

    change(project, AddOption(question="sentiment", option=OptionSnapshot("mixed", "Mixed")))

    assert held(project, review) == before
    assert look(project, AddOption(question="sentiment", option=PARTS[0])).effects == ()
