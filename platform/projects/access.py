"""THE door: every view and API view gets its project here and nowhere else.

An outsider learns nothing, not even that the project exists (404). A member whose role is too low
is told so (403).
"""

from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.http import HttpRequest

from common import compiled
from common.errors import NotAllowed, NotVisible
from projects.models import Membership, Project, Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User


def membership_for(
    user: "User | AnonymousUser", slug: str, *, at_least: Role = Role.VIEWER
) -> Membership:
    """Return the person's membership of the project called `slug`, project loaded.

    Raises NotVisible for outsiders and NotAllowed for members below `at_least`.
    """
    membership = compiled.first(
        _membership, related=("project", "user"), slug=slug, person=user.pk or 0
    )
    if membership is None:
        raise NotVisible
    if membership.role < at_least:
        wanted = at_least.label
        raise NotAllowed(
            f"This needs the role {wanted}; yours is {membership.get_role_display()}. "
            "Ask an owner of the project."
        )
    return membership


def _membership(*, slug: str, person: int) -> "QuerySet[Membership]":
    return Membership.objects.filter(project__slug=slug, user_id=person, user__is_active=True)


def project_for(
    user: "User | AnonymousUser", slug: str, *, at_least: Role = Role.VIEWER
) -> Project:
    """Return the project called `slug` if the person may enter with at least that role."""
    return membership_for(user, slug, at_least=at_least).project


def enter(
    request: HttpRequest, slug: str, *, at_least: Role = Role.VIEWER, section: str = ""
) -> Project:
    """Return the project for a page, and tell the navigation where we are."""
    membership = membership_for(request.user, slug, at_least=at_least)
    request.gloss_membership = membership  # type: ignore[attr-defined]  # read by projects.context
    request.gloss_section = section  # type: ignore[attr-defined]
    return membership.project
