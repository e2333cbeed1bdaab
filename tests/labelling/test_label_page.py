"""What the label page asks of the server: reviews ahead, the outbox, both versions, keys, flags."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from common.errors import Conflict, Invalid
from labelling import guidelines, hotkeys, own_keys, services
from labelling.changes import Merge, SetBounds
from labelling.leases import MAX_AHEAD, fetch_ahead
from labelling.models import Annotation, AnnotationRevision, Assignment, Flag
from labelling.selectors import current_schema
from labelling.services import Suggested
from labelling.versions import change_questions
from projects.models import Membership, Project, Role
from tests import factories

FORM: dict[str, Any] = {
    "schema_version": "1",
    "answer.sentiment": "positive",
    "answer.rating": "4",
    "answer.aspects": ["price"],
    "answer.aspect_spans": "",
}
OUTBOX = {"Gloss-Outbox": "1"}


@pytest.fixture
def anna(member: Callable[[Role], User]) -> User:
    return member(Role.ANNOTATOR)


@pytest.fixture
def visitor(signed_in: Callable[[User], Client], anna: User) -> Client:
    return signed_in(anna)


@pytest.fixture
def reviews(project: Project) -> list[int]:
    data = factories.dataset(project)
    return [factories.review(project, f"Number {n}", dataset=data).pk for n in range(9)]


def url(name: str, *args: object) -> str:
    return reverse(f"labelling:{name}", args=["shop", *args])


def answered(visitor: Client) -> Annotation:
    """Answer the review in front and return the annotation."""
    visitor.get(url("label"))
    front = Assignment.objects.get(state="leased", place=0)
    visitor.post(url("submit", front.pk), FORM)
    return Annotation.objects.get(review=front.review)


# --- Reviews ahead --------------------------------------------------------------------------------


def test_as_many_reviews_as_may_be_are_leased_ahead_and_sent_once(
    visitor: Client, reviews: list[int]
) -> None:
    visitor.get(url("label"))
    front = Assignment.objects.get()

    first = visitor.post(url("ahead"), {"have": [front.pk]}).content.decode()
    held = list(Assignment.objects.filter(state="leased").values_list("pk", flat=True))
    again = visitor.post(url("ahead"), {"have": held}).content.decode()

    assert first.count("<template data-work=") == MAX_AHEAD - 1
    assert again.count("<template data-work=") == 0
    places = Assignment.objects.filter(state="leased").values_list("place", flat=True)
    assert sorted(places) == list(range(MAX_AHEAD))


def test_what_is_ahead_moves_to_the_front_in_the_order_in_which_it_was_shown(
    project: Project, anna: User, reviews: list[int]
) -> None:
    front, second, *_ = fetch_ahead(project=project, annotator=anna)
    services.skip(assignment=front, annotator=anna)

    shown = fetch_ahead(project=project, annotator=anna)

    assert shown[0].pk == second.pk
    assert shown[0].place == 0
    assert len({each.review_id for each in shown}) == MAX_AHEAD


def test_nobody_else_is_served_what_is_held_ahead(
    project: Project, anna: User, owner: User, reviews: list[int]
) -> None:
    mine = {each.review_id for each in fetch_ahead(project=project, annotator=anna)}
    theirs = {each.review_id for each in fetch_ahead(project=project, annotator=owner)}

    assert not mine & theirs
    assert mine | theirs == set(reviews)


# --- The outbox -----------------------------------------------------------------------------------


def test_the_outbox_hears_that_answers_are_kept_however_often_it_sends_them(
    visitor: Client, reviews: list[int]
) -> None:
    visitor.get(url("label"))
    address = url("submit", Assignment.objects.get().pk)

    answers = [visitor.post(address, FORM, headers=OUTBOX).status_code for _ in range(2)]

    assert answers == [204, 204]
    assert Annotation.objects.count() == 1


def test_the_outbox_is_shown_both_versions_of_other_answers(
    visitor: Client, reviews: list[int]
) -> None:
    annotation = answered(visitor)
    address = url("submit", Assignment.objects.get(review=annotation.review).pk)

    refused = visitor.post(address, FORM | {"answer.sentiment": "negative"}, headers=OUTBOX)

    html = refused.content.decode()
    assert refused.status_code == 409
    assert "Negative" in html
    assert "Positive" in html
    assert 'data-revision="1"' in html
    assert 'data-resolve="mine"' in html


def test_answers_with_faults_come_back_with_the_faults(visitor: Client, reviews: list[int]) -> None:
    visitor.get(url("label"))

    refused = visitor.post(
        url("submit", Assignment.objects.get().pk), FORM | {"answer.rating": "9"}, headers=OUTBOX
    )

    assert refused.status_code == 422
    assert "is not a number from 1 to 5" in refused.content.decode().replace("&quot;", '"')


def test_answers_to_questions_that_have_changed_can_be_edited_but_not_kept(
    visitor: Client, project: Project, owner: User, reviews: list[int]
) -> None:
    visitor.get(url("label"))
    kept = current_schema(project).questions[:1]
    services.create_version(project=project, questions=kept, actor=owner)

    refused = visitor.post(url("submit", Assignment.objects.get().pk), FORM, headers=OUTBOX)

    html = refused.content.decode()
    assert refused.status_code == 409
    assert "Rating" in html  # the questions that were answered, not the current ones
    assert 'data-resolve="mine"' not in html
    assert f'data-open-url="{url("held", Assignment.objects.get().pk)}"' in html


def test_what_was_on_the_page_of_suggestions_is_kept(
    visitor: Client, project: Project, reviews: list[int]
) -> None:
    rows = [Suggested(each, "sentiment", "negative", 0.8) for each in reviews]
    services.store_suggestions(project=project, version=7, rows=rows)
    page = visitor.get(url("label")).content.decode()
    assert 'name="suggested_by" value="7"' in page
    front = Assignment.objects.get()

    visitor.post(url("submit", front.pk), FORM | {"suggested_by": "7"})
    visitor.get(url("label"))
    second = Assignment.objects.get(state="leased")
    visitor.post(url("submit", second.pk), FORM | {"suggested_by": ""})

    saw = Annotation.objects.order_by("id").values_list("saw_suggestions", "suggested_by")
    assert list(saw) == [(True, 7), (False, None)]


@pytest.mark.parametrize("what", ["blind", "control", "check"])
def test_nobody_is_shown_suggestions_where_they_are_measured(
    visitor: Client, project: Project, reviews: list[int], what: str
) -> None:
    rows = [Suggested(each, "sentiment", "negative", 0.8) for each in reviews]
    services.store_suggestions(project=project, version=7, rows=rows)
    assert "chip-suggested" in visitor.get(url("label")).content.decode()

    Project.objects.update(is_blind=what == "blind")
    Assignment.objects.update(source="unranked" if what == "blind" else what)
    html = visitor.get(url("label")).content.decode()

    assert "chip-suggested" not in html
    assert 'name="suggested_by" value=""' in html


# --- Changes --------------------------------------------------------------------------------------


def test_an_edit_keeps_what_was_said_before(visitor: Client, reviews: list[int]) -> None:
    annotation = answered(visitor)
    changed = FORM | {"answer.sentiment": "negative", "revision": "1", "note": "on second thought"}

    visitor.post(url("edit", annotation.pk), changed, headers=OUTBOX)

    before = AnnotationRevision.objects.get()
    annotation.refresh_from_db()
    assert (before.number, annotation.revision) == (1, 2)
    assert before.answers["sentiment"] == "positive"
    assert before.replaced_by == annotation.annotator
    assert (before.note, annotation.note) == ("", "on second thought")


def test_an_edit_of_what_has_changed_since_is_a_conflict_and_the_same_again_is_not(
    visitor: Client, reviews: list[int]
) -> None:
    annotation = answered(visitor)
    address = url("edit", annotation.pk)
    first = FORM | {"answer.sentiment": "negative", "revision": "1"}
    visitor.post(address, first, headers=OUTBOX)

    again = visitor.post(address, first, headers=OUTBOX)
    stale = visitor.post(address, FORM | {"revision": "1"}, headers=OUTBOX)
    plain = visitor.post(address, FORM | {"revision": "1"})

    assert again.status_code == 204
    assert stale.status_code == 409
    assert AnnotationRevision.objects.count() == 1
    # Without a script the page shows both, and sending it again keeps mine.
    html = plain.content.decode()
    assert plain.status_code == 409
    assert "Both versions" in html
    assert 'name="revision" value="2"' in html
    assert visitor.post(address, FORM | {"revision": "2"}).status_code == 302


def test_the_service_refuses_a_stale_edit_without_a_trace(
    visitor: Client, anna: User, reviews: list[int]
) -> None:
    annotation = answered(visitor)
    answers = {"sentiment": "negative", "rating": 1, "aspects": []}

    with pytest.raises(Conflict, match="changed elsewhere"):
        services.edit(
            annotation=annotation, annotator=anna, schema_version=1, answers=answers, revision=9
        )

    annotation.refresh_from_db()
    assert annotation.revision == 1


# --- Skip and flag --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"reason": "Not clear", "own_reason": ""}, "Not clear"),
        ({"own_reason": "in Latin"}, "in Latin"),
        ({}, ""),
    ],
    ids=["chosen", "typed", "none"],
)
def test_a_skip_keeps_its_reason(
    visitor: Client, reviews: list[int], sent: Mapping[str, str], kept: str
) -> None:
    visitor.get(url("label"))

    answer = visitor.post(url("skip", Assignment.objects.get().pk), sent, headers=OUTBOX)

    assert answer.status_code == 204
    assert Assignment.objects.get().reason == kept


def test_undo_after_a_skip_that_was_sent_opens_the_skipped_review(
    visitor: Client, anna: User, reviews: list[int]
) -> None:
    answered(visitor)
    visitor.post(url("ahead"))
    skipped = Assignment.objects.get(state="leased", place=0)
    visitor.post(url("skip", skipped.pk), {"reason": "Not clear"}, headers=OUTBOX)
    visitor.post(url("ahead"))

    undone = visitor.get(url("last"))

    assert undone.headers["Location"] == url("held", skipped.pk)
    html = visitor.get(url("held", skipped.pk)).content.decode()
    assert f'data-assignment="{skipped.pk}"' in html
    assert f'data-assignment="{skipped.pk}"' in visitor.get(url("label")).content.decode()
    visitor.post(url("submit", skipped.pk), FORM, headers=OUTBOX)
    assert Annotation.objects.filter(review=skipped.review_id, annotator=anna).exists()
    newest = Annotation.objects.latest("pk")
    assert visitor.get(url("last")).headers["Location"] == url("edit", newest.pk)


def test_a_skipped_review_that_others_have_by_now_is_not_taken_up_again(
    visitor: Client, project: Project, member: Callable[[Role], User]
) -> None:
    factories.review(project)
    visitor.get(url("label"))
    skipped = Assignment.objects.get()
    visitor.post(url("skip", skipped.pk), headers=OUTBOX)
    assert services.next_assignment(project=project, annotator=member(Role.ANNOTATOR)) is not None

    undone = visitor.get(url("last"))

    assert undone.status_code == 409
    assert "As many others as should have this review" in undone.content.decode()
    assert Assignment.objects.get(pk=skipped.pk).state == "skipped"


def test_who_is_asked_again_starts_from_what_still_stands(
    visitor: Client, project: Project, owner: User, reviews: list[int]
) -> None:
    visitor.get(url("label"))
    front = Assignment.objects.get()
    visitor.post(url("submit", front.pk), FORM | {"note": "so it is"})
    merge = Merge(question="sentiment", options=("positive", "neutral"), into="fine", name="Fine")
    bounds = SetBounds(question="rating", minimum=1, maximum=3, is_integer=True, reopen=True)
    services.release(annotator=front.annotator, reason="")
    change_questions(project=project, changes=[merge, bounds], actor=owner)

    html = visitor.get(url("label")).content.decode()

    again = Assignment.objects.get(state="leased")
    assert (again.source, again.review_id) == ("again", front.review_id)
    assert re.search(r'name="answer.sentiment" value="fine"[^>]*checked', html)
    assert re.search(r'name="answer.aspects" value="price"[^>]*checked', html)
    assert not re.search(r'name="answer.rating"[^>]*checked', html)
    assert "so it is" in html


def test_a_flag_is_kept_once_and_its_note_can_be_changed(
    visitor: Client, anna: User, reviews: list[int]
) -> None:
    address = url("flag", reviews[0])

    for note in ("sarcasm", "sarcasm, I think"):
        assert visitor.post(address, {"note": note}, headers=OUTBOX).status_code == 204

    flag = Flag.objects.get()
    assert (flag.note, flag.person, flag.review_id) == ("sarcasm, I think", anna, reviews[0])


def test_a_flag_needs_a_note_and_a_review_of_the_project(
    visitor: Client, mallory: User, reviews: list[int]
) -> None:
    foreign = factories.review(Project.objects.get(slug="mallorys"))

    empty = visitor.post(url("flag", reviews[0]), {"note": " "}, headers=OUTBOX)
    other = visitor.post(url("flag", foreign.pk), {"note": "x"}, headers=OUTBOX)

    assert (empty.status_code, other.status_code) == (422, 404)
    assert not Flag.objects.exists()


# --- Keys and guidelines --------------------------------------------------------------------------


def test_a_person_chooses_keys_and_the_page_prints_them(
    visitor: Client, anna: User, reviews: list[int]
) -> None:
    shown = visitor.get(url("keys")).content.decode()
    assert 'name="sentiment:positive" value="3"' in shown

    rows = {
        row.name: row.key
        for group in own_keys.groups(current_schema(Project.objects.get(slug="shop")), {})
        for row in group.rows
    }
    saved = visitor.post(
        url("keys"), rows | {"sentiment:positive": "p", "skip": "k", "mode": "alt"}
    )
    page = visitor.get(url("label")).content.decode()

    # k was somebody's already
    assert saved.status_code == 400
    assert "is taken by" in saved.content.decode()
    saved = visitor.post(
        url("keys"), rows | {"sentiment:positive": "p", "skip": ";", "mode": "alt"}
    )
    page = visitor.get(url("label")).content.decode()
    assert saved.status_code == 302
    assert 'data-key="p"' in page
    assert "Skip <kbd>;</kbd>" in page
    assert 'data-modifier="alt"' in page


def test_keys_can_be_switched_off_and_put_back(
    visitor: Client, anna: User, reviews: list[int]
) -> None:
    visitor.post(url("keys"), {"mode": "off", "reset": "1"})

    anna.refresh_from_db()
    assert anna.shortcuts == "off"
    assert Membership.objects.get(user=anna).keys == {}


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"skip": "g"}, "belongs to the page itself"),
        ({"skip": "ab"}, "is not one key"),
        ({"skip": "u"}, "is taken by"),
        ({"sentiment:positive": "s"}, "is taken by"),
    ],
    ids=["fixed", "two keys", "another action", "an action left alone"],
)
def test_keys_that_cannot_be_are_refused_in_words(
    project: Project, owner: User, wanted: dict[str, str], says: str
) -> None:
    membership = Membership.objects.get(project=project, user=owner)
    schema = current_schema(project)

    with pytest.raises(Invalid, match=says):
        own_keys.choose_keys(membership=membership, schema=schema, wanted=wanted, modifier="on")

    assert membership.keys == {}


def test_chosen_keys_come_first_and_no_two_answers_share_one(project: Project) -> None:
    questions = current_schema(project).questions
    chosen = {"sentiment:positive": "q", "flag": "1"}

    keys = hotkeys.layout(questions, chosen)

    every = [key for each in keys.values() for key in each.values()]
    assert keys["sentiment"]["positive"] == "q"
    assert len(every) == len(set(every))
    assert "1" not in every


def test_guidelines_are_markdown_and_never_html() -> None:
    html = guidelines.as_html("**Be kind** <script>x</script> [a](javascript:alert(1)) ![](x.png)")

    assert "<strong>Be kind</strong>" in html
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "<img" not in html


def test_guidelines_say_what_has_changed_since_they_were_read(
    visitor: Client, project: Project, owner: User
) -> None:
    questions = current_schema(project).questions
    for words in ("Be kind.\n\nBe quick.", "Be kind.\n\nBe exact."):
        services.create_version(project=project, questions=questions, guidelines=words, actor=owner)

    html = visitor.get(url("guidelines"), {"since": "2"}).content.decode()

    assert "<ins>Be exact.</ins>" in html
    assert "<del>Be quick.</del>" in html
    assert "<ins>Be kind.</ins>" not in html
