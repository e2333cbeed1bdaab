"""Predict every row of a file with a project's champion, here and now."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError

from ml import inputs, results
from ml.commands import carry_out, project_called, said_plainly, say_json
from ml.models import PredictionJob
from ml.selectors import version_to_ask
from ml.services import start_file_prediction


class Command(BaseCommand):
    help = "Predict every row of a file; CSV, JSONL or Parquet by ending, for input and output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--input", required=True, type=Path, metavar="F")
        parser.add_argument("--output", required=True, type=Path, metavar="F")
        parser.add_argument("--text", default="", metavar="COLUMN")
        parser.add_argument("--model-version", type=int, metavar="N", help="Default: the champion.")

    def handle(self, *_args: Any, **options: Any) -> None:
        project = project_called(options["project"])
        source, target = options["input"], options["output"]
        if not source.is_file():
            raise CommandError(f"There is no file {source}.")
        with said_plainly(), source.open("rb") as file:
            chosen = inputs.format_of(target.name)
            version = version_to_ask(project, options["model_version"])
            work = start_file_prediction(
                project=project,
                version=version,
                file=File(file, name=source.name),
                column=options["text"],
                actor=None,
            )
        assert work.job is not None  # noqa: S101  (it was made with one)
        job = carry_out(work.job)
        _write(work, target, chosen)
        say_json(self.stdout, {**job.result, "output": str(target)})


def _write(work: PredictionJob, target: Path, chosen: str) -> None:
    """Let the output appear whole."""
    work.refresh_from_db()
    beside = target.with_name(f".{target.name}.part")
    with beside.open("wb") as file:
        for piece in results.stream(work, chosen):
            file.write(piece)
    beside.replace(target)
