"""Which words of one text speak for an answer: integrated gradients, or leaving words out.

Attention is given beside it, since people ask for it; it says what a layer mixed, not why the model
answers as it does (Jain and Wallace, 2019), and is never called an explanation.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from ml.core import checkpoint
from ml.core.answers import Prediction
from ml.core.config import HeadConfig, Kind, Tier, TrainConfig
from ml.core.encode import TextEncoder
from ml.core.engines.base import UPPER, Floats
from ml.core.errors import ConfigError
from ml.core.numeric import logit

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ml.core.network import Head, Heads
    from ml.core.predict import Predictor

#: Points on the way from the empty text; the sum is then within a few per cent of the difference.
STEPS: Final = 48
_MOST_WORDS: Final = 300
_WORD: Final = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class WordShare:
    """A run of the text (code points, end-exclusive), what it adds, and the attention it gets.

    Scores are in log odds of the answer, for a number in its own unit; attention is None where
    the model has none.
    """

    start: int
    end: int
    score: float
    attention: float | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What every word adds to one answer, from `base` (the empty text) to `value`.

    Where a model of terms is mixed into the answer, `terms_share` is how much it counts: what is
    explained is the encoder's part alone.
    """

    method: str
    target: str
    base: float
    value: float
    words: tuple[WordShare, ...]
    terms_share: float = 0.0

    @property
    def gap(self) -> float:
        """Return what the words do not account for: nought with infinitely many steps."""
        return self.value - self.base - sum(word.score for word in self.words)


def explain(
    directory: Path, text: str, question: str, *, steps: int = STEPS, device: str = "auto"
) -> tuple[Explanation, ...]:
    """Explain what a checkpoint answers to one question about a text, the likeliest answer first.

    A choice and a number have one answer; of a multichoice every option that is ticked follows the
    likeliest. Encoders are explained by integrated gradients (Sundararajan, Taly and Yan, 2017),
    models of terms by leaving each word out. device: of torch; auto, cpu or cuda. Raises
    ConfigError for a question that has no single answer (spans) or that the model does not know and
    for a device that is not there, CheckpointError for damaged files.
    """
    from ml.core.predict import Predictor

    checkpoint.verify(directory)
    settings = checkpoint.read_json(directory / "config.json")
    config = TrainConfig.from_json(settings["train"])
    head = next((each for each in config.heads if each.question == question), None)
    if head is None:
        raise ConfigError(f"The model does not answer {question!r}.")
    if head.kind is Kind.SPANS:
        raise ConfigError("Spans are many answers in one; explain another question.")
    predictor = Predictor.load(directory, "torch", device=device, is_verified=True)
    # Asked of the whole model: terms that are mixed in may answer otherwise than its encoder.
    targets = _targets(head, predictor.predict([text])[0][question])
    if config.tier is Tier.TFIDF:
        return _left_out(predictor, head, text, targets)
    tensors = checkpoint.read_tensors(directory / "model.safetensors")
    reader = _Reader.of(config, head, tensors, predictor.embedder())
    share = float(settings["shares_of_terms"].get(question, 0.0))
    found = _gradients(reader, text, targets, steps)
    return tuple(replace(each, terms_share=share) for each in found)


def _targets(head: HeadConfig, given: Prediction) -> tuple[str, ...]:
    """Return the options to explain; of a number there is one answer, without a name."""
    if head.kind is Kind.NUMBER:
        return ("",)
    if head.kind is Kind.CHOICE:
        return (given["option"],)
    shares: dict[str, float] = given["probabilities"]
    best, *others = sorted(shares, key=lambda option: -shares[option])
    return (best, *(option for option in others if option in given["selected"]))


# --- Leaving words out ----------------------------------------------------------------------------


def _left_out(
    predictor: "Predictor", head: HeadConfig, text: str, targets: Sequence[str]
) -> tuple[Explanation, ...]:
    places = [match.span() for match in _WORD.finditer(text)][:_MOST_WORDS]
    texts = [text, " ", *(f"{text[:start]} {text[end:]}" for start, end in places)]
    found = [each[head.question] for each in predictor.predict(texts)]
    explanations = []
    for target in targets:
        values = _values(found, target)
        words = tuple(
            WordShare(start, end, values[0] - without)
            for (start, end), without in zip(places, values[2:], strict=True)
        )
        explanations.append(Explanation("leave one word out", target, values[1], values[0], words))
    return tuple(explanations)


def _values(found: Sequence[Prediction], target: str) -> list[float]:
    """Return how much each text is for an option: log odds, or the number itself."""
    if not target:
        return [float(each["value"]) for each in found]
    odds = logit(np.array([each["probabilities"][target] for each in found]), margin=1e-6)
    return [float(one) for one in odds]


# --- Integrated gradients -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Reader:
    """Hold the network of one question, from embedded tokens to its outputs."""

    config: TrainConfig
    texts: TextEncoder
    model: Any
    top: "nn.Module"
    module: "Head"

    @classmethod
    def of(
        cls, config: TrainConfig, head: HeadConfig, tensors: dict[str, Floats], texts: TextEncoder
    ) -> "_Reader":
        """Return the network of `head` on the encoder that torch runs in `texts`."""
        from torch import nn

        engine: Any = texts.engine
        heads = _heads(config, tensors, engine.info.width).to(engine.device)
        module = heads.each[config.heads.index(head)]
        model = engine.tower.model.float().eval()
        return cls(config, texts, model, nn.Sequential(heads.neck, module), module)


