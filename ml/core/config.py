"""What to train and how: plain values that travel as JSON."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final, Self

from ml.core.errors import ConfigError


class Kind(StrEnum):
    """The four kinds of question."""

    CHOICE = "choice"
    MULTICHOICE = "multichoice"
    NUMBER = "number"
    SPANS = "spans"


class Tier(StrEnum):
    """How much of the model is learned."""

    TFIDF = "tfidf"
    FROZEN = "frozen"
    FULL = "full"


# Of heads on a frozen encoder.
_SMALLEST_BATCH: Final = 32
_LARGEST_BATCH: Final = 256
_STEPS: Final = 128

#: Steps of a scale at most. A longer range of whole numbers is a number like any other.
MOST_SCALE_STEPS: Final = 100

#: Baselines that are trained on request.
BESIDE: Final = frozenset({"lstm", "single_task"})


@dataclass(frozen=True, kw_only=True)
class _Schedule:
    epochs: int
    learning_rate: float
    head_learning_rate: float
    batch_size: int
    minimum_steps: int


# A full fine-tuning of few rows fails for lack of steps (Zhang et al., ICLR 2021): hence its floor.
_SCHEDULES: Final = {
    Tier.TFIDF: _Schedule(
        epochs=1, learning_rate=1.0, head_learning_rate=1.0, batch_size=16, minimum_steps=0
    ),
    # Heads alone: the batch grows with the rows, see `sized`.
    Tier.FROZEN: _Schedule(
        epochs=30, learning_rate=0.0, head_learning_rate=1e-3, batch_size=0, minimum_steps=0
    ),
    Tier.FULL: _Schedule(
        epochs=10, learning_rate=2e-5, head_learning_rate=1e-3, batch_size=16, minimum_steps=500
    ),
}


@dataclass(frozen=True)
class HeadConfig:
    """Describe the head of one question."""

    question: str
    """Key of the question, as in answers and predictions."""
    kind: Kind
    """What an answer looks like."""
    options: tuple[str, ...] = ()
    """Allowed answers of a choice, a multichoice or spans, in display order."""
    minimum: float | None = None
    """Lowest number, where the question has one."""
    maximum: float | None = None
    """Highest number, where the question has one."""
    is_integer: bool = False
    """Whether only whole numbers are answers."""
    polarities: tuple[str, ...] = ()
    """Polarities of a span; empty when spans have none."""
    weight: float = 1.0
    """Share of this question in the joint loss."""
    hidden: int = -1
    """Width of the hidden layer; 0 for a linear head; -1 takes 0 for spans and 256 otherwise."""
    dropout: float = 0.3
    """Dropout before the last layer."""
    ordinal: str = "squeezed"
    """How a number with two ends is learned: squeezed (one output between the bounds by a sigmoid),
    standardised (one output in units of the answers' spread, cut at the bounds) or, on a scale of
    whole numbers, cumulative (one output per step: is the number above it?)."""
    class_weights: tuple[float, ...] = ()
    """Weight of each option of a choice in the loss, in the options' order; empty weighs alike."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", Kind(self.kind))
        object.__setattr__(self, "class_weights", tuple(map(float, self.class_weights)))
        object.__setattr__(self, "options", tuple(self.options))
        object.__setattr__(self, "polarities", tuple(self.polarities))
        if self.hidden == -1:
            object.__setattr__(self, "hidden", 0 if self.kind is Kind.SPANS else 256)
        self._check_options()
        self._check_bounds()
        self._check_learning()
        if not (self.weight > 0 and math.isfinite(self.weight)):
            raise ConfigError(
                f"Question {self.question}: the weight {self.weight} must be positive."
            )
        if self.hidden < 0 or not 0 <= self.dropout < 1:
            raise ConfigError(
                f"Question {self.question}: hidden must be 0 or more and dropout from 0 to below 1."
            )

    @property
    def is_bounded(self) -> bool:
        """Tell whether a number has both a lowest and a highest value."""
        return self.minimum is not None and self.maximum is not None

    @property
    def scale(self) -> tuple[int, ...]:
        """List the whole numbers of a bounded integer question of at most 100 steps, else none."""
        if self.minimum is None or self.maximum is None or not self.is_integer:
            return ()
        low, high = math.ceil(self.minimum), math.floor(self.maximum)
        # Counted before anything is listed: a bound may be 1e308.
        return tuple(range(low, high + 1)) if high - low <= MOST_SCALE_STEPS else ()

    @property
    def is_squeezed(self) -> bool:
        """Tell whether a number is learned between its bounds by a sigmoid."""
        return self.is_bounded and self.ordinal == "squeezed"

    @property
    def is_cumulative(self) -> bool:
        """Tell whether a number has one output per step of its scale."""
        return self.ordinal == "cumulative"

    def _check_options(self) -> None:
        name = f"Question {self.question!r}"
        if not self.question:
            raise ConfigError("A head needs the key of its question.")
        if self.kind is Kind.NUMBER and self.options:
            raise ConfigError(f"{name} asks for a number and cannot have options.")
        if self.kind is Kind.CHOICE and len(self.options) < 2:
            raise ConfigError(f"{name} is a choice and needs at least two options.")
        if self.kind in {Kind.MULTICHOICE, Kind.SPANS} and not self.options:
            raise ConfigError(f"{name} needs at least one option.")
        if len(set(self.options)) != len(self.options):
            raise ConfigError(f"{name} has an option twice.")
        if self.polarities and self.kind is not Kind.SPANS:
            raise ConfigError(f"{name}: only spans have polarities.")

    def _check_learning(self) -> None:
        name = f"Question {self.question!r}"
        if self.ordinal not in {"squeezed", "standardised", "cumulative"}:
            raise ConfigError(f"{name}: ordinal must be squeezed, standardised or cumulative.")
        if self.ordinal == "cumulative" and len(self.scale) < 2:
            raise ConfigError(
                f"{name}: cumulative outputs need a scale of whole numbers with two ends, which "
                f"are at most {MOST_SCALE_STEPS} steps apart."
            )
        if not self.class_weights:
            return
        if self.kind is not Kind.CHOICE or len(self.class_weights) != len(self.options):
            raise ConfigError(f"{name}: class weights need a choice, one weight for each option.")
        if not all(weight > 0 and math.isfinite(weight) for weight in self.class_weights):
            raise ConfigError(f"{name}: class weights must be positive.")

    def _check_bounds(self) -> None:
        name = f"Question {self.question!r}"
        if self.kind is not Kind.NUMBER:
            if self.minimum is not None or self.maximum is not None or self.is_integer:
                raise ConfigError(f"{name}: only a number has a range.")
            return
        bounds = [b for b in (self.minimum, self.maximum) if b is not None]
        if not all(math.isfinite(b) for b in bounds):
            raise ConfigError(f"{name}: the range must be finite.")
        if len(bounds) == 2 and bounds[0] >= bounds[1]:
            raise ConfigError(f"{name}: {bounds[0]} is not below {bounds[1]}.")

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Build a head from its JSON object; unknown keys raise ConfigError."""
        return cls(**_known(cls, data))


@dataclass(frozen=True)
class TrainConfig:
    """Describe one training completely, together with its snapshot."""

    tier: Tier
    """How much of the model is learned."""
    heads: tuple[HeadConfig, ...]
    """One head per question; all share the encoder."""
    encoder: str = "all-MiniLM-L6-v2"
    """Name in the encoder catalogue, hub id or local folder; unused by the tfidf tier."""
    epochs: int = 0
    """Passes over the training rows at most; 0 takes the default of the tier."""
    batch_size: int = 0
    """Reviews per step; 0 takes the default of the tier: for a frozen encoder it grows with the
    training reviews, see `sized`."""
    learning_rate: float = 0.0
    """Peak rate of the encoder; 0 takes the default of the tier."""
    head_learning_rate: float = 0.0
    """Peak rate of the heads, at 32 reviews per step where the batch size is chosen for them; 0
    takes the default of the tier."""
    max_tokens: int = 128
    """Tokens of a review that the encoder reads, special tokens included; 0 chooses by the
    lengths of the training reviews."""
    truncation: str = "head"
    """What is read of a review that is too long: head, or head_tail for a quarter of the tokens
    from its beginning and the rest from its end."""
    seed: int = 0
    """Seed of every random choice."""
    max_samples: int | None = None
    """Train on at most this many rows, chosen by the seed; None takes all."""
    patience: int = 3
    """Epochs without a lower validation loss before stopping."""
    minimum_steps: int = -1
    """Raise the epochs until this many steps fit, and let patience end nothing before; -1 asks the
    tier when epochs is 0, else 0."""
    warmup: float = 0.1
    """Share of the steps during which the rate rises."""
    weight_decay: float = 0.01
    """Decoupled weight decay of AdamW."""
    clip: float = 1.0
    """Largest norm of a gradient."""
    pooling: str = "mean"
    """How token states become one vector: mean or cls."""
    projection: int = 0
    """Width of a linear layer between that vector and the heads, which all share; 0 for none."""
    normalise: bool = False
    """Whether the vector that the heads read is scaled to length one."""
    layers: str = ""
    """Token states are read from the last layer or as the mean of the upper half of the layers
    (last or upper); empty takes the default of the tier."""
    device: str = "auto"
    """auto, cpu or cuda."""
    baselines: bool = True
    """Whether the majority and TF-IDF baselines are computed beside the model."""
    beside: tuple[str, ...] = ()
    """Baselines trained on request: lstm (words, from nothing, within two minutes) and single_task
    (one model a question, in the way of the joint one)."""
    blend: bool = True
    """Whether the frozen tier mixes in a linear model of terms where validation says it helps."""
    class_weights: bool = False
    """Whether rare options and rare tags of spans weigh more (inverse square root of their share,
    of a multichoice of their odds, capped): raises their recall, costs accuracy and honest
    confidences."""
    precision: str = "auto"
    """Arithmetic of fine-tuning: fp32, bf16, or auto for bf16 where the processor has units. Of
    encoding too, where it is not fp32 and the processor has them."""
    batch_tokens: int = 0
    """Tokens per step of fine-tuning, padding included; 0 takes batch_size x max_tokens."""
    accumulate: int = 1
    """Batches whose gradients are summed before a step of fine-tuning."""
    unfreeze: int = -1
    """Layers of the encoder that are fine-tuned, counted from the last; -1 takes all of it."""
    layer_decay: float = 1.0
    """Factor by which the rate falls from each layer of the encoder to the one below."""
    pretraining_texts: int = 0
    """Texts without labels that an encoder to be fine-tuned reads before, with masked words; 0 for
    none. Without a project they are those of the training reviews."""
    pretraining_steps: int = 0
    """Steps of that reading at most; 0 takes as many as three passes over the texts have."""
    pretraining_minutes: float = 30.0
    """Minutes of that reading at most."""
    threads: int = 0
    """Threads for encoding and training; 0 takes every core this process may use."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tier", Tier(self.tier))
        object.__setattr__(self, "heads", tuple(self.heads))
        object.__setattr__(self, "beside", tuple(self.beside))
        self._fill_defaults()
        self._check_heads()
        self._check_ranges()

    def _fill_defaults(self) -> None:
        schedule = _SCHEDULES[self.tier]
        if self.minimum_steps < 0:
            steps = 0 if self.epochs else schedule.minimum_steps
            object.__setattr__(self, "minimum_steps", steps)
        if not self.layers:
            layers = "upper" if self.tier is Tier.FROZEN else "last"
            object.__setattr__(self, "layers", layers)
        for name in ("epochs", "batch_size", "learning_rate", "head_learning_rate"):
            if not getattr(self, name):
                object.__setattr__(self, name, getattr(schedule, name))

    def _check_heads(self) -> None:
        if not self.heads:
            raise ConfigError("Choose at least one question to train on.")
        questions = [head.question for head in self.heads]
        if len(set(questions)) != len(questions):
            raise ConfigError("A question can have only one head.")

    def _check_ranges(self) -> None:
        refusals = {
            "epochs must be at least 1": self.epochs < 1,
            "batch_size must be at least 1": self.batch_size
            < (0 if self.tier is Tier.FROZEN else 1),
            "learning rates must be 0 or more": not min(self.learning_rate, self.head_learning_rate)
            >= 0,
            "max_tokens must be 0 or at least 8": self.max_tokens and self.max_tokens < 8,
            "truncation must be head or head_tail": self.truncation not in {"head", "head_tail"},
            "precision must be auto, fp32 or bf16": self.precision not in {"auto", "fp32", "bf16"},
            "batch_tokens must be 0 or more": self.batch_tokens < 0,
            "accumulate must be at least 1": self.accumulate < 1,
            "unfreeze must be -1 or more": self.unfreeze < -1,
            "layer_decay must be above 0 and at most 1": not 0 < self.layer_decay <= 1,
            "max_samples must be at least 1": self.max_samples is not None and self.max_samples < 1,
            "patience must be at least 1": self.patience < 1,
            "warmup must be from 0 to 1": not 0 <= self.warmup <= 1,
            "weight_decay must be 0 or more": self.weight_decay < 0,
            "only a fine-tuned encoder reads texts before": self.pretraining_texts > 0
            and self.tier is not Tier.FULL,
            "texts and steps of reading must be 0 or more": (
                min(self.pretraining_texts, self.pretraining_steps) < 0
            ),
            "minutes of reading must be above 0": not self.pretraining_minutes > 0,
            "beside must be of lstm and single_task": not set(self.beside) <= BESIDE,
            "clip must be positive": self.clip <= 0,
            "pooling must be mean or cls": self.pooling not in {"mean", "cls"},
            "projection must be 0 or more": self.projection < 0,
            "layers must be last or upper": self.layers not in {"last", "upper"},
            "device must be auto, cpu or cuda": self.device not in {"auto", "cpu", "cuda"},
            "threads must be 0 or more": self.threads < 0,
            "an encoder is needed": self.tier is not Tier.TFIDF and not self.encoder,
        }
        for sentence, is_refused in refusals.items():
            if is_refused:
                raise ConfigError(f"These settings contradict themselves: {sentence}.")

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object from which from_json builds an equal config."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Build a config from its JSON object; unknown keys raise ConfigError."""
        values = _known(cls, data)
        values["heads"] = tuple(HeadConfig.from_json(head) for head in values.get("heads", ()))
        return cls(**values)


def sized(config: TrainConfig, *, rows: int) -> TrainConfig:
    """Return a config whose batch size suits `rows` training reviews, where it was left open.

    At most about 128 steps an epoch: more of them only cost time once there are many rows. The
    rate of the heads grows with the square root of the batch (Malladi et al., NeurIPS 2022).
    """
    if config.batch_size:
        return config
    batch = min(_LARGEST_BATCH, max(_SMALLEST_BATCH, rows // _STEPS // 32 * 32))
    rate = config.head_learning_rate * math.sqrt(batch / _SMALLEST_BATCH)
    return replace(config, batch_size=batch, head_learning_rate=rate)


def _known(cls: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(cls)}
    if unknown := sorted(set(data) - names):
        raise ConfigError(
            f"Unknown settings: {', '.join(unknown)}. Known: {', '.join(sorted(names))}."
        )
    return dict(data)
