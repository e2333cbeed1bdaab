"""Train and predict from the command line."""

import json
import re
from dataclasses import fields
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ml.management.commands.train import Command, wishes_of
from ml.models import ModelVersion
from ml.wishes import HeadWish, Wishes
from projects.models import Project
from reviews.models import Review

# Not in one transaction: the heartbeat of a command's job is a thread with its own connection.
pytestmark = pytest.mark.django_db(transaction=True)


def run(name: str, **options: object) -> dict[str, object]:
    output = StringIO()
    call_command(name, project="shop", stdout=output, stderr=StringIO(), **options)
    last: dict[str, object] = json.loads(output.getvalue().splitlines()[-1])
    return last


def test_train_and_predict_print_one_line_of_json_last(
    labelled: list[Review], tmp_path: Path
) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.jsonl"
    source.write_text("text\nThe quality is lovely.\n")

    trained = run("train", tier="tfidf", questions="sentiment")
    predicted = run("predict", input=source, output=target)

    assert (trained["training_run"], trained["model_version"]) == (1, 1)
    assert list(trained["metrics"]) == ["sentiment"]  # type: ignore[call-overload]
    assert predicted["rows"] == 1
    assert json.loads(target.read_text())["sentiment"]["option"] == "positive"
    assert ModelVersion.objects.get().is_champion


def test_what_a_person_can_mend_is_said_in_one_line(project: Project, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Label some reviews"):
        run("train", tier="tfidf")
    with pytest.raises(CommandError, match="no project 'nope'"):
        call_command("train", project="nope")
    with pytest.raises(CommandError, match="There is no file"):
        run("predict", input=tmp_path / "none.csv", output=tmp_path / "out.csv")


def test_the_command_knows_every_setting_of_the_form(labelled: list[Review]) -> None:
    parser = Command().create_parser("manage.py", "train")
    line = ["--project", "shop", "--tier", "full", "--beside", "lstm,single_task", "--normalise"]
    numbers = {
        "--layer-decay": "0.9", "--projection": "64", "--pretraining-texts": "500",
        "--pretraining-minutes": "2.5", "--unfreeze": "2", "--dropout": "0.1", "--pooling": "cls",
        "--weight": "rating=0.1", "--hidden": "sentiment=128",
    }  # fmt: skip
    for name, value in numbers.items():
        line += [name, value]

    options = vars(parser.parse_args([*line, "--precision", "fp32", "--questions", "sentiment"]))

    assert wishes_of(Project.objects.get(slug="shop"), options) == Wishes(
        tier="full", questions=("sentiment",), beside=("lstm", "single_task"), normalise=True,
        layer_decay=0.9, projection=64, pretraining_texts=500, pretraining_minutes=2.5, unfreeze=2,
        dropout=0.1, precision="fp32", pooling="cls",
        heads={"rating": HeadWish(weight=0.1), "sentiment": HeadWish(hidden=128)},
    )  # fmt: skip
    said = {action.dest for action in parser._actions}
    assert {field.name for field in fields(Wishes)} - {"heads"} | {"weight"} <= said


def test_the_command_says_where_it_learns_and_what_is_wrong_with_a_setting(
    labelled: list[Review],
) -> None:
    said = StringIO()

    call_command(
        "train", project="shop", tier="tfidf", questions="sentiment", stdout=StringIO(), stderr=said
    )

    assert re.search(r"Training on \d+ reviews, roughly \d+ seconds, on CPU\.", said.getvalue())
    with pytest.raises(CommandError, match=r"--dropout: Ensure this value is less than or equal"):
        run("train", tier="frozen", dropout=2)
    with pytest.raises(CommandError, match="Words \\(TF-IDF\\) know no such thing as a projection"):
        run("train", tier="tfidf", projection=8)
    with pytest.raises(CommandError, match="at most 200 characters, and this one has 201"):
        run("train", tier="frozen", encoder="a" * 201)
    with pytest.raises(CommandError, match="--weight: there is no question 'mood'"):
        run("train", tier="full", weight=["mood=2"])
    with pytest.raises(CommandError, match="--weight: say of which question"):
        run("train", tier="full", weight=["2"])
    with pytest.raises(CommandError, match="There is no question 'mood'"):
        run("train", tier="tfidf", questions="mood")
