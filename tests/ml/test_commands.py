"""Train and predict from the command line."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ml.models import ModelVersion
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
