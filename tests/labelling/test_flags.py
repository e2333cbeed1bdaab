"""Flags on reviews and the list in which reviewers settle them."""

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import NotAllowed, NotVisible
from labelling import flags, open_flags
from labelling.models import Flag
from projects.models import Membership, Project, Role
from reviews.models import Review
from tests import factories

PAGE = "/projects/shop/label/"
API = "/api/v1/projects/shop/"


def join(project: Project, role: Role, name: str) -> Membership:
    return Membership.objects.get(project=project, user=factories.member(project, role, name))


@pytest.fixture
def anna(project: Project) -> Membership:
    return join(project, Role.ANNOTATOR, "anna")


@pytest.fixture
def rita(project: Project) -> Membership:
    return join(project, Role.REVIEWER, "rita")


@pytest.fixture
def review(project: Project) -> Review:
    return factories.review(project)


def raise_flag(membership: Membership, review: Review, note: str) -> Flag:
    return flags.flag_review(
        project=membership.project, review=review, person=membership.user, note=note
    )


def test_a_second_flag_replaces_the_note_of_the_open_one(anna: Membership, review: Review) -> None:
    for note in ("French?", "French or Latin?"):
        raise_flag(anna, review, note)

    assert Flag.objects.get().note == "French or Latin?"


def test_a_settled_flag_stays_and_a_new_one_opens(
    anna: Membership, rita: Membership, review: Review
) -> None:
    first = raise_flag(anna, review, "French?")
    settled = open_flags.resolve(membership=rita, flag=first)
    again = open_flags.resolve(membership=rita, flag=first)

    second = raise_flag(anna, review, "Still French?")

    assert settled.resolved_by == rita.user
    assert settled.resolved_at == again.resolved_at
    assert second.pk != first.pk
    assert list(open_flags.flags_for(rita, is_open=True)) == [second]


def test_annotators_see_their_own_flags_and_settle_none(
    anna: Membership, rita: Membership, review: Review, project: Project
) -> None:
    flag = raise_flag(anna, review, "French?")
    bert = join(project, Role.ANNOTATOR, "bert")

    assert list(open_flags.flags_for(anna)) == list(open_flags.flags_for(rita)) == [flag]
    with pytest.raises(NotVisible):
        open_flags.flag_of(bert, flag.pk)
    with pytest.raises(NotAllowed):
        open_flags.resolve(membership=anna, flag=flag)


def test_flags_wait_on_their_page_and_are_settled_there(
    anna: Membership, rita: Membership, review: Review, signed_in: Callable[[User], Client]
) -> None:
    sent = signed_in(anna.user).post(
        f"{PAGE}reviews/{review.pk}/flags/",
        {"note": "<i>French</i>?", "from": "review"},
        follow=True,
    )
    assert "Change what my flag says" in sent.content.decode()
    visitor = signed_in(rita.user)
    assert "1 flag</a> waits for a reviewer" in visitor.get(PAGE).content.decode()
    page = visitor.get(f"{PAGE}flags/").content.decode()
    assert "&lt;i&gt;French&lt;/i&gt;?" in page

    after = visitor.post(f"{PAGE}flags/{Flag.objects.get().pk}/resolve/", follow=True)

    assert "No open flag" in after.content.decode()
    assert "settled by" in after.content.decode()


def test_programs_flag_list_and_settle(
    anna: Membership, rita: Membership, review: Review, api: Callable[..., APIClient]
) -> None:
    body = {"review": review.pk, "note": "French?"}

    made = api(anna.user).post(f"{API}flags/", body, format="json")
    client = api(rita.user)
    settled = client.post(f"{API}flags/{made.json()['id']}/resolve/")

    assert made.status_code == 201
    assert made.json()["person"] == "anna"
    assert settled.json()["resolved_by"] == "rita"
    listed = {
        asked: [flag["id"] for flag in client.get(f"{API}flags/?open={asked}").json()["results"]]
        for asked in ("", "yes", "no")
    }
    assert listed == {"": [made.json()["id"]], "yes": [], "no": [made.json()["id"]]}
    assert client.get(f"{API}flags/?open=maybe").status_code == 400


def test_mallory_flags_and_settles_nothing(
    anna: Membership, review: Review, mallory: User, signed_in: Callable[[User], Client]
) -> None:
    flag = raise_flag(anna, review, "French?")
    visitor = signed_in(mallory)

    for slug in ("shop", "mallorys"):
        page, rest = f"/projects/{slug}/label/", f"/api/v1/projects/{slug}/"
        asked = [
            visitor.post(f"{page}reviews/{review.pk}/flags/", {"note": "mine"}),
            visitor.post(f"{page}flags/{flag.pk}/resolve/"),
            visitor.post(
                f"{rest}flags/",
                {"review": review.pk, "note": "mine"},
                content_type="application/json",
            ),
            visitor.post(f"{rest}flags/{flag.pk}/resolve/"),
        ]
        assert [answer.status_code for answer in asked] == [404] * 4
    assert Flag.objects.get().resolved_at is None
