"""`manage.py create_project SLUG --preset KEY --owner USERNAME`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from common.errors import GlossError
from projects.services import create_project


class Command(BaseCommand):
    help = "Create a project with the questions of a preset."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--preset", default="blank")
        parser.add_argument("--owner", required=True)
        parser.add_argument("--name", default="")

    def handle(self, *_: Any, slug: str, preset: str, owner: str, name: str, **__: Any) -> None:
        person = User.objects.filter(username=owner, is_active=True).first()
        if person is None:
            raise CommandError(f"There is no person {owner!r}; create one with createsuperuser.")
        try:
            project = create_project(slug=slug, name=name, preset=preset, owner=person)
        except GlossError as error:
            raise CommandError(error.detail) from error
        self.stderr.write(f"Created the project {project.slug}.")
