"""What whoever starts a training asked for, checked before anything is planned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
    #: 0 chooses by how long the reviews are.
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
    #: Texts without labels that the encoder reads before, with masked words.
    pretraining_texts: int | None = None
    pretraining_steps: int | None = None
    pretraining_minutes: float | None = None


# Wishes that mean something only where an encoder is read, or only where it learns.
_OF_ENCODERS: Final = {
    "truncation": "how long reviews are cut",
    "hidden": "a hidden layer",
    "dropout": "dropout",
    "projection": "a projection",
    "normalise": "the length of a vector",
    "ordinal": "the way of scales",
    "class_weights": "weights of rare options",
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
    if wishes.ordinal is not None and _has_steps(head):
        changes["ordinal"] = wishes.ordinal
    return replace(head, **changes)


def _has_steps(head: HeadConfig) -> bool:
    return len(head.scale) > 1


def _refuse(wishes: Wishes, names: Mapping[str, str], sentence: str) -> None:
    for name, words in names.items():
        if getattr(wishes, name) is not None:
            raise Invalid.of(name, sentence.format(words))
