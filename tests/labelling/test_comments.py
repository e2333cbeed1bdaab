"""Comments on reviews, who is called by name in them, and who reads what."""

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import Invalid, NotVisible
from labelling import comment_text, comments
from labelling.comment_text import Piece
from labelling.models import Comment, Mention
from projects.models import Membership, Project, Role
from reviews.models import Review
from tests import factories

PAGE = "/projects/shop/label/"
API = "/api/v1/projects/shop/"
EVIL = "<script>alert(1)</script> @rita"


def join(project: Project, role: Role, name: str) -> Membership:
    return Membership.objects.get(project=project, user=factories.member(project, role, name))


@pytest.fixture
def anna(project: Project) -> Membership:
    return join(project, Role.ANNOTATOR, "anna")


@pytest.fixture
def rita(project: Project) -> Membership:
    return join(project, Role.REVIEWER, "rita")


@pytest.fixture
def bert(project: Project) -> Membership:
    return join(project, Role.ANNOTATOR, "bert")


@pytest.fixture
def review(project: Project) -> Review:
    return factories.review(project)


@pytest.fixture
def blind(project: Project, anna: Membership, bert: Membership, rita: Membership) -> None:
    Project.objects.filter(pk=project.pk).update(is_blind=True)
    for each in (anna, bert, rita):
        each.project.refresh_from_db()


def bodies(reader: Membership, review: Review) -> list[str]:
    return [comment.body for comment in comments.comments_for(reader, review)]


# --- The words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "called"),
    [
        ("@ada look", {"ada"}),
        ("Look, @Ada!", {"ada"}),
        ("(@ben.k)", {"ben.k"}),
        ("ask @ben.k.", {"ben.k"}),
        ("@ada @ada @ben.k", {"ada", "ben.k"}),
        ("mail ada@ada.org", set()),
        ("@adam", set()),
        ("@@ada", set()),
        ("@", set()),
        ("@c@x.org: see", {"c@x.org"}),
    ],
    ids=lambda value: value if isinstance(value, str) else str(len(value)),
)
def test_names_are_found_whatever_stands_around(body: str, called: set[str]) -> None:
    assert comment_text.mentioned(body, ["ada", "ben.k", "c@x.org"]) == called


def test_a_comment_in_pieces_is_the_comment() -> None:
    body = "@ada see https://x.org/a(b)?q=1. Or <http://y.org>, not javascript:alert(1)"

    found = comment_text.pieces(body, ["ada"])

    assert "".join(piece.text for piece in found) == body
    assert found[0] == Piece("@ada", is_mention=True)
    assert [piece.url for piece in found if piece.url] == [
        "https://x.org/a(b)?q=1",
        "http://y.org",
    ]


def test_a_name_in_an_address_is_part_of_the_address() -> None:
    (link,) = comment_text.pieces("https://x.org/@ada", ["ada"])

    assert link.url == "https://x.org/@ada"


# --- Who is called and who reads ------------------------------------------------------------------


def test_members_who_are_named_are_called(
    anna: Membership, rita: Membership, review: Review, mallory: User, project: Project
) -> None:
    join(project, Role.VIEWER, "vera")

    said = comments.say(
        membership=anna, review=review, body="@rita @anna @vera @mallory @nobody look"
    )

    assert [mention.person for mention in said.mentions.all()] == [rita.user]
    assert comments.unseen_count(rita) == 1
    assert comments.unseen_count(anna) == 0


def test_everybody_who_labels_reads_all_where_nothing_is_blind(
    anna: Membership, bert: Membership, rita: Membership, review: Review, project: Project
) -> None:
    comments.say(membership=anna, review=review, body="one")
    comments.say(membership=rita, review=review, body="two")

    assert bodies(bert, review) == bodies(rita, review) == ["one", "two"]
    assert bodies(join(project, Role.VIEWER, "vera"), review) == []


@pytest.mark.usefixtures("blind")
def test_blind_annotators_read_their_own_and_what_reviewers_address_to_them(
    anna: Membership, bert: Membership, rita: Membership, review: Review
) -> None:
    comments.say(membership=anna, review=review, body="I say negative, @bert @rita")
    comments.say(membership=rita, review=review, body="to all")
    comments.say(membership=rita, review=review, body="@anna why?")

    assert bodies(anna, review) == ["I say negative, @bert @rita", "@anna why?"]
    assert bodies(bert, review) == []
    assert len(bodies(rita, review)) == 3
    assert comments.unseen_count(bert) == 0
    assert set(Mention.objects.values_list("person__username", flat=True)) == {"rita", "anna"}


@pytest.mark.usefixtures("project")
def test_what_annotators_told_each_other_is_hidden_once_the_project_is_blind(
    anna: Membership, bert: Membership, review: Review
) -> None:
    comments.say(membership=anna, review=review, body="@bert mine is negative")
    assert comments.unseen_count(bert) == 1
    Project.objects.filter(pk=review.project_id).update(is_blind=True)
    bert.project.refresh_from_db()

    assert bodies(bert, review) == []
    assert comments.unseen_count(bert) == 0


