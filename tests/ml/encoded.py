"""A champion with an encoder: a tiny random one, trained once a session."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from django.conf import settings

from accounts.models import User
from labelling.models import Gold
from ml import checkpoints, services
from ml.core.config import HeadConfig, Kind, Tier, TrainConfig
from ml.core.data import Example, Split
from ml.core.train import run
from ml.models import ModelVersion, TrainingRun
from projects.models import Project
from tests.ml.conftest import SPLITS, texts
from tests.ml_core import tiny

SENTIMENT = HeadConfig("sentiment", Kind.CHOICE, ("negative", "neutral", "positive"))


def config(encoder: Path) -> TrainConfig:
    return TrainConfig(
        Tier.FROZEN, (SENTIMENT,), str(encoder), max_tokens=32, device="cpu", threads=1, epochs=2
    )


def learn(folder: Path) -> Path:
    """Train on the texts that `label` makes; return the checkpoint."""
    known = texts(60)
    encoder = tiny.make_encoder(folder / "tiny", texts=[text for text, _ in known])
    examples = [
        Example(
            number,
            text,
            cast("Split", SPLITS[(number // 2) % len(SPLITS)]),
            {"sentiment": "positive" if is_good else "negative"},
        )
        for number, (text, is_good) in enumerate(known)
    ]
    folders = {name: folder / name for name in ("features_dir", "encoders_dir", "output_dir")}
    for _ in run(examples, config(encoder), **folders):
        pass
    return folders["output_dir"]


def register(
    project: Project, owner: User, learned: Path, *, number: int = 1, wrong: int = 0
) -> ModelVersion:
    """Make a version of a checkpoint; it has answered all but `wrong` reviews by their gold."""
    made = TrainingRun.objects.create(
        project=project,
        number=number,
        created_by=owner,
        tier="frozen",
        encoder="tiny",
        config=config(learned.parent / "tiny").to_json(),
    )
    shutil.copytree(learned, settings.MODELS_DIR / f"run-{made.pk}-0")
    kept = checkpoints.adopt(made)
    assert kept is not None
    return services.register_version(run=made, kept=kept, predictions=_answers(project, wrong))


def _answers(project: Project, wrong: int) -> Iterable[tuple[int, dict[str, object]]]:
    rows = Gold.objects.filter(project=project, question__key="sentiment")
    for place, (pk, gold) in enumerate(rows.values_list("review_id", "option__key")):
        option = "neutral" if place < wrong else gold
        yield pk, {"sentiment": {"option": option, "confidence": 0.9, "probabilities": {}}}
