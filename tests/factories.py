"""Make rows for tests, through the services where there is one."""

import itertools

from accounts.models import User
from common.text import text_hash, text_key
from projects.models import Membership, Project, Role
from projects.services import create_project
from reviews.models import Dataset, Review

_numbers = itertools.count(1)


def user(username: str = "", **fields: object) -> User:
    """Make a person with a password that nobody knows."""
    return User.objects.create_user(username or f"person{next(_numbers)}", **fields)  # type: ignore[arg-type]


def project(*, owner: User, slug: str = "shop", preset: str = "product-reviews") -> Project:
    """Make a project with the questions of a preset."""
    return create_project(slug=slug, name=slug.title(), preset=preset, owner=owner)


def member(project: Project, role: Role, username: str = "") -> User:
    """Make a person with a role in `project`."""
    person = user(username or f"{role.label}{next(_numbers)}")
    Membership.objects.create(project=project, user=person, role=role)
    return person


def dataset(project: Project, name: str = "") -> Dataset:
    """Make a data set that is ready."""
    return Dataset.objects.create(
        project=project, name=name or f"set {next(_numbers)}", is_ready=True
    )


def review(project: Project, text: str = "", **fields: object) -> Review:
    """Make a review, by default one of the training split."""
    number = next(_numbers)
    chosen = text or f"Review number {number} is fine."
    values: dict[str, object] = {
        "dataset": None,
        "row_number": number,
        "split": Review.Split.TRAIN,
    } | fields
    values["dataset"] = values["dataset"] or dataset(project)
    return Review.objects.create(
        project=project, text=chosen, text_key=text_key(text_hash(chosen)), **values
    )
