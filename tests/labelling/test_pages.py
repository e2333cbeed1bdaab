"""The pages of the Label section."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from labelling import services
from labelling.models import Annotation, Assignment
from labelling.selectors import current_schema
from labelling.services import Suggested
from projects.models import Project, Role
from reviews.models import Review
from tests import factories

Member = Callable[[Role], User]
SignedIn = Callable[[User], Client]

NAUGHTY = "<script>alert('x')</script>\n‘quotes’ \"and\" &amp; {{ 7|add:7 }} مرحبا 👍🏽"
FORM: dict[str, Any] = {
    "schema_version": "1",
    "answer.sentiment": "positive",
    "answer.rating": "4",
    "answer.aspects": ["price", "quality"],
    "answer.aspect_spans": "",
}


@pytest.fixture
def anna(member: Member) -> User:
    return member(Role.ANNOTATOR)


@pytest.fixture
def visitor(signed_in: SignedIn, anna: User) -> Client:
    return signed_in(anna)


@pytest.fixture
def review(project: Project) -> Review:
    return factories.review(project, NAUGHTY)


def url(name: str, *args: object) -> str:
    return reverse(f"labelling:{name}", args=["shop", *args])


def test_the_label_page_asks_every_question_with_its_key(visitor: Client, review: Review) -> None:
    answer = visitor.get(url("label"))
    html = answer.content.decode()

    assert answer.status_code == 200
    for words in ("Sentiment", "Rating", "Aspects", "Where aspects are named", "<kbd>1</kbd>"):
        assert words in html
    assert "In random order: no model yet" in html
    assert answer["Cache-Control"] == "no-store"


def test_a_naughty_review_is_shown_as_it_is(visitor: Client, review: Review) -> None:
    html = visitor.get(url("label")).content.decode()

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in html
    assert "{{ 7|add:7 }}" in html


def test_naughty_options_are_shown_as_they_are(
    visitor: Client, review: Review, project: Project, owner: User
) -> None:
    from labelling.snapshot import OptionSnapshot, QuestionSnapshot

    evil = '"><img src=x onerror=alert(1)>'
    question = QuestionSnapshot(
        key="q",
        name=evil,
        kind="choice",
        options=(OptionSnapshot("a", evil), OptionSnapshot('"b', "</script>")),
    )
    services.create_version(project=project, questions=[question], actor=owner)

    html = visitor.get(url("label")).content.decode()

    assert "<img" not in html
    assert html.count("&quot;&gt;&lt;img") >= 2


def test_submitting_without_a_script_leads_to_the_next(visitor: Client, review: Review) -> None:
    visitor.get(url("label"))
    assignment = Assignment.objects.get()

    answer = visitor.post(url("submit", assignment.pk), FORM)

    assert answer.status_code == 302
    assert answer["Location"] == url("label")
    assert Annotation.objects.get().answers.count() == 4
    assert "Nothing left for you" in visitor.get(url("label")).content.decode()


def test_a_script_gets_the_next_review_at_once(
    visitor: Client, review: Review, project: Project
) -> None:
    visitor.get(url("label"))
    assignment = Assignment.objects.get()
    second = factories.review(project, "The second one", dataset=review.dataset)

    answer = visitor.post(
        url("submit", assignment.pk), FORM | {"seconds": "2.5"}, headers={"HX-Request": "true"}
    )
    html = answer.content.decode()

    assert answer.status_code == 200
    assert "The second one" in html
    assert f'data-review="{second.pk}"' in html
    assert "<html" not in html
    assert Annotation.objects.get().seconds is not None


def test_missing_answers_are_named_and_nothing_is_lost(visitor: Client, review: Review) -> None:
    visitor.get(url("label"))
    assignment = Assignment.objects.get()

    answer = visitor.post(
        url("submit", assignment.pk), FORM | {"answer.sentiment": "", "answer.rating": "9"}
    )
    html = answer.content.decode()

    assert answer.status_code == 422
    assert "This question needs an answer." in html
    assert "&quot;9&quot; is not a number from 1 to 5" in html
    assert 'value="price" checked' in html
    assert not Annotation.objects.exists()


def test_answers_to_old_questions_are_told_so(
    visitor: Client, review: Review, project: Project, owner: User
) -> None:
    visitor.get(url("label"))
    assignment = Assignment.objects.get()
    kept = current_schema(project).questions[:1]
    services.create_version(project=project, questions=kept, actor=owner)

    answer = visitor.post(url("submit", assignment.pk), FORM)

    assert answer.status_code == 409
    assert "version 2 is current" in answer.content.decode()
    assert not Annotation.objects.exists()


def test_skipping_brings_the_next(visitor: Client, review: Review) -> None:
    visitor.get(url("label"))

    answer = visitor.post(url("skip", Assignment.objects.get().pk), {})

    assert answer["Location"] == url("label")
    assert Assignment.objects.get().state == "skipped"


def test_the_heartbeat_of_a_lost_review_says_so(visitor: Client, review: Review) -> None:
    visitor.get(url("label"))
    assignment = Assignment.objects.get()

    assert visitor.post(url("heartbeat", assignment.pk)).status_code == 204
    services.skip(assignment=assignment, annotator=assignment.annotator)
    gone = visitor.post(url("heartbeat", assignment.pk))

    assert gone.status_code == 409
    assert "Ask for the next one" in gone.content.decode()


def test_undo_reopens_the_last_one_and_saves_changes(visitor: Client, review: Review) -> None:
    visitor.get(url("label"))
    visitor.post(url("submit", Assignment.objects.get().pk), FORM)
    annotation = Annotation.objects.get()

    reopened = visitor.get(url("last"), follow=True)
    changed = visitor.post(url("edit", annotation.pk), FORM | {"answer.sentiment": "negative"})

    html = reopened.content.decode()
    assert 'value="positive" checked' in html
    assert changed.status_code == 302
    gold = review.gold.get(question__key="sentiment")
    assert gold.option is not None
    assert gold.option.key == "negative"


def test_nobody_edits_what_somebody_else_said(
    visitor: Client, review: Review, owner: User, signed_in: SignedIn
) -> None:
    visitor.get(url("label"))
    visitor.post(url("submit", Assignment.objects.get().pk), FORM)
    annotation = Annotation.objects.get()

    assert signed_in(owner).get(url("edit", annotation.pk)).status_code == 404


def test_suggestions_are_dashed_chips_but_not_on_control_items(
    visitor: Client, review: Review, project: Project
) -> None:
    rows = [Suggested(review.pk, "sentiment", "negative", 0.81)]
    services.store_suggestions(project=project, version=2, rows=rows)

    shown = visitor.get(url("label")).content.decode()
    Assignment.objects.update(source="control")
    hidden = visitor.get(url("label")).content.decode()

    assert "chip-suggested" in shown
    assert "Negative 81 %" in shown
    assert "chip-suggested" not in hidden
    assert "Random control" in hidden


def test_a_second_opinion_is_blind_and_counts(
    visitor: Client, review: Review, signed_in: SignedIn, member: Member
) -> None:
    visitor.get(url("label"))
    visitor.post(url("submit", Assignment.objects.get().pk), FORM)
    reviewer = signed_in(member(Role.REVIEWER))

    page = reviewer.get(url("second_opinion", review.pk))
    sent = reviewer.post(url("second_opinion", review.pk), FORM | {"answer.rating": "1"})

    assert page.context["work"].raw == {}
    assert sent.status_code == 302
    assert Annotation.objects.count() == 2
    table = reviewer.get(url("agreement")).content.decode()
    assert "Krippendorff" in table
    assert "Sentiment" in table
    assert visitor.get(url("second_opinion", review.pk)).status_code == 403


@pytest.mark.parametrize("name", ["home", "label", "agreement", "questions", "last"])
def test_outsiders_find_nothing(
    mallory: User, project: Project, signed_in: SignedIn, name: str
) -> None:
    assert signed_in(mallory).get(url(name)).status_code == 404


@pytest.mark.parametrize(
    ("name", "role", "status"),
    [
        ("label", Role.VIEWER, 403),
        ("home", Role.VIEWER, 403),
        ("home", Role.ANNOTATOR, 200),
        ("agreement", Role.ANNOTATOR, 403),
        ("agreement", Role.REVIEWER, 200),
        ("questions", Role.ANALYST, 403),
        ("questions", Role.OWNER, 200),
        ("question_add", Role.ANALYST, 403),
    ],
)
def test_roles_see_their_pages(
    member: Member, signed_in: SignedIn, name: str, role: Role, status: int
) -> None:
    assert signed_in(member(role)).get(url(name)).status_code == status


def test_home_shows_my_work_and_reviewers_the_queue(
    visitor: Client, project: Project, review: Review, signed_in: SignedIn, owner: User
) -> None:
    services.rank_reviews(project=project, scores=[(review.pk, 0.75)], version=3)

    mine = visitor.get(url("home")).content.decode()
    all_of_it = signed_in(owner).get(url("home")).content.decode()

    assert "Start labelling" in mine
    assert "What comes next" not in mine
    assert "ranked by version 3" in all_of_it
    assert "0.750" in all_of_it


def test_an_owner_adds_changes_and_drops_questions(
    project: Project, signed_in: SignedIn, owner: User
) -> None:
    client = signed_in(owner)
    tone = {"name": "Tone", "kind": "choice", "options": "Warm\nCold\n", "is_required": "on"}

    client.post(url("question_add"), tone)
    places: dict[str, Any] = {
        "option-1-name": "Warm",
        "option-1-position": 2,
        "option-2-name": "Chilly",
    }
    client.post(
        url("question_edit", "tone"), tone | places | {"option-2-position": 1, "more": "Hot"}
    )
    client.post(url("question_remove", "rating"))

    schema = current_schema(project)
    assert schema.version == 4
    asked = schema.question("tone")
    assert asked is not None
    assert [option.key for option in asked.options] == ["cold", "warm", "hot"]
    assert schema.question("rating") is None
    assert client.get(url("questions")).status_code == 200


def test_a_question_without_options_is_sent_back(
    project: Project, signed_in: SignedIn, owner: User
) -> None:
    answer = signed_in(owner).post(url("question_add"), {"name": "Tone", "kind": "choice"})

    assert answer.status_code == 400
    assert "Give 2 to 100 options, not 0." in answer.content.decode()
    assert current_schema(project).version == 1


def test_a_project_without_questions_says_what_to_do(owner: User, signed_in: SignedIn) -> None:
    factories.project(owner=owner, slug="empty", preset="blank")

    html = signed_in(owner).get("/projects/empty/label/next/").content.decode()

    assert "No question yet" in html
    assert "Add questions" in html


def test_the_page_of_a_review_shows_what_people_said(
    visitor: Client, review: Review, signed_in: SignedIn, owner: User, anna: User
) -> None:
    visitor.get(url("label"))
    visitor.post(url("submit", Assignment.objects.get().pk), FORM)

    html = signed_in(owner).get(f"/projects/shop/reviews/{review.pk}/").content.decode()

    assert anna.get_username() in html
    assert "Positive" in html
    assert "Give my answers" in html


def test_what_is_lost_is_said_before_a_question_is_dropped(
    visitor: Client, review: Review, signed_in: SignedIn, owner: User
) -> None:
    visitor.get(url("label"))
    visitor.post(url("submit", Assignment.objects.get().pk), FORM)

    html = signed_in(owner).get(url("questions")).content.decode()

    assert "1 review has an answer to it. They stay with version 1" in html
    assert "Nobody has answered it yet." in html


def test_annotators_do_not_see_what_others_have_said_on_the_page_of_a_review(
    project: Project, review: Review, visitor: Client, member: Member, signed_in: SignedIn
) -> None:
    services.record_annotation(
        review=review,
        annotator=member(Role.ANNOTATOR),
        answers={"sentiment": "negative", "rating": 2, "aspects": ["shipping"]},
    )
    page = reverse("reviews:detail", args=["shop", review.pk])

    annotators = visitor.get(page).content.decode()
    reviewers = signed_in(member(Role.REVIEWER)).get(page).content.decode()

    assert "Negative" in reviewers
    assert "Negative" not in annotators
    assert "You have not answered about this review." in annotators


def test_spans_nested_beyond_reason_are_named_and_nothing_is_lost(
    visitor: Client, review: Review
) -> None:
    visitor.get(url("label"))
    deep = "[" * 100_000

    answer = visitor.post(
        url("submit", Assignment.objects.get().pk), FORM | {"answer.aspect_spans": deep}
    )

    assert answer.status_code == 422
    assert not Annotation.objects.exists()
