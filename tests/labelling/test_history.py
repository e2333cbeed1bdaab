"""Revisions of annotations, the history of a review, and bringing earlier answers back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import AuditEvent, User
from common.errors import Conflict, NotAllowed, NotVisible
from labelling import bulk, flags, history, open_flags, services, timeline
from labelling.models import Adjudication, Annotation, AnnotationRevision, Assignment
from labelling.selectors import current_schema
from labelling.snapshot import OptionSnapshot, QuestionSnapshot
from projects.models import Membership, Project, Role
from reviews.models import BulkAction, Review
from tests import factories
from tests.labelling.test_imported import held

FIRST = {"sentiment": "positive", "rating": 4, "aspects": ["price"], "aspect_spans": []}
SECOND = {"sentiment": "negative", "rating": 1, "aspects": [], "aspect_spans": []}
PAGE = "/projects/shop/label/"
API = "/api/v1/projects/shop/"


@pytest.fixture
def anna(project: Project) -> User:
    return factories.member(project, Role.ANNOTATOR, "anna")


@pytest.fixture
def rita(project: Project) -> Membership:
    return Membership.objects.get(user=factories.member(project, Role.REVIEWER, "rita"))


@pytest.fixture
def said(project: Project, anna: User) -> Annotation:
    review = factories.review(project, "The price is fine.")
    return services.record_annotation(review=review, annotator=anna, answers=FIRST)


def edit(said: Annotation, answers: dict[str, Any] = SECOND, note: str = "") -> Annotation:
    return services.edit(
        annotation=said, annotator=said.annotator, schema_version=1, answers=answers, note=note
    )


def restore(rita: Membership, said: Annotation, *, number: int = 1, seen: int = 2) -> Annotation:
    return history.restore(membership=rita, annotation=said, number=number, seen=seen)


def sentiment_of(project: Project, said: Annotation) -> Any:
    return held(project, said.review)["sentiment"]


def test_a_change_keeps_what_was_there_before(said: Annotation, anna: User) -> None:
    edit(said, note="I looked again.")

    (kept,) = AnnotationRevision.objects.filter(annotation=said)
    assert (kept.number, kept.answers, kept.note) == (1, FIRST, "")
    assert (kept.replaced_by, kept.created_at) == (anna, said.created_at)
    assert Annotation.objects.get().revision == 2


def test_restoring_writes_a_new_revision_and_deletes_none(
    project: Project, said: Annotation, rita: Membership
) -> None:
    edit(said, note="second")
    assert sentiment_of(project, said) == "negative"

    restored = restore(rita, said)

    assert restored.revision == Annotation.objects.get().revision == 3
    assert sentiment_of(project, said) == "positive"
    kept = said.revisions.order_by("number")
    assert [(each.number, each.answers["rating"]) for each in kept] == [(1, 4), (2, 1)]
    assert AuditEvent.objects.filter(action="annotation.restored", actor=rita.user).count() == 1


def test_what_was_restored_can_be_taken_back_likewise(
    project: Project, said: Annotation, rita: Membership
) -> None:
    edit(said)
    restore(rita, said)

    restore(rita, said, number=2, seen=3)

    assert sentiment_of(project, said) == "negative"
    assert Annotation.objects.get().revision == 4


def test_spans_come_back_with_their_text(project: Project, anna: User, rita: Membership) -> None:
    review = factories.review(project, "👍🏽 The price is fine.")
    span = {"start": 7, "end": 12, "text": "price", "option": "price", "polarity": "positive"}
    assert review.text[7:12] == "price"
    said = services.record_annotation(
        review=review, annotator=anna, answers=FIRST | {"aspect_spans": [span]}
    )
    edit(said)

    restore(rita, said)

    assert [(row.start, row.end, row.text) for row in said.spans.all()] == [(7, 12, "price")]


def test_restoring_over_a_change_that_one_has_not_seen_is_a_conflict(
    project: Project, said: Annotation, rita: Membership
) -> None:
    edit(said)
    edit(said, FIRST | {"rating": 5})

    with pytest.raises(Conflict, match="since you opened"):
        restore(rita, said, seen=2)

    assert held(project, said.review)["rating"] == 5


def test_annotators_restore_nothing_and_unknown_revisions_are_not_there(
    said: Annotation, rita: Membership, anna: User
) -> None:
    edit(said)

    with pytest.raises(NotAllowed):
        restore(Membership.objects.get(user=anna), said)
    with pytest.raises(NotVisible):
        restore(rita, said, number=9)


def test_answers_to_older_questions_are_not_reinterpreted(
    project: Project, said: Annotation, rita: Membership, owner: User
) -> None:
    edit(said)
    options = (OptionSnapshot("good", "Good"), OptionSnapshot("bad", "Bad"))
    mood = QuestionSnapshot(key="sentiment", name="Mood", kind="choice", options=options)
    services.create_version(project=project, questions=(mood,), actor=owner)

    restored = restore(rita, said)

    assert restored.schema.version == 1
    assert said.answers.filter(option__key="positive").exists()
    assert "sentiment" not in held(project, said.review)


def test_a_restored_bulk_answer_survives_the_undo_of_its_action(
    project: Project, owner: User, rita: Membership
) -> None:
    review = factories.review(project)
    action = BulkAction.objects.create(project=project, created_by=owner, kind="label")
    bulk.label_reviews(
        project=project, actor=owner, action=action, review_ids=[review.pk], answers={"rating": 3}
    )
    said = Annotation.objects.get(review=review)
    edit(said)
    restore(rita, said)

    assert bulk.undo_labels(action=action) == 0
    assert held(project, review)["rating"] == 3


# --- The history of a review ----------------------------------------------------------------------


def kinds(project: Project, review: Review) -> list[str]:
    return [event.kind for event in timeline.of_review(project, review)]


def test_everything_stands_in_the_order_of_time(
    project: Project, said: Annotation, rita: Membership, anna: User, owner: User
) -> None:
    review = said.review
    edit(said)
    restore(rita, said)
    flag = flags.flag_review(project=project, review=review, person=anna, note="In French?")
    open_flags.resolve(membership=rita, flag=flag)
    Assignment.objects.create(
        project=project,
        review=review,
        annotator=owner,
        state=Assignment.State.SKIPPED,
        lease_until=timezone.now(),
        ended_at=timezone.now(),
        reason="Not mine",
    )
    Adjudication.objects.create(
        project=project,
        review=review,
        schema_id=current_schema(project).id,
        reviewer=rita.user,
        answers={"rating": 2},
        reason="It says so",
    )

    events = timeline.of_review(project, review)

    assert [(event.kind, event.who) for event in events] == [
        ("answered", "anna"),
        ("changed", "anna"),
        ("restored", "rita"),
        ("flagged", "anna"),
        ("resolved", "rita"),
        ("skipped", owner.username),
        ("decided", "rita"),
    ]
    assert [event.answers.get("rating") for event in events] == [4, 1, 4, None, None, None, 2]
    assert [event.restorable.number for event in events if event.restorable] == [1, 2]
    assert events == sorted(events, key=lambda event: event.at)


def test_bulk_answers_imports_and_skips_say_what_they_were(
    project: Project, owner: User, anna: User
) -> None:
    review = factories.review(project)
    action = BulkAction.objects.create(project=project, created_by=owner, kind="label")
    bulk.label_reviews(
        project=project, actor=owner, action=action, review_ids=[review.pk], answers={"rating": 3}
    )
    Assignment.objects.create(
        project=project,
        review=review,
        annotator=anna,
        source=Assignment.Source.RESERVED,
        state=Assignment.State.RESERVED,
        reserved_by=owner,
        created_at=timezone.now() + timedelta(seconds=1),
        lease_until=timezone.now(),
    )

    bulked, reserved = timeline.of_review(project, review)

    assert bulked.words == "Answered, with many others at once"
    assert (reserved.words, reserved.who) == ("Reserved for anna", owner.username)


def test_another_projects_events_are_not_told(project: Project, mallory: User) -> None:
    theirs = Project.objects.get(slug="mallorys")
    review = factories.review(theirs)
    services.record_annotation(review=review, annotator=mallory, answers=FIRST)

    assert kinds(project, review) == []
    assert kinds(theirs, review) == ["answered"]


# --- Pages and REST -------------------------------------------------------------------------------


def test_the_page_tells_the_story_and_restores(
    project: Project, said: Annotation, rita: Membership, signed_in: Callable[[User], Client]
) -> None:
    edit(said, note="<b>again</b>")
    visitor = signed_in(rita.user)
    address = f"{PAGE}reviews/{said.review_id}/history/"

    page = visitor.get(address).content.decode()
    answer = visitor.post(
        f"{PAGE}annotations/{said.pk}/restore/", {"number": "1", "present": "2"}, follow=True
    )

    assert "&lt;b&gt;again&lt;/b&gt;" in page
    assert page.count("Restore these answers") == 1
    assert "Restored earlier answers of anna" in answer.content.decode()
    assert sentiment_of(project, said) == "positive"


def test_a_stale_page_says_so_and_changes_nothing(
    project: Project, said: Annotation, rita: Membership, signed_in: Callable[[User], Client]
) -> None:
    edit(said)
    address = f"{PAGE}annotations/{said.pk}/restore/"

    answer = signed_in(rita.user).post(address, {"number": "1", "present": "1"}, follow=True)

    assert "since you opened the page" in answer.content.decode()
    assert sentiment_of(project, said) == "negative"


@pytest.mark.parametrize("number", ["", "x", "9" * 12, "-1"])
def test_a_number_that_is_none_is_refused(
    said: Annotation, rita: Membership, number: str, signed_in: Callable[[User], Client]
) -> None:
    address = f"{PAGE}annotations/{said.pk}/restore/"

    answer = signed_in(rita.user).post(address, {"number": number, "present": "1"})

    assert answer.status_code == 400


def test_programs_read_and_restore(
    project: Project, said: Annotation, rita: Membership, api: Callable[..., APIClient]
) -> None:
    edit(said)
    client = api(rita.user)

    events = client.get(f"{API}reviews/{said.review_id}/history/").json()["results"]
    back = events[0]["restorable"]
    answer = client.post(
        f"{API}annotations/{back['annotation']}/restore/",
        {"number": back["number"], "present": back["present"]},
        format="json",
    )
    again = client.post(
        f"{API}annotations/{said.pk}/restore/", {"number": 1, "present": 2}, format="json"
    )

    assert [event["kind"] for event in events] == ["answered", "changed"]
    assert answer.json() == {"id": said.pk, "review": said.review_id, "revision": 3}
    assert again.status_code == 409
    assert sentiment_of(project, said) == "positive"


def test_mallory_sees_and_restores_nothing(
    said: Annotation, mallory: User, signed_in: Callable[[User], Client]
) -> None:
    edit(said)
    visitor = signed_in(mallory)

    for base in ("/projects/shop/label/", "/projects/mallorys/label/"):
        assert visitor.get(f"{base}reviews/{said.review_id}/history/").status_code == 404
        sent = visitor.post(
            f"{base}annotations/{said.pk}/restore/", {"number": "1", "present": "2"}
        )
        assert sent.status_code == 404
    assert Annotation.objects.get(pk=said.pk).revision == 2


def test_annotators_do_not_see_the_history(
    said: Annotation, anna: User, signed_in: Callable[[User], Client]
) -> None:
    address = f"{PAGE}reviews/{said.review_id}/history/"

    assert signed_in(anna).get(address).status_code == 403
