"""One fitting by its tier, the terms that are mixed in, and where an interrupted one goes on."""

import hashlib
import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ml.core.blend import BlendedModel, blend
from ml.core.config import Tier, TrainConfig
from ml.core.data import Example, snapshot_hash
from ml.core.events import Event, Stage
from ml.core.fitted import Fitted
from ml.core.neural import NeuralModel
from ml.core.tfidf import TERMS, TfidfModel, fit_tfidf

if TYPE_CHECKING:
    from ml.core.pretraining import Pretrained
    from ml.core.resume import Saves


@dataclass(frozen=True)
class Folders:
    """Say where a training keeps vectors and encoders, works, and saves its state, if anywhere."""

    features: Path
    encoders: Path
    scratch: Path
    resume: Path | None


def fit(
    examples: Sequence[Example],
    config: TrainConfig,
    folders: Folders,
    pretrained: "Pretrained | None" = None,
) -> Generator[Event, None, Fitted]:
    """Train in the way of the tier; `pretrained` is the encoder that has read texts before."""
    if config.tier is Tier.TFIDF:
        yield Stage("Training on TF-IDF terms")
        model = fit_terms(examples, config)
        return Fitted(model, model.tensors())
    from ml.core import fitting

    own = {"features_dir": folders.features, "encoders_dir": folders.encoders}
    if config.tier is Tier.FROZEN:
        return (yield from fitting.fit_frozen(examples, config, **own))
    exported = folders.scratch / "encoder"
    exported.mkdir()
    read = pretrained.facts["texts_sha256"] if pretrained else ""
    saves = saves_of(examples, config, folders.resume, read)
    return (
        yield from fitting.fit_full(
            examples, config, **own, scratch=exported, saves=saves, pretrained=pretrained
        )
    )


def saves_of(
    examples: Sequence[Example], config: TrainConfig, folder: Path | None, read: str
) -> "Saves | None":
    """Return where a state is kept; `read` names the texts that the encoder has read before."""
    if folder is None:
        return None
    from ml.core.resume import Saves

    # The state of other settings, other answers or other texts must never be taken up. A machine of
    # more cores learns the same, but for the rounding of sums.
    own = {name: value for name, value in config.to_json().items() if name != "threads"}
    settings = json.dumps(own, sort_keys=True) + snapshot_hash(examples) + read
    return Saves(folder, hashlib.sha256(settings.encode()).hexdigest())


def fit_terms(examples: Sequence[Example], config: TrainConfig) -> TfidfModel:
    """Fit the linear models of terms on the training rows."""
    train, validation = (
        [e for e in examples if e.split == split] for split in ("train", "validation")
    )
    return fit_tfidf(config.heads, train, validation)


def mixes(config: TrainConfig) -> bool:
    """Tell whether terms may take part; a fine-tuned encoder has learned them itself."""
    return config.blend and config.tier is Tier.FROZEN


def blended(
    result: Fitted, terms: TfidfModel, examples: Sequence[Example], config: TrainConfig
) -> Fitted:
    """Return a fitted model with terms mixed in, where they may take part and help."""
    deep = result.model
    if not (mixes(config) and isinstance(deep, NeuralModel)):
        return result
    model = blend(deep, terms, examples)
    if not isinstance(model, BlendedModel):
        return result
    own = {f"{TERMS}{name}": tensor for name, tensor in model.terms.tensors().items()}
    return replace(result, model=model, tensors={**result.tensors, **own})
