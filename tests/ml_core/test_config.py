import json
import subprocess
import sys
from dataclasses import replace

import pytest

from ml.core.config import HeadConfig, Kind, Tier, TrainConfig, sized
from ml.core.errors import ConfigError
from tests.ml_core import tiny

REFUSED_HEADS = {
    "no key": {"question": "", "kind": "number"},
    "choice of one": {"question": "q", "kind": "choice", "options": ("a",)},
    "multichoice of none": {"question": "q", "kind": "multichoice"},
    "spans of none": {"question": "q", "kind": "spans"},
    "number with options": {"question": "q", "kind": "number", "options": ("a", "b")},
    "option twice": {"question": "q", "kind": "choice", "options": ("a", "a")},
    "polarity of a choice": {
        "question": "q",
        "kind": "choice",
        "options": ("a", "b"),
        "polarities": ("good",),
    },
    "range of a choice": {"question": "q", "kind": "choice", "options": ("a", "b"), "minimum": 1},
    "range upside down": {"question": "q", "kind": "number", "minimum": 5, "maximum": 1},
    "infinite range": {"question": "q", "kind": "number", "maximum": float("inf")},
    "no weight": {"question": "q", "kind": "number", "weight": 0},
    "all dropped": {"question": "q", "kind": "number", "dropout": 1},
    "unknown kind": {"question": "q", "kind": "essay"},
}

REFUSED_TRAININGS = {
    "no head": {"heads": ()},
    "question twice": {"heads": (tiny.RATING, tiny.RATING)},
    "negative epochs": {"epochs": -1},
    "negative rate": {"learning_rate": -1e-5},
    "too few tokens": {"max_tokens": 4},
    "no samples": {"max_samples": 0},
    "no patience": {"patience": 0},
    "unknown pooling": {"pooling": "max"},
    "unknown layers": {"layers": "all"},
    "unknown device": {"device": "tpu"},
    "no encoder": {"encoder": ""},
    "warm-up beyond the end": {"warmup": 2},
    "no clip": {"clip": 0},
    "unknown tier": {"tier": "huge"},
}


@pytest.mark.parametrize("values", REFUSED_HEADS.values(), ids=REFUSED_HEADS.keys())
def test_a_head_that_contradicts_itself_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - ConfigError, or an enum's own ValueError
        HeadConfig(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", REFUSED_TRAININGS.values(), ids=REFUSED_TRAININGS.keys())
def test_a_training_that_contradicts_itself_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - ConfigError, or an enum's own ValueError
        TrainConfig(**{"tier": "frozen", "heads": (tiny.RATING,), **values})  # type: ignore[arg-type]


@pytest.mark.parametrize("tier", list(Tier))
def test_a_config_survives_the_way_through_json(tier: Tier) -> None:
    config = TrainConfig(tier, tiny.HEADS, max_samples=10, seed=4)

    again = TrainConfig.from_json(json.loads(json.dumps(config.to_json())))

    assert again == config


def test_an_unknown_setting_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="lerning_rate"):
        TrainConfig.from_json({"tier": "tfidf", "heads": [], "lerning_rate": 1})


def test_epochs_that_a_person_chose_are_not_raised() -> None:
    chosen = TrainConfig(Tier.FULL, tiny.HEADS, epochs=3)
    left = TrainConfig(Tier.FULL, tiny.HEADS)

    assert (chosen.epochs, chosen.minimum_steps) == (3, 0)
    assert (left.epochs, left.minimum_steps) == (10, 500)


def test_a_whole_number_range_is_a_scale() -> None:
    assert tiny.RATING.scale == (1, 2, 3, 4, 5)
    assert tiny.WEIGHT.scale == ()
    assert HeadConfig("q", Kind.NUMBER, minimum=1, maximum=5).scale == ()


@pytest.mark.parametrize("top", [102, 1e10, 1e308])
def test_a_long_range_of_whole_numbers_is_no_scale_and_has_no_steps(top: float) -> None:
    head = HeadConfig("q", Kind.NUMBER, minimum=1, maximum=top, is_integer=True)

    assert replace(head, maximum=101).scale == tuple(range(1, 102))
    assert head.scale == ()
    with pytest.raises(ConfigError, match="at most 100 steps apart"):
        replace(head, ordinal="cumulative")


@pytest.mark.parametrize(
    "module", ["config", "data", "encoders", "acquisition", "metrics", "space"]
)
def test_light_modules_stay_light(module: str) -> None:
    program = (
        f"import sys, ml.core.{module}; "
        "print(sorted({'torch', 'transformers', 'sklearn', 'django'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert done.stdout.decode().strip() == "[]"


@pytest.mark.parametrize(("rows", "batch"), [(100, 32), (8_192, 64), (17_000, 128), (10**6, 256)])
def test_heads_alone_take_larger_batches_the_more_reviews_there_are(rows: int, batch: int) -> None:
    config = TrainConfig(Tier.FROZEN, (tiny.RATING,))

    found = sized(config, rows=rows)

    assert found.batch_size == batch
    assert found.head_learning_rate == pytest.approx(1e-3 * (batch / 32) ** 0.5)
    assert sized(found, rows=10) == found


def test_a_batch_size_that_a_person_chose_stays() -> None:
    config = TrainConfig(Tier.FROZEN, (tiny.RATING,), batch_size=8)

    assert sized(config, rows=10**6) == config
