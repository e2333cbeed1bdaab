"""What models say about reviews, for those who take reviews out."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from common.errors import Invalid
from labelling.selectors import current_schema
from ml.core.config import HeadConfig, TrainConfig
from ml.models import ModelVersion, Prediction
from ml.shapes import suggestion
from projects.models import Project
from reviews import labels
from reviews.labels import Labels, LabelSource, QuestionInfo

_CHAMPION = "champion"


def register() -> None:
    """Make the source known; called once, when the package starts."""
    labels.register(_source(_CHAMPION))


def _source(number: str) -> LabelSource:
    return LabelSource(
        key="model",
        name="Model",
        questions=partial(_questions, number=number),
        load=partial(_load, number=number),
        configure=_configure,
    )


def _configure(project: Project, settings: Mapping[str, str]) -> LabelSource:
    """Hold on to one version, so that a promotion meanwhile changes nothing."""
    for name in settings:
        if name != "version":
            raise Invalid.of("labels", f"A model is asked for a version, not for {name[:50]!r}.")
    version = _version(project, settings.get("version", _CHAMPION))
    return _source(str(version.number))


def _version(project: Project, number: str) -> ModelVersion:
    versions = ModelVersion.objects.filter(project=project).select_related("training_run")
    if number == _CHAMPION:
        version = versions.filter(is_champion=True).first()
        if version is None:
            raise Invalid.of("labels", "This project has no model yet; train one first.")
        return version
    wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 0
    version = versions.filter(number=wanted).first()
    if version is None:
        raise Invalid.of("labels", f"This project has no model version {number[:20]!r}.")
    return version


def _heads(version: ModelVersion) -> dict[str, HeadConfig]:
    config = TrainConfig.from_json(version.training_run.config)
    return {head.question: head for head in config.heads}


def _questions(project: Project, *, number: str) -> list[QuestionInfo]:
    names = {each.key: each.name for each in current_schema(project).questions}
    return [
        QuestionInfo(
            key=key,
            name=names.get(key, key),
            kind=head.kind.value,
            options=head.options,
            has_polarity=bool(head.polarities),
        )
        for key, head in _heads(_version(project, number)).items()
    ]


def _load(project: Project, review_ids: Sequence[int], *, number: str) -> dict[int, list[Labels]]:
    version = _version(project, number)
    heads = _heads(version)
    answers: dict[int, dict[str, Any]] = {}
    rows = Prediction.objects.filter(model_version=version, review__in=review_ids)
    for review_id, key, value in rows.values_list("review_id", "question_key", "value"):
        if key in heads:
            answers.setdefault(review_id, {})[key] = suggestion(heads[key], value)
    return {
        review_id: [Labels("model", given, version.number)] for review_id, given in answers.items()
    }