def _gradients(
    reader: _Reader, text: str, targets: Sequence[str], steps: int
) -> tuple[Explanation, ...]:
    import torch

    head, module, engine = reader.module.config, reader.module, cast("Any", reader.texts.engine)
    # What the version itself reads of a long text: its head, or some of both ends.
    (read,) = reader.texts.tokenise([text])
    ids = torch.tensor([read.ids], device=engine.device)
    is_kept = torch.tensor([word is None for word in read.word_ids], device=engine.device)
    embed = reader.model.get_input_embeddings()
    with torch.no_grad():
        embeddings = embed(ids)
        empty = embed(torch.full_like(ids, engine.info.pad_id))
    # Special tokens stay: without them the network reads what it never saw in training.
    start = torch.where(is_kept[None, :, None], embeddings, empty)
    outputs = [head.options.index(target) if target else 0 for target in targets]
    scores = torch.zeros(len(targets), ids.shape[1], device=engine.device)
    for part in torch.split(_shares(steps), 16):
        points = start + part.to(embeddings)[:, None, None] * (embeddings - start)
        points.requires_grad_(requires_grad=True)
        logits = _logits(reader, points)
        for place, output in enumerate(outputs):
            total = _score(logits, module, output).sum()
            (gradient,) = torch.autograd.grad(total, points, retain_graph=True)
            scores[place] += ((embeddings - start) * gradient).sum(dim=(0, 2)) / steps
    with torch.no_grad():
        ends = _logits(reader, torch.cat([start, embeddings]))
    attention = _attention(reader.model, ids)
    explanations = []
    for target, output, shares in zip(targets, outputs, scores, strict=True):
        base, value = _score(ends, module, output).tolist()
        words = _by_word(read.offsets, text, shares.cpu().numpy(), attention)
        explanations.append(Explanation("integrated gradients", target, base, value, words))
    return tuple(explanations)


def _heads(config: TrainConfig, tensors: dict[str, Floats], width: int) -> "Heads":
    from ml.core.network import Heads, load_arrays

    heads = Heads(
        config.heads,
        width=width,
        word_width=2 * width,
        projection=config.projection,
        is_normalised=config.normalise,
    )
    load_arrays(heads, tensors)
    return heads.eval()


def _shares(steps: int) -> "Tensor":
    """Return the middles of equal steps from 0 to 1: the midpoint rule."""
    import torch

    return (torch.arange(steps, dtype=torch.float32) + 0.5) / steps


def _logits(reader: _Reader, embeddings: "Tensor") -> "Tensor":
    """Return [points, outputs] for embedded texts [points, tokens, width], all without padding."""
    import torch

    config = reader.config
    mask = torch.ones(embeddings.shape[:2], dtype=torch.int64, device=embeddings.device)
    output = reader.model(inputs_embeds=embeddings, attention_mask=mask, output_hidden_states=True)
    layers = output.hidden_states
    states = output.last_hidden_state
    if config.layers == UPPER:
        states = torch.stack(layers[(len(layers) - 1) // 2 :]).mean(dim=0)
    pooled = states[:, 0] if config.pooling == "cls" else states.mean(dim=1)
    logits: Tensor = reader.top(pooled)
    return logits


def _score(logits: "Tensor", module: "Head", target: int) -> "Tensor":
    """Return how much each point is for the answer [points]: log odds, or the number itself."""
    import torch

    from ml.core.losses import number_values

    head = module.config
    match head.kind:
        case Kind.CHOICE:
            others = [index for index in range(logits.shape[1]) if index != target]
            return logits[:, target] - torch.logsumexp(logits[:, others], dim=1)
        case Kind.MULTICHOICE:
            return logits[:, target]
        case _:
            return number_values(head, logits, (module.unit[0], module.unit[1]))[:, 0]


def _attention(model: Any, ids: "Tensor") -> Floats | None:
    """Return what share of the last layer's attention each token gets, over heads and tokens."""
    import torch

    try:
        model.set_attn_implementation("eager")
        with torch.no_grad():
            found = model(input_ids=ids, output_attentions=True).attentions
    except (AttributeError, ValueError):  # an architecture that does not give its attention
        return None
    if not found or found[-1] is None:
        return None
    return np.asarray(found[-1][0].mean(dim=(0, 1)).cpu().numpy())


def _by_word(
    offsets: Sequence[tuple[int, int]], text: str, scores: Floats, attention: Floats | None
) -> tuple[WordShare, ...]:
    """Join the tokens of each word, and what the tokenizer took apart within white space."""
    joined: dict[tuple[int, int], list[float]] = {}
    places = [match.span() for match in _WORD.finditer(text)]
    index = 0
    for token, (start, end) in enumerate(offsets):
        if start == end:
            continue
        while index < len(places) - 1 and places[index][1] <= start:
            index += 1
        shares = joined.setdefault(places[index], [0.0, 0.0])
        shares[0] += float(scores[token])
        shares[1] += float(attention[token]) if attention is not None else 0.0
    return tuple(
        WordShare(start, end, score, given if attention is not None else None)
        for (start, end), (score, given) in joined.items()
    )
