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
from reviews.cleaning import STEPS
from reviews.mapping import DEFAULT_SEPARATOR, ON_DUPLICATE, ON_NEAR_DUPLICATE, ColumnMapping
from reviews.sources import KINDS


class Command(BaseCommand):
    help = "Import a file of reviews; prints read, accepted, rejected, duplicates as JSON."

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
        parser.add_argument("--annotator", default="", metavar="COLUMN", help="Who said it.")
        parser.add_argument(
            "--value",
            action="append",
            default=[],
            metavar="COLUMN:RAW=WORD",
            help="What a value stands for, such as 'Stars:5 stars=5'.",
        )
        parser.add_argument(
            "--clean",
            action="append",
            default=[],
            metavar="STEP",
            help=f"Clean the text; steps in the order given: {', '.join(STEPS)}.",
        )
        parser.add_argument("--on-duplicate", choices=ON_DUPLICATE, default=ON_DUPLICATE[0])
        parser.add_argument(
            "--on-near-duplicate", choices=ON_NEAR_DUPLICATE, default=ON_NEAR_DUPLICATE[0]
        )
        parser.add_argument("--kind", choices=[*KINDS], help="Guessed when left out.")
        parser.add_argument("--sheet", help="Of a workbook; the first when left out.")
        parser.add_argument("--quote", help="Guessed when left out.")
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
            read_as=_format(options),
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
        annotator=options["annotator"],
        values=_values(options["value"]),
        cleaning=tuple(options["clean"]),
        on_duplicate=options["on_duplicate"],
        on_near_duplicate=options["on_near_duplicate"],
        has_header=not options["no_header"],
    )


def _format(options: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": options["kind"],
        "encoding": options["encoding"],
        "delimiter": {"tab": "\t"}.get(options["delimiter"], options["delimiter"]),
        "quote": options["quote"],
        "sheet": options["sheet"],
    }


def _values(pairs: list[str]) -> dict[str, dict[str, str]]:
    values: dict[str, dict[str, str]] = {}
    for pair in pairs:
        column, colon, rest = pair.partition(":")
        raw, equals, word = rest.rpartition("=")
        if not (colon and equals and column and raw):
            raise CommandError(f"--value {pair}: write COLUMN:RAW=WORD, such as Stars:5 stars=5.")
        values.setdefault(column, {})[raw] = word
    return values


def _names(listed: str | None) -> tuple[str, ...]:
    """Split at commas; a name with a comma in it stands in double quotes."""
    if not listed:
        return ()
    return tuple(name.strip() for name in next(csv.reader([listed], skipinitialspace=True)) if name)
