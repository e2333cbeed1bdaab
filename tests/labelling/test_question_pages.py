"""The pages on which owners change the questions, and the same over REST."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import User
from labelling import change_job, services
from labelling.changes import Rename, Retire
from labelling.models import Annotation, LabelSchema, OpenReview
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot
from labelling.versions import change_questions, create_version
from projects.models import Project
from tests import factories

SignedIn = Callable[[User], Client]
API = "/api/v1/projects/shop/schema/"
ANSWERS = {"sentiment": "positive", "rating": 4, "aspects": ["price"], "aspect_spans": []}


def url(name: str, *args: object) -> str:
    return reverse(f"labelling:{name}", args=["shop", *args])


@pytest.fixture
def client(owner: User, signed_in: SignedIn) -> Client:
    return signed_in(owner)


@pytest.fixture
def annotation(project: Project, owner: User) -> Annotation:
    review = factories.review(project)
    return services.record_annotation(review=review, annotator=owner, answers=ANSWERS)


def form_of(project: Project, key: str, **changed: Any) -> dict[str, Any]:
    """Return the form as the page sends it when nothing was touched, with some fields changed."""
    question = asked(project, key)
    form: dict[str, Any] = {"name": question.name, "is_required": "on", "more": ""}
    for name in ("minimum", "maximum"):
        value = getattr(question, name)
        form[name] = "" if value is None else value
    if question.is_integer:
        form["is_integer"] = "on"
    for place, option in enumerate(question.options, start=1):
        form |= {f"option-{place}-name": option.name, f"option-{place}-position": place}
    return form | changed


def asked(project: Project, key: str) -> QuestionSnapshot:
    question = current_schema(project).question(key)
    assert question is not None
    return question


def confirm(client: Client, page: Any, **fields: Any) -> Any:
    """Send the form of a preview."""
    form = page.context["form"]
    data = {name: form[name].value() for name in ("changes", "version")}
    return client.post(url("question_change"), data | fields, follow=True)


def test_a_split_is_shown_before_it_is_made(
    project: Project, client: Client, annotation: Annotation
) -> None:
    parts = {"option-3-becomes": "split", "option-3-parts": "Glad\nThrilled"}
    assert asked(project, "sentiment").options[2].key == "positive"

    page = client.post(url("question_edit", "sentiment"), form_of(project, "sentiment", **parts))

    html = page.content.decode()
    assert page.status_code == 200
    assert "split “Positive” into “Glad”, “Thrilled”" in html
    assert "needed again" in html
    assert "Ask for the missing answers again: 1 review" in html
    assert current_schema(project).version == 1

    confirm(client, page, reopen="on")

    assert current_schema(project).version == 2
    assert OpenReview.objects.get().review_id == annotation.review_id


def test_reviews_are_not_opened_unless_that_is_ticked(
    project: Project, client: Client, annotation: Annotation
) -> None:
    page = client.post(
        url("question_edit", "aspects"),
        form_of(project, "aspects", **{_field(project, "aspects", "price", "becomes"): "retire"}),
    )

    confirm(client, page)

    assert asked(project, "aspects").option("price") is None
    assert not OpenReview.objects.exists()


def _field(project: Project, question: str, option: str, name: str) -> str:
    keys = [each.key for each in asked(project, question).options]
    return f"option-{keys.index(option) + 1}-{name}"


def test_options_are_merged_renamed_added_and_put_in_order(
    project: Project, client: Client, annotation: Annotation
) -> None:
    before = [option.key for option in asked(project, "aspects").options]
    fields = {
        _field(project, "aspects", "price", "becomes"): "into:quality",
        _field(project, "aspects", "quality", "name"): "Worth",
        _field(project, "aspects", before[-1], "position"): 1,
        "more": "Smell\n",
    }

    page = client.post(url("question_edit", "aspects"), form_of(project, "aspects", **fields))
    assert "Reads as “Worth”" in page.content.decode()
    confirm(client, page)

    after = asked(project, "aspects")
    kept = [key for key in before if key != "price"]
    assert {option.key for option in after.options} == {*kept, "smell"}
    assert after.options[-1].key == "smell"
    quality = after.option("quality")
    assert quality is not None
    assert quality.name == "Worth"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"option-1-becomes": "split", "option-1-parts": "One"}, "two or more new options"),
        (
            {"option-1-becomes": "into:neutral", "option-2-becomes": "into:negative"},
            "become each other",
        ),
        ({"option-1-becomes": "explode"}, "not one of the available choices"),
        ({"option-1-name": ""}, "This field is required"),
        ({"option-1-name": "Neutral"}, "Two options are called"),
        ({"option-1-becomes": "retire", "option-2-becomes": "retire"}, "Give 2 to 100 options"),
    ],
    ids=["one part", "circle", "unknown", "nameless", "twice", "too few"],
)
def test_what_cannot_be_is_said_beside_the_form(
    project: Project, client: Client, fields: dict[str, Any], says: str
) -> None:
    page = client.post(url("question_edit", "sentiment"), form_of(project, "sentiment", **fields))

    assert page.status_code == 400
    assert says in page.content.decode()
    assert current_schema(project).version == 1


def test_what_touches_no_answer_is_saved_at_once(project: Project, client: Client) -> None:
    client.post(url("question_edit", "rating"), form_of(project, "rating", name="Stars"))

    assert asked(project, "rating").name == "Stars"


def test_a_new_question_can_be_asked_of_old_reviews(
    project: Project, client: Client, annotation: Annotation
) -> None:
    new = {"name": "Useful", "kind": "choice", "options": "Yes\nNo", "is_required": "on"}

    page = client.post(url("question_add"), new)
    confirm(client, page, reopen="on")

    assert asked(project, "useful").options[0].name == "Yes"
    assert OpenReview.objects.count() == 1


def test_a_question_with_answers_is_dropped_after_a_look(
    project: Project, client: Client, annotation: Annotation
) -> None:
    page = client.post(url("question_remove", "rating"))
    assert "stays with the old versions" in page.content.decode()
    assert current_schema(project).question("rating") is not None

    confirm(client, page)

    assert current_schema(project).question("rating") is None


def test_somebody_else_was_faster(
    project: Project, client: Client, owner: User, annotation: Annotation
) -> None:
    page = client.post(url("question_remove", "rating"))
    change_questions(
        project=project, changes=[Rename(question="rating", name="Stars")], actor=owner
    )

    answer = confirm(client, page)

    assert "version 2 is current" in answer.content.decode()
    assert asked(project, "rating").name == "Stars"


def test_changes_that_were_tampered_with_are_refused(project: Project, client: Client) -> None:
    for changes in ("{", "[1]", '[{"do": "retire", "question": "x", "option": "y"}]'):
        data = {"changes": changes, "version": 1}

        answer = client.post(url("question_change"), data)

        assert answer.status_code in {302, 400}
        assert current_schema(project).version == 1


def test_questions_are_put_in_order(project: Project, client: Client) -> None:
    keys = [question.key for question in current_schema(project).questions]
    places = {f"place.{key}": len(keys) - at for at, key in enumerate(keys)}

    client.post(url("question_order"), places)

    assert [question.key for question in current_schema(project).questions] == keys[::-1]


def test_the_versions_say_who_changed_what(
    project: Project, client: Client, owner: User, annotation: Annotation
) -> None:
    client.post(url("questions"), {"guidelines": "Be kind.\nBe quick."})
    change_questions(
        project=project, changes=[Retire(question="aspects", option="price")], actor=owner
    )

    html = client.get(url("question_history")).content.decode()

    assert "Aspects: retire “Price”" in html
    assert "Be kind." in html
    assert owner.get_username() in html
    assert html.index("Version 3") < html.index("Version 2") < html.index("Version 1")


def test_many_versions_come_in_pages(project: Project, client: Client, owner: User) -> None:
    questions = current_schema(project).questions
    for number in range(22):
        create_version(project=project, questions=questions, guidelines=str(number), actor=owner)

    first = client.get(url("question_history"))
    rest = client.get(url("question_history") + f"?below={first.context['older']}")

    assert len(first.context["versions"]) == 20
    assert [each.number for each in rest.context["versions"]] == [3, 2, 1]
    assert rest.context["older"] is None


def test_a_large_change_leads_to_its_job(
    project: Project, client: Client, annotation: Annotation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_job, "LARGE", 0)
    page = client.post(url("question_remove", "rating"))
    assert "a job does it" in page.content.decode()

    answer = confirm(client, page)

    assert "Change of the questions" in answer.content.decode()
    assert "A change of the questions is under way" in client.get(url("questions")).content.decode()


# --- REST -----------------------------------------------------------------------------------------


def test_changes_over_rest(
    project: Project, owner: User, api: Callable[..., APIClient], annotation: Annotation
) -> None:
    change = {
        "do": "merge", "question": "aspects", "options": ["price", "quality"], "into": "worth",
        "name": "Worth",
    }  # fmt: skip

    answer = api(owner).post(API, {"version": 1, "changes": [change]}, format="json")

    assert answer.status_code == 201, answer.content
    assert answer.json()["version"] == 2
    kept = LabelSchema.objects.get(project=project, version=2).changes
    assert kept == [change]


def test_a_dry_run_over_rest_changes_nothing(
    project: Project, owner: User, api: Callable[..., APIClient], annotation: Annotation
) -> None:
    change = {"do": "retire", "question": "sentiment", "option": "positive", "reopen": True}

    answer = api(owner).post(API, {"changes": [change], "dry_run": True}, format="json")

    assert answer.status_code == 200
    found = answer.json()
    assert found["reviews_opened"] == 1
    [effect] = found["effects"]
    assert (effect["fate"], effect["annotations"], effect["gold"]) == ("again", 1, 1)
    assert current_schema(project).version == 1


def test_a_dry_run_with_all_questions_goes_by_their_keys(
    owner: User, api: Callable[..., APIClient], annotation: Annotation
) -> None:
    client = api(owner)
    questions = [q for q in client.get(API).json()["questions"] if q["key"] != "rating"]

    found = client.post(API, {"questions": questions, "dry_run": True}, format="json").json()

    assert found["changes"] == ["Rating: ask it no more"]
    assert [each["fate"] for each in found["effects"]] == ["stays"]


@pytest.mark.parametrize(
    "body",
    [{}, {"questions": [], "changes": []}, {"changes": [{"do": "explode"}]}, {"changes": "x"}],
    ids=["neither", "both", "unknown", "no list"],
)
def test_wishes_that_make_no_sense_are_refused(
    project: Project, owner: User, api: Callable[..., APIClient], body: dict[str, Any]
) -> None:
    answer = api(owner).post(API, body, format="json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith("changes")


def test_a_large_change_over_rest_answers_with_its_job(
    project: Project,
    owner: User,
    api: Callable[..., APIClient],
    annotation: Annotation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(change_job, "LARGE", 0)
    change = {"do": "rename", "question": "rating", "name": "Stars"}

    answer = api(owner).post(API, {"changes": [change]}, format="json")

    assert answer.status_code == 202
    assert answer.json()["job"]["id"]
