"""What whoever starts a training asked for, checked before anything is planned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from common.errors import Invalid
from ml.core.config import MOST_SCALE_STEPS, HeadConfig, Kind, Tier

MOST_TOKENS: Final = 8192
LEAST_TOKENS: Final = 8
#: More are no help to an encoder of usual size, and are all held in memory.
MOST_TEXTS: Final = 200_000
MOST_STEPS: Final = 1_000_000
MOST_MINUTES: Final = 10_000
#: Where nobody says how long an encoder may read.
USUAL_MINUTES: Final = 30
#: As many characters as the name of an encoder may have in the database.
MOST_OF_A_NAME: Final = 200

POOLINGS: Final = {
    "mean": "the mean of its tokens",
    "cls": "its first token (CLS)",
}
TRUNCATIONS: Final = {
    "head": "its beginning",
    "head_tail": "a quarter from its beginning, the rest from its end",
}
PRECISIONS: Final = {
    "auto": "chosen by the processor",
    "fp32": "32 bits: exact and slow",
    "bf16": "bfloat16: fast where the processor has units for it",
}
ORDINALS: Final = {
    "squeezed": "one number between its ends",
    "cumulative": "step by step: is it above 1, above 2, …",
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What whoever starts a training asked for; None leaves it to the tier."""

    tier: str | None = None
    encoder: str | None = None
    questions: tuple[str, ...] | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    #: 0 chooses by how long the reviews are, as None does for an encoder.
    max_tokens: int | None = None
    max_samples: int | None = None
    seed: int | None = None
    beside: tuple[str, ...] | None = None
    truncation: str | None = None
    class_weights: bool | None = None
    #: Width of the hidden layer of every head but those of spans; 0 for none.
    hidden: int | None = None
    dropout: float | None = None
    #: Width of a linear layer before the heads.
    projection: int | None = None
    normalise: bool | None = None
    ordinal: str | None = None
    unfreeze: int | None = None
    layer_decay: float | None = None
    accumulate: int | None = None
    precision: str | None = None
    pooling: str | None = None
    #: What single questions want, by their keys.
    heads: Mapping[str, "HeadWish"] = field(default_factory=dict)
    #: Texts without labels that the encoder reads before, with masked words.
    pretraining_texts: int | None = None
    pretraining_steps: int | None = None
    pretraining_minutes: float | None = None


@dataclass(frozen=True, slots=True)
class HeadWish:
    """What is asked of one question alone; None leaves it to the training as a whole."""

    #: Share in the joint loss; 1 otherwise.
    weight: float | None = None
    hidden: int | None = None
    dropout: float | None = None


#: Settings of single questions, each with its lowest and highest value.
OF_HEADS: Final[Mapping[str, tuple[float, float]]] = {
    "weight": (0.001, 1000),
    "hidden": (0, 4096),
    "dropout": (0, 0.95),
}

# Wishes that mean something only where an encoder is read, or only where it learns.
_OF_ENCODERS: Final = {
    "truncation": "how long reviews are cut",
    "hidden": "a hidden layer",
    "dropout": "dropout",
    "projection": "a projection",
    "normalise": "the length of a vector",
    "ordinal": "the way of scales",
    "class_weights": "weights of rare options",
    "epochs": "epochs",
    "batch_size": "a batch size",
    "learning_rate": "a learning rate",
    "max_tokens": "a number of tokens: they read whole reviews",
    "pooling": "one vector of a review",
}
_OF_FINE_TUNING: Final = {
    "unfreeze": "the number of layers that learn",
    "layer_decay": "rates by layer",
    "accumulate": "summed batches",
    "precision": "the arithmetic",
    "pretraining_texts": "texts read before",
    "pretraining_steps": "steps of reading",
    "pretraining_minutes": "minutes of reading",
}
# Named as in the training's configuration.
_SETTINGS: Final = (
    "epochs",
    "batch_size",
    "learning_rate",
    "max_tokens",
    "max_samples",
    "seed",
    "beside",
    "truncation",
    "class_weights",
    "projection",
    "normalise",
    "unfreeze",
    "layer_decay",
    "accumulate",
    "precision",
    "pooling",
    "pretraining_texts",
    "pretraining_steps",
    "pretraining_minutes",
)


