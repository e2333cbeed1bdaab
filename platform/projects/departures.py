"""The hook by which packages above give back what a member holds who leaves a project."""

from collections.abc import Callable

from accounts.models import User
from projects.models import Project

Leave = Callable[[Project, User], None]

_leaving: list[Leave] = []


def register(leave: Leave) -> None:
    """Have `leave` called, in the transaction of the removal, when a member is taken out."""
    _leaving.append(leave)


def announce(project: Project, person: User) -> None:
    """Tell every package that a member is leaving."""
    for leave in _leaving:
        leave(project, person)
