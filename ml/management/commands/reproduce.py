"""Train one of the known recipes on its public data and print how good it became."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ml.core.child import limit_threads
from ml.core.config import Tier
from ml.core.errors import CoreError
from ml.reproduce.joint import as_joint_table, compare_joint
from ml.reproduce.recipes import RECIPES, Recipe
from ml.reproduce.running import Request, reproduce
from ml.reproduce.table import as_table


class Command(BaseCommand):
    help = "Train a known recipe on its public data; prints our figures beside the others'."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=sorted(RECIPES))
        parser.add_argument("--data", required=True, type=Path, metavar="FOLDER")
        parser.add_argument("--train-size", type=_positive, metavar="N", help="All by default.")
        parser.add_argument("--seeds", type=_positive, default=3, metavar="N")
        parser.add_argument(
            "--tier", choices=[tier.value for tier in Tier], help="The recipe's own by default."
        )
        parser.add_argument("--encoder", metavar="NAME", help="The installed default otherwise.")
        parser.add_argument("--epochs", type=_positive, metavar="N", help="The tier's by default.")
        parser.add_argument(
            "--texts",
            type=_positive,
            metavar="N",
            help="Texts, none of the test part, that an encoder to be fine-tuned reads before.",
        )
        parser.add_argument(
            "--joint",
            action="store_true",
            help="Compare one model of all questions of the data with one model for each.",
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="Write everything there too.")

    def handle(self, *_args: Any, **options: Any) -> None:
        limit_threads(len(os.sched_getaffinity(0)))
        recipe = RECIPES[options["name"]]
        options["tier"] = options["tier"] or recipe.tier.value
        request = Request(
            data=options["data"],
            features_dir=settings.FEATURES_DIR,
            encoders_dir=settings.ENCODERS_DIR,
            tier=Tier(options["tier"]),
            encoder=options["encoder"] or settings.GLOSS_ENCODER,
            train_size=options["train_size"],
            seeds=options["seeds"],
            device=settings.GLOSS_DEVICE,
            epochs=options["epochs"] or 0,
            texts=options["texts"] or 0,
        )
        command = _command(options)
        try:
            table, outcome = self._made(recipe, request, command, is_joint=options["joint"])
        except CoreError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(table)
        if options["json"]:
            stored = {"command": command, **outcome}
            text = json.dumps(stored, ensure_ascii=False, indent=2)
            options["json"].write_text(text + "\n", "utf-8")

    def _made(
        self, recipe: Recipe, request: Request, command: str, *, is_joint: bool
    ) -> tuple[str, dict[str, Any]]:
        if is_joint:
            joint = compare_joint(recipe, request, self.stderr.write)
            return as_joint_table(joint, command), joint.to_json()
        report = reproduce(recipe, request, self.stderr.write)
        return as_table(report, command), report.to_json()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _command(options: dict[str, Any]) -> str:
    words = ["manage.py", "reproduce", options["name"], "--data", "FOLDER"]
    if options["train_size"]:
        words += ["--train-size", str(options["train_size"])]
    words += ["--seeds", str(options["seeds"]), "--tier", options["tier"]]
    words += ["--epochs", str(options["epochs"])] if options["epochs"] else []
    words += ["--texts", str(options["texts"])] if options["texts"] else []
    words += ["--joint"] if options["joint"] else []
    return " ".join(words + (["--encoder", options["encoder"]] if options["encoder"] else []))
