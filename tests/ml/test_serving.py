"""Answers in the web process: without torch, from files that are what they were."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import AuditEvent
from common.errors import NotReady
from ml import serving
from ml.checkpoints import directory_of
from ml.models import ModelVersion

pytestmark = pytest.mark.django_db


def test_every_question_is_answered_in_the_contracts_shape(
    trained: Callable[..., ModelVersion],
) -> None:
    text = "Order 3: the quality is lovely and the price is fair."

    [answers] = serving.predict(trained(), [text])

    assert answers["sentiment"]["option"] == "positive"
    assert set(answers["sentiment"]["probabilities"]) == {"negative", "neutral", "positive"}
    assert answers["rating"]["low"] <= answers["rating"]["value"] <= answers["rating"]["high"]
    assert answers["aspects"]["selected"]
    for span in answers["aspect_spans"]:
        assert text[span["start"] : span["end"]] == span["text"]


def test_a_version_is_loaded_once(trained: Callable[..., ModelVersion]) -> None:
    version = trained()
    serving.predict(version, ["Fine."])
    (directory_of(version) / "model.safetensors").unlink()

    assert serving.predict(version, ["Fine."])


def test_a_changed_file_puts_the_version_into_quarantine(
    trained: Callable[..., ModelVersion],
) -> None:
    version = trained()
    with (directory_of(version) / "model.safetensors").open("ab") as file:
        file.write(b"x")

    with pytest.raises(NotReady, match=r"model\.safetensors"):
        serving.predict(version, ["Fine."])

    version.refresh_from_db()
    assert version.state == "quarantined"
    assert AuditEvent.objects.filter(action="model.quarantined").count() == 1
    assert serving.check_champions() == "version 1 of shop is quarantined; promote another version"


def test_a_version_of_another_release_is_refused_and_not_blamed(
    trained: Callable[..., ModelVersion],
) -> None:
    version = trained()
    path = directory_of(version) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 1}))
    version.manifest_sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    version.save()

    with pytest.raises(NotReady, match="another release"):
        serving.predict(version, ["Fine."])

    version.refresh_from_db()
    assert version.state == "ready"


def test_a_changed_manifest_is_noticed_without_reading_the_files(
    trained: Callable[..., ModelVersion],
) -> None:
    version = trained()
    assert serving.check_champions() == "ok"
    (directory_of(version) / "manifest.json").write_text("{}")

    assert "were changed" in serving.check_champions()
    with pytest.raises(NotReady):
        serving.predict(version, ["Fine."])


def test_missing_files_are_not_ready_and_say_so(trained: Callable[..., ModelVersion]) -> None:
    version = trained()
    directory_of(version).rename(Path(settings.MODELS_DIR) / "elsewhere")

    assert "not on this machine" in serving.check_champions()
    version.refresh_from_db()
    assert version.state == "ready"  # they may come back: a volume that was not mounted


_ASK = """
import json, sys
import django
django.setup()
import config.urls, config.wsgi
from pathlib import Path
from ml.core.predict import Predictor
answers = Predictor.load(Path(sys.argv[1]), engine="onnx").predict(["The quality is lovely."])
heavy = sorted(name for name in sys.modules if name in {"torch", "transformers"})
print(json.dumps({"heavy": heavy, "option": answers[0]["sentiment"]["option"]}))
"""


def test_the_web_process_answers_without_torch_and_transformers(
    trained: Callable[..., ModelVersion],
) -> None:
    folder = directory_of(trained())

    done = subprocess.run(
        [sys.executable, "-c", _ASK, str(folder)],
        cwd=settings.ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": f"{settings.ROOT}:{settings.ROOT}/platform",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "GLOSS_HOME": str(settings.HOME),
            "SECRET_KEY": settings.SECRET_KEY,
        },
        capture_output=True,
        check=False,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"heavy": [], "option": "positive"}
