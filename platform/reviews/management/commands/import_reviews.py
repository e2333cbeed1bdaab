"""Import a file of reviews from the command line, through the same job as everybody's."""

import csv
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.management.base import BaseCommand, CommandError

from common.errors import GlossError
from jobs import worker
from jobs.models import Job
from projects.models import Project
from reviews import services
from reviews.mapping import DEFAULT_SEPARATOR, ColumnMapping


class Command(BaseCommand):
    help = "Import a CSV file of reviews; prints read, accepted, rejected, duplicates as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--dataset", required=True, metavar="NAME")
        parser.add_argument("--text", help="Columns of the text, such as 'Title,Review Text'.")
        parser.add_argument("--separator", default=DEFAULT_SEPARATOR)
        parser.add_argument("--answer", action="append", default=[], metavar="COLUMN=QUESTION")
        parser.add_argument(
            "--metadata",
            action="append",
            metavar="COLUMN",
            help="A column to keep; without this option every other column is kept.",
        )
        parser.add_argument("--date", default="", metavar="COLUMN")
        parser.add_argument("--product", default="", metavar="COLUMN")
        parser.add_argument("--author", default="", metavar="COLUMN")
        parser.add_argument("--no-header", action="store_true", help="The first row is data.")
        parser.add_argument("--encoding", help="Guessed when left out.")
        parser.add_argument("--delimiter", help="Guessed when left out; 'tab' for a tab.")

    def handle(self, **options: Any) -> None:
        try:
            job = _start(options)
        except GlossError as error:
            raise CommandError(error.detail) from error
        self.stderr.write(f"Job {job.pk} imports {options['file'].name}.")
        job = worker.run_here(job)
        if job.state != Job.State.SUCCEEDED:
            raise CommandError(f"The import {job.state}: {job.reason}")
        self.stdout.write(json.dumps(job.result))


def _start(options: dict[str, Any]) -> Job:
    project = Project.objects.filter(slug=options["project"]).first()
    if project is None:
        raise CommandError(f"There is no project {options['project']!r}.")
    try:
        opened = options["file"].open("rb")
    except OSError as error:
        raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error
    with opened as binary:
        file = File(binary, name=options["file"].name)
        upload = services.receive_upload(project=project, file=file, actor=None)
    try:
        started = services.start_import(
            project=project,
            dataset_name=options["dataset"],
            upload=upload,
            mapping=_mapping(options),
            encoding=options["encoding"],
            delimiter={"tab": "\t"}.get(options["delimiter"], options["delimiter"]),
            actor=None,
        )
    except (GlossError, CommandError):
        services.discard_upload(upload=upload)
        raise
    return started.job


def _mapping(options: dict[str, Any]) -> ColumnMapping:
    answers = {}
    for pair in options["answer"]:
        column, equals, question = pair.rpartition("=")
        if not (equals and column and question):
            raise CommandError(f"--answer {pair}: write COLUMN=QUESTION, such as Rating=rating.")
        answers[column] = question
    return ColumnMapping(
        text=_names(options["text"]),
        separator=options["separator"],
        answers=answers,
        metadata=None if options["metadata"] is None else tuple(options["metadata"]),
        date=options["date"],
        product=options["product"],
        author=options["author"],
        has_header=not options["no_header"],
    )


def _names(listed: str | None) -> tuple[str, ...]:
    """Split at commas; a name with a comma in it stands in double quotes."""
    if not listed:
        return ()
    return tuple(name.strip() for name in next(csv.reader([listed], skipinitialspace=True)) if name)
