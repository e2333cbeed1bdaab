"""`manage.py create_token USERNAME --project SLUG --scope read ...`: prints the token alone."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import ApiToken, User
from accounts.services import create_token
from common.errors import GlossError
from projects.access import project_for


class Command(BaseCommand):
    help = "Create an API token for a member of a project and print it, this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--project", required=True)
        parser.add_argument("--scope", action="append", choices=ApiToken.Scope.values, default=[])
        parser.add_argument("--days", type=int, default=90)
        parser.add_argument("--name", default="command line")

    def handle(self, *_: Any, username: str, **options: Any) -> None:
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no person {username!r}.")
        try:
            project = project_for(user, options["project"])
            secret = create_token(
                user=user,
                project_id=project.pk,
                name=options["name"],
                scopes=options["scope"] or [ApiToken.Scope.READ.value],
                days=options["days"],
            )[1]
        except GlossError as error:
            raise CommandError(f"{username} and {options['project']}: {error.detail}") from error
        self.stdout.write(secret)