def check_wishes(wishes: Wishes, tier: Tier) -> None:
    """Raise Invalid, blaming its field, for a wish that the tier cannot heed."""
    if wishes.max_tokens is not None and 0 < wishes.max_tokens < LEAST_TOKENS:
        raise Invalid.of("max_tokens", tokens_rule())
    if tier is Tier.TFIDF:
        _refuse(wishes, _OF_ENCODERS, "Words (TF-IDF) know no such thing as {}; leave it empty.")
        if "single_task" in (wishes.beside or ()):
            raise Invalid.of(
                "beside",
                "Words (TF-IDF) share nothing between questions, so one model a question would be "
                "the same again; leave it out.",
            )
    _check_own(wishes, tier)
    if tier is not Tier.FULL:
        _refuse(
            wishes, _OF_FINE_TUNING, "Only a fine-tuned encoder has use for {}; leave it empty."
        )
    is_bounded = wishes.pretraining_steps is not None or wishes.pretraining_minutes is not None
    if is_bounded and not wishes.pretraining_texts:
        raise Invalid.of("pretraining_texts", "Say how many texts are read before.")


def check_heads(wishes: Wishes, heads: Sequence[HeadConfig]) -> None:
    """Raise Invalid, blaming its field, for a wish that none of the heads can heed."""
    if wishes.ordinal == "cumulative" and heads and not any(map(_has_steps, heads)):
        raise Invalid.of(
            "ordinal",
            "No question of this training is a scale of whole numbers with two ends, at most "
            f"{MOST_SCALE_STEPS} steps apart; leave it empty.",
        )
    if "single_task" in (wishes.beside or ()) and len(heads) == 1:
        raise Invalid.of(
            "beside", "With one question the model is the model of that question; leave it out."
        )


def check_reach(wishes: Wishes, encoder: str, limit: int) -> None:
    """Raise Invalid where more tokens are wished for than an encoder reads; 0 for no limit."""
    if limit and wishes.max_tokens is not None and wishes.max_tokens > limit:
        raise Invalid.of(
            "max_tokens",
            f"{encoder} reads at most {limit} tokens; give no more, or leave it empty.",
        )


def check_encoder_name(wishes: Wishes) -> None:
    """Raise Invalid for a name that could not be stored."""
    if wishes.encoder is not None and len(wishes.encoder) > MOST_OF_A_NAME:
        raise Invalid.of(
            "encoder",
            f"The name or folder of an encoder has at most {MOST_OF_A_NAME} characters, and this "
            f"one has {len(wishes.encoder)}. Give a shorter one, such as a link to the folder.",
        )


def tokens_rule() -> str:
    """Return what is wrong with a number of tokens."""
    return f"Give at least {LEAST_TOKENS} tokens, or 0 to choose by how long the reviews are."


def settings_of(wishes: Wishes, tier: Tier) -> dict[str, Any]:
    """Return the wishes as fields of a TrainConfig; what was left open is absent."""
    given = {name: getattr(wishes, name) for name in _SETTINGS}
    found = {name: value for name, value in given.items() if value is not None and value != ()}
    if tier is not Tier.TFIDF:
        found.setdefault("max_tokens", 0)
    if tier is Tier.FROZEN and "learning_rate" in found:
        # Only the heads learn, so it is their rate that is meant.
        found["head_learning_rate"] = found.pop("learning_rate")
    return found


def head_as_wished(head: HeadConfig, wishes: Wishes) -> HeadConfig:
    """Return a head with the wishes that concern it."""
    changes: dict[str, Any] = {}
    if wishes.hidden is not None and head.kind is not Kind.SPANS:
        changes["hidden"] = wishes.hidden
    if wishes.dropout is not None:
        changes["dropout"] = wishes.dropout
    own = wishes.heads.get(head.question, HeadWish())
    changes |= {name: value for name in OF_HEADS if (value := getattr(own, name)) is not None}
    if wishes.ordinal is not None and _has_steps(head):
        changes["ordinal"] = wishes.ordinal
    return replace(head, **changes)


def _has_steps(head: HeadConfig) -> bool:
    return len(head.scale) > 1


def _check_own(wishes: Wishes, tier: Tier) -> None:
    for key, own in wishes.heads.items():
        for name in OF_HEADS:
            if getattr(own, name) is None:
                continue
            if tier is Tier.TFIDF:
                raise Invalid.of(
                    own_field(key, name), "Words (TF-IDF) have no such setting; leave it empty."
                )
            if name == "weight" and tier is Tier.FROZEN and not wishes.projection:
                raise Invalid.of(
                    own_field(key, name),
                    "Questions on a frozen encoder share nothing unless there is a projection, so "
                    "a weight changes nothing; leave it empty.",
                )


def own_field(key: str, name: str) -> str:
    """Return what the setting of one question is called, in the form and over REST."""
    return f"heads.{key}.{name}"


def _refuse(wishes: Wishes, names: Mapping[str, str], sentence: str) -> None:
    for name, words in names.items():
        if getattr(wishes, name) is not None:
            raise Invalid.of(name, sentence.format(words))
