"""Which words of one text speak for an answer: integrated gradients, or leaving words out.

Attention is given beside it, since people ask for it; it says what a layer mixed, not why the model
answers as it does (Jain and Wallace, 2019), and is never called an explanation.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ml.core import checkpoint
from ml.core.config import HeadConfig, Kind, Tier, TrainConfig
from ml.core.encode import load_tokenizer
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


def explain(directory: Path, text: str, question: str, *, steps: int = STEPS) -> Explanation:
    """Explain the answer of a checkpoint to one question about a text.

    Encoders are explained by integrated gradients (Sundararajan, Taly and Yan, 2017), models of
    terms by leaving each word out. Raises ConfigError for a question that has no single answer
    (spans) or that the model does not know, CheckpointError for damaged files.
    """
    checkpoint.verify(directory)
    settings = checkpoint.read_json(directory / "config.json")
    config = TrainConfig.from_json(settings["train"])
    head = next((each for each in config.heads if each.question == question), None)
    if head is None:
        raise ConfigError(f"The model does not answer {question!r}.")
    if head.kind is Kind.SPANS:
        raise ConfigError("Spans are many answers in one; explain another question.")
    if config.tier is Tier.TFIDF:
        return _left_out(directory, head, text)
    return _gradients(directory, settings, config, head, text, steps)


# --- Leaving words out ----------------------------------------------------------------------------


def _left_out(directory: Path, head: HeadConfig, text: str) -> Explanation:
    from ml.core.predict import Predictor

    predictor = Predictor.load(directory, is_verified=True)
    places = [match.span() for match in _WORD.finditer(text)][:_MOST_WORDS]
    texts = [text, " ", *(f"{text[:start]} {text[end:]}" for start, end in places)]
    target, values = _values(predictor, head, texts)
    words = tuple(
        WordShare(start, end, float(values[0] - without))
        for (start, end), without in zip(places, values[2:], strict=True)
    )
    return Explanation("leave one word out", target, float(values[1]), float(values[0]), words)


def _values(
    predictor: "Predictor", head: HeadConfig, texts: Sequence[str]
) -> tuple[str, list[float]]:
    """Return the answer to the first text, and how much each text is for it."""
    found = [each[head.question] for each in predictor.predict(texts)]
    if head.kind is Kind.NUMBER:
        return "", [each["value"] for each in found]
    target = _likeliest(found[0]["probabilities"])
    odds = logit(np.array([each["probabilities"][target] for each in found]), margin=1e-6)
    return target, [float(one) for one in odds]


def _likeliest(probabilities: dict[str, float]) -> str:
    return max(probabilities, key=probabilities.__getitem__)


# --- Integrated gradients -------------------------------------------------------------------------


def _gradients(
    directory: Path,
    settings: dict[str, Any],
    config: TrainConfig,
    head: HeadConfig,
    text: str,
    steps: int,
) -> Explanation:
    import torch
    from torch import nn

    from ml.core.predict import torch_engine

    tensors = checkpoint.read_tensors(directory / "model.safetensors")
    engine = torch_engine(directory, settings, tensors)
    model: Any = engine.tower.model.float().eval()
    heads = _heads(config, tensors, engine.info.width).to(engine.device)
    module = heads.each[config.heads.index(head)]
    reader = nn.Sequential(heads.neck, module)
    encoding = load_tokenizer(engine.tokenizer_file, config.max_tokens).encode(text)
    ids = torch.tensor([encoding.ids], device=engine.device)
    is_kept = torch.tensor(encoding.special_tokens_mask, device=engine.device).bool()
    with torch.no_grad():
        embeddings = model.get_input_embeddings()(ids)
        empty = model.get_input_embeddings()(torch.full_like(ids, engine.info.pad_id))
    # Special tokens stay: without them the network reads what it never saw in training.
    start = torch.where(is_kept[None, :, None], embeddings, empty)
    target = _target(model, reader, config, embeddings)
    scores = torch.zeros(ids.shape[1], device=engine.device)
    for part in torch.split(_shares(steps), 16):
        points = start + part.to(embeddings)[:, None, None] * (embeddings - start)
        points.requires_grad_(requires_grad=True)
        total = _score(_logits(model, reader, config, points), module, target).sum()
        (gradient,) = torch.autograd.grad(total, points)
        scores += ((embeddings - start) * gradient).sum(dim=(0, 2)) / steps
    with torch.no_grad():
        ends = torch.cat([start, embeddings])
        base, value = _score(_logits(model, reader, config, ends), module, target).tolist()
    attention = _attention(model, ids)
    words = _by_word(encoding, text, scores.cpu().numpy(), attention)
    name = "" if head.kind is Kind.NUMBER else head.options[target]
    share = float(settings["shares_of_terms"].get(head.question, 0.0))
    return Explanation("integrated gradients", name, base, value, words, share)


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


def _logits(model: Any, reader: "nn.Module", config: TrainConfig, embeddings: "Tensor") -> "Tensor":
    """Return [points, outputs] for embedded texts [points, tokens, width], all without padding."""
    import torch

    mask = torch.ones(embeddings.shape[:2], dtype=torch.int64, device=embeddings.device)
    output = model(inputs_embeds=embeddings, attention_mask=mask, output_hidden_states=True)
    layers = output.hidden_states
    states = output.last_hidden_state
    if config.layers == UPPER:
        states = torch.stack(layers[(len(layers) - 1) // 2 :]).mean(dim=0)
    pooled = states[:, 0] if config.pooling == "cls" else states.mean(dim=1)
    logits: Tensor = reader(pooled)
    return logits


def _target(model: Any, reader: "nn.Module", config: TrainConfig, embeddings: "Tensor") -> int:
    import torch

    with torch.no_grad():
        return int(_logits(model, reader, config, embeddings)[0].argmax())


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
    encoding: Any, text: str, scores: Floats, attention: Floats | None
) -> tuple[WordShare, ...]:
    """Join the tokens of each word, and what the tokenizer took apart within white space."""
    joined: dict[tuple[int, int], list[float]] = {}
    places = [match.span() for match in _WORD.finditer(text)]
    index = 0
    for token, (start, end) in enumerate(encoding.offsets):
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
