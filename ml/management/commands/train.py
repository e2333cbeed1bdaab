"""Train a model version of a project, here and now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ml.commands import carry_out, project_called, said_plainly, say_json
from ml.models import TrainingRun
from ml.planning import plan_training
from ml.selectors import evaluations_of
from ml.services import start_training
from ml.wishes import Wishes


class Command(BaseCommand):
    help = "Train a model version; prints training_run, model_version and metrics as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--tier", choices=["tfidf", "frozen", "full"])
        parser.add_argument("--encoder", metavar="NAME")
        parser.add_argument("--questions", metavar="a,b", help="All with gold by default.")
        parser.add_argument("--max-samples", type=int, metavar="N")
        parser.add_argument("--epochs", type=int, metavar="N")
        parser.add_argument("--batch-size", type=int, metavar="N")
        parser.add_argument("--learning-rate", type=float, metavar="X")
        parser.add_argument("--max-tokens", type=int, metavar="N")
        parser.add_argument("--seed", type=int, metavar="N")

    def handle(self, *_args: Any, **options: Any) -> None:
        project = project_called(options["project"])
        with said_plainly():
            plan = plan_training(project, _wishes(options))
            run = start_training(project=project, plan=plan, actor=None)
        assert run.job is not None  # noqa: S101  (it was made with one)
        self.stderr.write(
            f"Training on {plan.review_count:,} reviews, roughly {plan.seconds:.0f} seconds."
        )
        carry_out(run.job)
        say_json(self.stdout, _outcome(run))


def _wishes(options: dict[str, Any]) -> Wishes:
    names = ("tier", "encoder", "epochs", "batch_size", "learning_rate", "max_tokens")
    questions = [key.strip() for key in (options["questions"] or "").split(",") if key.strip()]
    return Wishes(
        **{name: options[name] for name in (*names, "max_samples", "seed")},
        questions=tuple(questions) or None,
    )


def _outcome(run: TrainingRun) -> dict[str, Any]:
    version = TrainingRun.objects.get(pk=run.pk).model_version
    return {
        "training_run": run.number,
        "model_version": version.number,
        "metrics": {row.question_key: row.metrics for row in evaluations_of(version)},
    }
