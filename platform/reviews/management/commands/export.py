"""Export reviews from the command line, through the same job as everybody's."""

import json
import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.errors import GlossError
from jobs import worker
from jobs.models import Job
from projects.models import Project
from reviews import export_services as services
from reviews.files import path_of
from reviews.formats import FORMATS
from reviews.models import Dataset
from reviews.wanted import NONE, TOKENS, Wanted


class Command(BaseCommand):
    help = "Export reviews and labels to a file; prints what is in it as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--format", required=True, choices=list(FORMATS))
        parser.add_argument("--output", required=True, type=Path, metavar="FILE")
        parser.add_argument(
            "--labels",
            default=NONE,
            help="annotators (each apart), consensus, gold, model, or none (the default).",
        )
        parser.add_argument("--model-version", default="", help="With --labels model.")
        parser.add_argument("--dataset", metavar="NAME")
        parser.add_argument("--filter", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument(
            "--column", action="append", metavar="NAME", help="Without it, all there are."
        )
        parser.add_argument("--question", default="", help="For formats about one question.")
        parser.add_argument("--tokens", default=TOKENS[0], choices=TOKENS)

    def handle(self, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        if not options["output"].parent.is_dir():
            raise CommandError(f"{options['output'].parent} is no folder. Make it first.")
        try:
            export = services.request_export(
                project=project, wish=_wish(project, options), actor=None
            )
        except GlossError as error:
            raise CommandError(error.detail) from error
        assert export.job is not None  # noqa: S101  (it was made with one)
        self.stderr.write(f"Job {export.job.pk} exports to {options['output'].name}.")
        job = worker.run_here(export.job)
        if job.state != Job.State.SUCCEEDED:
            raise CommandError(f"The export {job.state}: {job.reason}")
        export.refresh_from_db()
        _hand_over(export.file, options["output"])
        self.stdout.write(json.dumps(job.result))


def _hand_over(name: str, target: Path) -> None:
    """Copy the file; the one in the store is what the page of exports offers."""
    try:
        shutil.copyfile(path_of(name), target)
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error.strerror}.") from error


def _wish(project: Project, options: dict[str, Any]) -> Wanted:
    version = options["model_version"]
    return Wanted(
        format=options["format"],
        labels=options["labels"],
        label_settings={"version": version} if version else {},
        filters=tuple(_filter(pair) for pair in options["filter"]),
        dataset=_dataset(project, options["dataset"]),
        columns=None if options["column"] is None else tuple(options["column"]),
        question=options["question"],
        tokens=options["tokens"],
    )


def _filter(pair: str) -> tuple[str, str]:
    name, equals, value = pair.partition("=")
    if not (name and equals):
        raise CommandError(f"--filter {pair}: write NAME=VALUE, such as split=test.")
    return name, value


def _dataset(project: Project, name: str | None) -> int | None:
    if name is None:
        return None
    found = Dataset.objects.filter(project=project, name=name, is_ready=True).first()
    if found is None:
        raise CommandError(f"The project has no data set called {name!r}.")
    return found.pk
