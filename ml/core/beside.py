"""The baselines beside a model: what every run is held against, and what is trained on request."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ml.core import stopping
from ml.core.config import HeadConfig, Kind, Tier, TrainConfig
from ml.core.data import Example
from ml.core.errors import CoreError, DivergedError
from ml.core.evaluate import majority_metrics, measure_model
from ml.core.events import Epoch, Event, Stage
from ml.core.fitted import Fitted
from ml.core.scores import Model
from ml.core.tfidf import TfidfModel
from ml.core.tiers import Folders, blended, fit

if TYPE_CHECKING:
    from ml.core.pretraining import Pretrained

_LSTM_SECONDS: Final = 120.0


def known(
    examples: Sequence[Example], config: TrainConfig, terms: TfidfModel | None
) -> dict[str, dict[str, Any]]:
    """Return the metrics of what every run is held against, by name and question."""
    found = {"majority": majority_metrics(config.heads, examples)}
    if terms is not None:
        found["tfidf"] = _measured(terms, examples)
    return found


def asked_for(
    examples: Sequence[Example],
    config: TrainConfig,
    terms: TfidfModel | None,
    folders: Folders,
    pretrained: "Pretrained | None",
) -> Generator[Event, None, dict[str, dict[str, Any]]]:
    """Train the baselines that were asked for; return their metrics by name and question."""
    found: dict[str, dict[str, Any]] = {}
    if "lstm" in config.beside:
        pooled = [head for head in config.heads if head.kind is not Kind.SPANS]
        found["lstm"] = yield from _attempted(_recurrent(examples, config), pooled)
    # Linear models on terms share nothing, so one a question would be the same again.
    if "single_task" in config.beside and config.tier is not Tier.TFIDF and len(config.heads) > 1:
        found["single_task"] = {}
        for number, head in enumerate(config.heads):
            alone = replace(config, heads=(head,))
            own = replace(folders, scratch=folders.scratch / f"alone-{number}", resume=None)
            training = _alone(examples, alone, terms, own, pretrained)
            found["single_task"] |= yield from _attempted(training, [head])
    return found


def _attempted(
    training: Generator[Event, None, dict[str, Any]], heads: Sequence[HeadConfig]
) -> Generator[Event, None, dict[str, Any]]:
    """Train a baseline of some questions; where it has no figures, a note says why.

    A finished model is not lost for a baseline that fails. After a wish for the end there is none:
    cut short too, it would make the model look better than it is.
    """
    if not stopping.is_asked():
        try:
            found = yield from training
        except CoreError as error:
            return _noted(heads, f"Not measured. {error}")
        if not stopping.is_asked():
            return found
    return _noted(heads, "Left out, because the training was stopped early.")


def _noted(heads: Sequence[HeadConfig], note: str) -> dict[str, Any]:
    return {head.question: {"note": note} for head in heads}


def _recurrent(
    examples: Sequence[Example], config: TrainConfig
) -> Generator[Event, None, dict[str, Any]]:
    from ml.core.lstm import fit_lstm

    yield Stage("Training an LSTM beside it")
    model = fit_lstm(config.heads, examples, seed=config.seed, seconds=_LSTM_SECONDS)
    return {} if model is None else _measured(model, examples)


def _alone(
    examples: Sequence[Example],
    config: TrainConfig,
    terms: TfidfModel | None,
    folders: Folders,
    pretrained: "Pretrained | None",
) -> Generator[Event, None, dict[str, Any]]:
    yield Stage(f"Training a model of {config.heads[0].question} alone")
    folders.scratch.mkdir()
    result = yield from _quietly(fit(examples, config, folders, pretrained))
    if result.diverged:
        raise DivergedError(result.diverged)
    if terms is not None:
        result = blended(result, terms, examples, config)
    return _measured(result.model, examples)


def _quietly(events: Generator[Event, None, Fitted]) -> Generator[Event, None, Fitted]:
    """Pass on everything but epochs: the curve is the joint model's."""
    while True:
        try:
            event = next(events)
        except StopIteration as stop:
            result: Fitted = stop.value
            return result
        if not isinstance(event, Epoch):
            yield event


def _measured(model: Model, examples: Sequence[Example]) -> dict[str, Any]:
    questions = measure_model(model, examples, in_detail=False).questions
    return {question: own["model"] for question, own in questions.items() if own["model"]}
