"""The door: who comes in, who is told that a role is missing, who learns nothing."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser
from rest_framework.test import APIClient

from accounts.models import AuditEvent, User
from common.errors import Conflict, Invalid, NotAllowed, NotVisible
from projects.access import project_for
from projects.models import Membership, Project, Role
from projects.services import create_project, remove_member, set_role
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_member_comes_in(project: Project, owner: User) -> None:
    assert project_for(owner, project.slug, at_least=Role.OWNER) == project


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("wanted", Role)
def test_a_role_opens_what_it_and_lower_roles_may(
    project: Project, member: Callable[[Role], User], role: Role, wanted: Role
) -> None:
    person = member(role)

    if role >= wanted:
        assert project_for(person, project.slug, at_least=wanted) == project
    else:
        with pytest.raises(NotAllowed, match=wanted.label):
            project_for(person, project.slug, at_least=wanted)


def test_an_outsider_learns_as_much_as_of_a_project_that_is_not(
    project: Project, mallory: User
) -> None:
    answers = []
    for slug in (project.slug, "no-such-project"):
        with pytest.raises(NotVisible) as caught:
            project_for(mallory, slug)
        answers.append(caught.value.detail)

    assert answers[0] == answers[1]


def test_nobody_is_an_outsider(project: Project) -> None:
    with pytest.raises(NotVisible):
        project_for(AnonymousUser(), project.slug)


def test_a_person_who_was_deactivated_is_an_outsider(project: Project, owner: User) -> None:
    User.objects.update(is_active=False)

    with pytest.raises(NotVisible):
        project_for(owner, project.slug)


def test_a_role_change_acts_on_the_next_request(
    project: Project, owner: User, member: Callable[[Role], User]
) -> None:
    person = member(Role.ANALYST)
    set_role(project=project, username=person.username, role=Role.VIEWER, actor=owner)

    with pytest.raises(NotAllowed):
        project_for(person, project.slug, at_least=Role.ANALYST)


def test_the_last_owner_stays(project: Project, owner: User) -> None:
    with pytest.raises(NotAllowed, match="at least one owner"):
        remove_member(project=project, username=owner.username, actor=owner)
    with pytest.raises(NotAllowed, match="at least one owner"):
        set_role(project=project, username=owner.username, role=Role.VIEWER, actor=owner)


def test_an_owner_may_leave_when_another_is_there(
    project: Project, owner: User, member: Callable[[Role], User]
) -> None:
    other = member(Role.OWNER)

    remove_member(project=project, username=owner.username, actor=other)

    assert not Membership.objects.filter(project=project, user=owner).exists()


def test_a_removed_members_tokens_are_gone(
    project: Project, owner: User, member: Callable[[Role], User], api: Callable[..., APIClient]
) -> None:
    person = member(Role.ANALYST)
    client = api(person)

    remove_member(project=project, username=person.username, actor=owner)

    assert client.get(f"/api/v1/projects/{project.slug}/").status_code == 401


@pytest.mark.parametrize(
    "slug", ["", "a", "Shoes", "shoe reviews", "-shoes", "shoes-", "x" * 51, "../etc", "schuhe!"]
)
def test_a_bad_slug_is_refused_with_what_would_do(owner: User, slug: str) -> None:
    with pytest.raises(Invalid):
        create_project(slug=slug, name="Shoes", preset="blank", owner=owner)


def test_a_taken_slug_is_a_conflict(project: Project, owner: User) -> None:
    with pytest.raises(Conflict, match="already"):
        create_project(slug=project.slug, name="Again", preset="blank", owner=owner)


def test_an_unknown_preset_names_the_known_ones(owner: User) -> None:
    with pytest.raises(Invalid, match="product-reviews"):
        create_project(slug="shoes", name="Shoes", preset="tea-leaves", owner=owner)


def test_what_changes_a_project_is_in_the_audit_log(project: Project, owner: User) -> None:
    factories.user("vera")
    set_role(project=project, username="vera", role=Role.VIEWER, actor=owner)

    actions = AuditEvent.objects.filter(project=project).values_list("action", "actor__username")

    assert ("project.created", owner.username) in actions
    assert ("member.set", owner.username) in actions
