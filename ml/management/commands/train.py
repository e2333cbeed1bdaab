"""Train a model version of a project, here and now."""

from argparse import ArgumentParser
from dataclasses import replace
from typing import Any

from django import forms
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ml.commands import carry_out, project_called, said_plainly, say_json
from ml.core.hardware import visible_gpu
from ml.foreseen import foreseen, told
from ml.forms import TrainForm
from ml.models import TrainingRun
from ml.planning import plan_training
from ml.selectors import evaluations_of
from ml.services import start_training
from ml.wishes import OF_HEADS, Wishes, own_field
from projects.models import Project

# Said here in another way than in the form, which has lists to choose from.
_OWN = ("encoder", "other_encoder", "questions")


class Command(BaseCommand):
    help = "Train a model version; prints training_run, model_version and metrics as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--encoder", metavar="NAME", help="A name, or a folder.")
        parser.add_argument("--questions", metavar="a,b", help="All with gold by default.")
        for name, field in TrainForm.base_fields.items():
            if name not in _OWN:
                parser.add_argument(f"--{name.replace('_', '-')}", **_option(name, field))
        parser.add_argument(
            "--weight",
            action="append",
            metavar="QUESTION=X",
            help="Weight of a question in the joint loss; may be given several times.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        project = project_called(options["project"])
        with said_plainly():
            plan = plan_training(project, wishes_of(project, options))
            run = start_training(project=project, plan=plan, actor=None)
        assert run.job is not None  # noqa: S101  (it was made with one)
        here = foreseen(plan.tier, [told(settings.GLOSS_DEVICE, visible_gpu())])
        self.stderr.write(
            f"Training on {plan.review_count:,} reviews, roughly {plan.seconds:.0f} seconds, "
            f"on {here.device}."
        )
        carry_out(run.job)
        say_json(self.stdout, _outcome(run))


def _option(name: str, field: forms.Field) -> dict[str, Any]:
    """Return how a field of the form is said on the command line."""
    label = field.label or name.replace("_", " ").capitalize()
    help_text = f"{label}. {field.help_text}".strip()
    said: dict[str, Any] = {"help": help_text.replace("%", "%%")}
    if isinstance(field, forms.BooleanField):
        return said | {"action": "store_true"}
    if isinstance(field, forms.ChoiceField):
        keys = [str(key) for key, _ in field.choices if key]  # type: ignore[union-attr, misc]
        if isinstance(field, forms.MultipleChoiceField):
            return said | {"metavar": ",".join(keys)}
        return said | {"choices": keys}
    value = "X" if isinstance(field, forms.FloatField) else "N"
    if name in OF_HEADS:
        said["help"] += " Of one question alone: QUESTION=" + value + "."
        return said | {"metavar": value, "action": "append"}
    return said | {"metavar": value}


def wishes_of(project: Project, options: dict[str, Any]) -> Wishes:
    """Return what is asked for, checked as the form checks it."""
    given = {
        name: _listed(options[name]) if name == "beside" else options[name]
        for name in TrainForm.base_fields
        if name not in {*_OWN, *OF_HEADS} and options.get(name) not in {None, False}
    }
    given |= _of_heads(options)
    form = TrainForm(project, given)
    for name in given.keys() - form.fields.keys():
        raise CommandError(_unknown(name))
    for name, errors in form.errors.items():
        raise CommandError(f"--{name.replace('_', '-')}: {errors[0]}")
    questions = tuple(_listed(options["questions"]))
    return replace(form.wishes(), encoder=options["encoder"], questions=questions or None)


def _of_heads(options: dict[str, Any]) -> dict[str, Any]:
    """Return settings of heads as fields of the form: N is for all, QUESTION=N for one."""
    found: dict[str, Any] = {}
    for name in OF_HEADS:
        values = options.get(name)
        for value in values if isinstance(values, list) else [values]:
            key, is_one, number = str(value).rpartition("=")
            if value is not None:
                found[own_field(key, name) if is_one else name] = number
    return found


def _unknown(name: str) -> str:
    if name in OF_HEADS:
        return f"--{name}: say of which question, QUESTION=X."
    _, key, setting = name.split(".")
    return f"--{setting}: there is no question {key[:50]!r}."


def _listed(text: str | None) -> list[str]:
    return [key.strip() for key in (text or "").split(",") if key.strip()]


def _outcome(run: TrainingRun) -> dict[str, Any]:
    version = TrainingRun.objects.get(pk=run.pk).model_version
    return {
        "training_run": run.number,
        "model_version": version.number,
        "metrics": {row.question_key: row.metrics for row in evaluations_of(version)},
    }