def test_only_the_author_takes_a_comment_back(
    anna: Membership, rita: Membership, review: Review
) -> None:
    said = comments.say(membership=anna, review=review, body="@rita oops")

    with pytest.raises(NotVisible):
        comments.remove(membership=rita, comment=said)
    comments.remove(membership=anna, comment=said)

    assert bodies(rita, review) == []
    assert comments.unseen_count(rita) == 0
    assert Comment.objects.get().removed_at is not None


@pytest.mark.parametrize(
    "body", ["", " \n", "\x00", "x" * 4001], ids=["none", "blank", "NUL", "long"]
)
def test_a_comment_says_something_and_not_too_much(
    anna: Membership, review: Review, body: str
) -> None:
    with pytest.raises(Invalid):
        comments.say(membership=anna, review=review, body=body)

    assert not Comment.objects.exists()


def test_seeing_is_for_ones_own_mentions(
    anna: Membership, rita: Membership, bert: Membership, review: Review
) -> None:
    comments.say(membership=rita, review=review, body="@anna @bert one")
    comments.say(membership=rita, review=review, body="@anna two")
    other = Mention.objects.get(person=bert.user)

    assert comments.see(membership=anna, mention_ids=[other.pk]) == 0
    assert comments.see(membership=anna) == 2
    assert comments.see(membership=anna) == 0
    assert comments.unseen_count(bert) == 1


# --- Pages and REST -------------------------------------------------------------------------------


def test_a_comment_is_written_read_and_removed_on_the_review(
    anna: Membership, rita: Membership, review: Review, signed_in: Callable[[User], Client]
) -> None:
    visitor = signed_in(anna.user)
    add = f"{PAGE}reviews/{review.pk}/comments/"

    html = visitor.post(add, {"body": EVIL}, follow=True).content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt; <strong>@rita</strong>" in html
    said = Comment.objects.get()
    reader = signed_in(rita.user)
    assert "1 comment calls you by name" in reader.get(PAGE).content.decode()
    assert "not seen yet" in reader.get(f"{PAGE}mentions/").content.decode()
    assert reader.post(f"{PAGE}comments/{said.pk}/remove/").status_code == 404
    assert reader.post(f"{PAGE}mentions/seen/").status_code == 302
    assert "call you by name" not in reader.get(PAGE).content.decode()
    visitor.post(f"{PAGE}comments/{said.pk}/remove/")
    assert EVIL[:8] not in visitor.get(f"/projects/shop/reviews/{review.pk}/").content.decode()


def test_an_empty_comment_is_said_on_the_page(
    anna: Membership, review: Review, signed_in: Callable[[User], Client]
) -> None:
    add = f"{PAGE}reviews/{review.pk}/comments/"

    answer = signed_in(anna.user).post(add, {"body": " "}, follow=True)

    assert "A comment has 1 to 4,000 characters." in answer.content.decode()


def test_programs_comment_once_per_key(
    anna: Membership, rita: Membership, review: Review, api: Callable[..., APIClient]
) -> None:
    client, path = api(anna.user), f"{API}reviews/{review.pk}/comments/"

    answers = [
        client.post(path, {"body": "@rita hm"}, format="json", headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["mentions"] == ["rita"]
    assert [each["body"] for each in client.get(path).json()["results"]] == ["@rita hm"]
    reader = api(rita.user)
    (mention,) = reader.get(f"{API}mentions/").json()["results"]
    assert mention["comment"]["author"] == "anna"
    seen = reader.post(f"{API}mentions/seen/", {"mentions": [mention["id"]]}, format="json")
    assert seen.json() == {"seen": 1, "unseen": 0}
    one = f"{API}comments/{mention['comment']['id']}/"
    assert reader.delete(one).status_code == 404
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404


def test_mallory_reads_and_writes_nothing(
    anna: Membership, review: Review, mallory: User, signed_in: Callable[[User], Client]
) -> None:
    said = comments.say(membership=anna, review=review, body="ours")
    visitor = signed_in(mallory)

    for slug in ("shop", "mallorys"):
        page, rest = f"/projects/{slug}/label/", f"/api/v1/projects/{slug}/"
        asked = [
            visitor.post(f"{page}reviews/{review.pk}/comments/", {"body": "theirs"}),
            visitor.post(f"{page}comments/{said.pk}/remove/"),
            visitor.get(f"{rest}reviews/{review.pk}/comments/"),
            visitor.get(f"{rest}comments/{said.pk}/"),
            visitor.delete(f"{rest}comments/{said.pk}/"),
        ]
        assert [answer.status_code for answer in asked] == [404] * 5
    assert Comment.objects.get().removed_at is None
