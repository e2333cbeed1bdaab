"""What the frame around every page shows: the project, the role, the other projects."""

from typing import Any

from django.http import HttpRequest

from projects.models import Membership, Project


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Give templates `project`, `membership`, `section` and (lazily) `projects`."""
    membership: Membership | None = getattr(request, "gloss_membership", None)
    return {
        "project": membership.project if membership else None,
        "membership": membership,
        "section": getattr(request, "gloss_section", ""),
        "projects": lambda: _projects_of(request),
    }


def _projects_of(request: HttpRequest) -> list[Project]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    return list(Project.objects.filter(memberships__user=user).order_by("name"))
