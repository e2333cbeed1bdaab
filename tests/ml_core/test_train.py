import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ml.core import stopping
from ml.core.checkpoint import verify
from ml.core.config import Tier, TrainConfig
from ml.core.data import Example
from ml.core.errors import DivergedError, SnapshotError, TooLittleDataError
from ml.core.events import Epoch, Event, Finished, Progress, Stage
from ml.core.train import run
from tests.ml_core import tiny
from tests.ml_core.conftest import FROZEN, FULL, Workshop


def without(examples: list[Example], question: str, *splits: str) -> list[Example]:
    return [
        replace(e, answers={q: a for q, a in e.answers.items() if q != question})
        if e.split in splits
        else e
        for e in examples
    ]


@pytest.mark.parametrize("tier", list(Tier))
def test_every_tier_learns_every_kind_of_question(
    tier: Tier, request: pytest.FixtureRequest
) -> None:
    finished: Finished = request.getfixturevalue(tier.value)

    models = {q: m["model"] for q, m in finished.metrics["questions"].items()}
    # The frozen encoder is random: what its heads cannot see, they cannot learn.
    least = 0.75 if tier is Tier.FROZEN else 0.9
    assert models["sentiment"]["accuracy"]["value"] >= least
    assert models["rating"]["r2"]["value"] > 0.3
    assert models["weight"]["r2"]["value"] > 0.4
    assert models["topics"]["micro_f1"]["value"] > 0.9
    assert models["thing"]["micro_f1"]["value"] > 0.9
    # Of 40 spans; half would be right by chance.
    polarity_least = 0.6 if tier is Tier.FROZEN else 0.9
    assert models["thing"]["polarity_accuracy"]["value"] >= polarity_least


@pytest.mark.parametrize("tier", list(Tier))
def test_a_checkpoint_holds_what_explains_it(tier: Tier, request: pytest.FixtureRequest) -> None:
    directory = request.getfixturevalue(tier.value).directory

    manifest = verify(directory)

    names = {"model.safetensors", "config.json", "metrics.json", "CARD.md"}
    own = {"vocabulary.json"} if tier is Tier.TFIDF else {"encoder.onnx", "tokenizer.json"}
    assert names | own | {"test_predictions.jsonl"} <= set(manifest["files"])
    assert set(manifest) >= {"snapshot_sha256", "seed", "versions", "files"}
    assert not [path for path in directory.iterdir() if path.suffix in {".pkl", ".bin", ".pt"}]


def test_metrics_have_a_headline_with_interval_and_baselines_beside_it(frozen: Finished) -> None:
    for measured in frozen.metrics["questions"].values():
        headline = measured["model"]["headline"]

        assert set(headline) == {"name", "value", "low", "high", "n"}
        assert headline["low"] <= headline["value"] <= headline["high"]
        assert headline["n"] == measured["n"] == 40
        assert set(measured["baselines"]) == {"majority", "tfidf"}


def test_baselines_on_request_stand_beside_the_model(workshop: Workshop, tmp_path: Path) -> None:
    asked = replace(
        workshop.config("frozen"),
        heads=(tiny.SENTIMENT, tiny.RATING),
        epochs=3,
        beside=("lstm", "single_task"),
    )

    finished = workshop.train(tiny.make_examples(60), asked, tmp_path / "out")

    for measured in finished.metrics["questions"].values():
        assert set(measured["baselines"]) == {"majority", "tfidf", "lstm", "single_task"}
    card = (finished.directory / "CARD.md").read_text()
    head, _, *rows = [line for line in card.splitlines() if line.startswith("| ")]
    assert head.endswith("| n | majority | TF-IDF | LSTM | one model a question |")
    names = ("majority", "tfidf", "lstm", "single_task")
    for row, (question, measured) in zip(rows, finished.metrics["questions"].items(), strict=True):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        wanted = [measured["baselines"][name]["headline"]["value"] for name in names]
        assert cells[0] == question
        assert cells[5:] == [f"{value:.3f}" for value in wanted]


def until(events: Iterator[Event], message: str) -> list[Event]:
    """Return the events up to the stage that begins with a message."""
    found = []
    for event in events:
        found.append(event)
        if isinstance(event, Stage) and event.message.startswith(message):
            return found
    raise AssertionError(message)


def started(workshop: Workshop, config: TrainConfig, output: Path) -> Iterator[Event]:
    folders = {name: workshop.folder / name for name in ("features_dir", "encoders_dir")}
    return run(tiny.make_examples(60), config, **folders, output_dir=output)


@pytest.mark.usefixtures("unwished")
def test_after_an_early_stop_no_baseline_is_trained_that_would_be_stopped_too(
    workshop: Workshop, tmp_path: Path
) -> None:
    config = workshop.config(
        "frozen", (tiny.SENTIMENT, tiny.RATING), epochs=9, beside=("lstm", "single_task")
    )
    told = []

    for event in started(workshop, config, tmp_path / "out"):
        told.append(event)
        if isinstance(event, Epoch) and event.epoch == 3:
            stopping.ask()

    finished = told[-1]
    assert isinstance(finished, Finished)
    assert finished.metrics["stopped"]["epoch"] == 3
    assert not any(
        "beside" in e.message or "alone" in e.message for e in told if isinstance(e, Stage)
    )
    for measured in finished.metrics["questions"].values():
        for name in ("lstm", "single_task"):
            assert measured["baselines"][name] == {
                "note": "Left out, because the training was stopped early."
            }
    card = (finished.directory / "CARD.md").read_text()
    assert "Stopped early in epoch 3" in card
    assert "- rating, one model a question: Left out" in card


@pytest.mark.usefixtures("unwished")
def test_a_baseline_that_is_stopped_in_the_middle_has_no_figures(
    workshop: Workshop, tmp_path: Path
) -> None:
    config = workshop.config(
        "frozen", (tiny.SENTIMENT, tiny.RATING), epochs=3, beside=("single_task",)
    )
    events = started(workshop, config, tmp_path / "out")
    until(events, "Training a model of rating alone")

    stopping.ask()

    *_, finished = events
    assert isinstance(finished, Finished)
    questions = finished.metrics["questions"]
    assert "headline" in questions["sentiment"]["baselines"]["single_task"]
    assert "Left out" in questions["rating"]["baselines"]["single_task"]["note"]
    assert "stopped" not in finished.metrics


def test_a_baseline_that_fails_leaves_a_note_and_the_model_stays(
    workshop: Workshop, tmp_path: Path
) -> None:
    encoder = tiny.make_encoder(tmp_path / "tiny")
    config = replace(
        workshop.config("frozen", (tiny.SENTIMENT, tiny.RATING), epochs=1, beside=("single_task",)),
        encoder=str(encoder),
    )
    events = started(workshop, config, tmp_path / "out")
    until(events, "Training a model of sentiment alone")
    encoder.rename(tmp_path / "gone")
    until(events, "Training a model of rating alone")
    (tmp_path / "gone").rename(encoder)

    *_, finished = events

    assert isinstance(finished, Finished)
    questions = finished.metrics["questions"]
    note = questions["sentiment"]["baselines"]["single_task"]["note"]
    assert note.startswith("Not measured. The encoder")
    assert "headline" in questions["rating"]["baselines"]["single_task"]
    assert (
        f"- sentiment, one model a question: {note}" in (finished.directory / "CARD.md").read_text()
    )


def test_an_lstm_whose_loss_is_no_number_leaves_a_note(workshop: Workshop, tmp_path: Path) -> None:
    config = workshop.config("tfidf", (tiny.SENTIMENT, tiny.WEIGHT), beside=("lstm",))
    # Squared in units of the others' spread, a validation answer is beyond what four bytes hold.
    examples = [
        replace(e, answers={**e.answers, "weight": 1e15 if e.id == 3 else 2e-7 * e.id})
        for e in tiny.make_examples(60)
    ]
    assert examples[3].split == "validation"

    finished = workshop.train(examples, config, tmp_path / "out")

    for measured in finished.metrics["questions"].values():
        assert "diverged" in measured["baselines"]["lstm"]["note"]


def test_choices_and_whole_number_scales_have_a_confusion_matrix(frozen: Finished) -> None:
    questions = frozen.metrics["questions"]

    assert questions["sentiment"]["confusion"]["options"] == ["negative", "positive"]
    assert questions["rating"]["confusion"]["options"] == ["1", "2", "3", "4", "5"]
    assert sum(map(sum, questions["rating"]["confusion"]["rows"])) == 40
    assert "confusion" not in questions["weight"]


def test_the_same_seed_gives_the_same_figures_with_and_without_cached_vectors(
    workshop: Workshop, frozen: Finished, tmp_path: Path
) -> None:
    fresh = replace(workshop, folder=tmp_path)

    again = fresh.train(
        tiny.make_examples(200), fresh.config("frozen", **FROZEN), tmp_path / "again"
    )

    assert again.metrics["questions"] == frozen.metrics["questions"]
    assert again.metrics["curve"] == frozen.metrics["curve"]


def test_the_same_seed_gives_the_same_fine_tuned_weights(
    workshop: Workshop, full: Finished, tmp_path: Path
) -> None:
    config = workshop.config("full", **FULL)

    again = workshop.train(tiny.make_examples(200), config, tmp_path / "again")

    weights = [(d / "model.safetensors").read_bytes() for d in (full.directory, again.directory)]
    assert weights[0] == weights[1]


def test_test_predictions_have_one_line_per_test_review(frozen: Finished) -> None:
    text = (frozen.directory / "test_predictions.jsonl").read_text("utf-8")

    rows = [json.loads(line) for line in text.splitlines()]

    assert [row["id"] for row in rows] == list(range(4, 200, 5))
    assert set(rows[0]["answers"]) == {head.question for head in tiny.HEADS}


def test_progress_and_losses_are_reported_while_training(
    workshop: Workshop, tmp_path: Path
) -> None:
    config = workshop.config("full", epochs=2, learning_rate=1e-3)

    events = workshop.events(tiny.make_examples(60), config, tmp_path / "out")

    epochs = [event for event in events if isinstance(event, Epoch)]
    steps = [e for e in events if isinstance(e, Progress) and e.message == "Training"]
    assert [epoch.epoch for epoch in epochs] == [1, 2]
    assert steps[-1].done == steps[-1].total
    assert set(epochs[0].per_question) == {head.question for head in tiny.HEADS}


def test_a_question_without_training_answers_is_left_out_with_a_note(
    workshop: Workshop, tmp_path: Path
) -> None:
    examples = without(tiny.make_examples(60), "sentiment", "train")

    finished = workshop.train(examples, workshop.config("frozen"), tmp_path / "out")

    measured = finished.metrics["questions"]
    assert "No training review" in measured["sentiment"]["note"]
    assert measured["rating"]["model"]["mae"]["value"] is not None


def test_a_question_without_test_answers_is_trained_and_not_measured(
    workshop: Workshop, tmp_path: Path
) -> None:
    examples = without(tiny.make_examples(60), "thing", "test")

    finished = workshop.train(examples, workshop.config("tfidf"), tmp_path / "out")

    measured = finished.metrics["questions"]["thing"]
    assert measured["model"] is None
    assert measured["n"] == 0
    assert "No test review" in measured["note"]


@pytest.mark.parametrize("tier", list(Tier))
def test_training_works_without_a_single_validation_review(
    tier: Tier, workshop: Workshop, tmp_path: Path
) -> None:
    examples = [e for e in tiny.make_examples(60) if e.split != "validation"]

    finished = workshop.train(examples, workshop.config(tier, epochs=1), tmp_path / "out")

    assert finished.metrics["counts"]["validation"] == 0
    assert finished.metrics["questions"]["rating"]["model"]["coverage"]["n"] == 12


def test_training_works_with_one_training_review(workshop: Workshop, tmp_path: Path) -> None:
    train, *_ = tiny.make_examples(1)
    others = [e for e in tiny.make_examples(20) if e.split != "train"]

    finished = workshop.train([train, *others], workshop.config("frozen"), tmp_path / "out")

    assert "same" in finished.metrics["questions"]["sentiment"]["note"]


def test_nothing_to_learn_from_is_refused_in_plain_words(
    workshop: Workshop, tmp_path: Path
) -> None:
    examples = [e for e in tiny.make_examples(60) if e.split != "train"]

    with pytest.raises(TooLittleDataError, match="Label some reviews first"):
        workshop.events(examples, workshop.config("tfidf"), tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_a_diverging_training_says_so_and_leaves_nothing(
    workshop: Workshop, tmp_path: Path
) -> None:
    config = workshop.config("full", epochs=2, learning_rate=1e30)

    with pytest.raises(DivergedError, match="lower learning rate"):
        workshop.events(tiny.make_examples(60), config, tmp_path / "out")

    assert list(tmp_path.iterdir()) == []


def test_an_answer_outside_the_options_is_refused(workshop: Workshop, tmp_path: Path) -> None:
    wrong = Example(1, "text", "train", {"sentiment": "so-so"})

    with pytest.raises(SnapshotError, match="so-so"):
        workshop.events([wrong], workshop.config("tfidf"), tmp_path / "out")


def test_max_samples_limits_the_training_rows_alone(workshop: Workshop, tmp_path: Path) -> None:
    config = workshop.config("tfidf", max_samples=10)

    finished = workshop.train(tiny.make_examples(100), config, tmp_path / "out")

    counts = finished.metrics["counts"]
    assert (counts["train"], counts["validation"], counts["test"]) == (10, 20, 20)


def test_a_caller_who_stops_listening_leaves_no_folder_behind(
    workshop: Workshop, tmp_path: Path
) -> None:
    from ml.core.train import run

    folders = {name: workshop.folder / name for name in ("features_dir", "encoders_dir")}
    config = workshop.config("frozen")
    events = run(tiny.make_examples(60), config, **folders, output_dir=tmp_path / "out")
    next(events)
    next(events)

    events.close()  # type: ignore[attr-defined]  # a generator has it

    assert list(tmp_path.iterdir()) == []


def test_answers_may_be_partial_and_every_question_still_learns(
    workshop: Workshop, tmp_path: Path
) -> None:
    examples = [
        replace(e, answers={q: a for i, (q, a) in enumerate(e.answers.items()) if (e.id + i) % 2})
        for e in tiny.make_examples(300)
    ]

    finished = workshop.train(examples, workshop.config("frozen", **FROZEN), tmp_path / "out")

    assert finished.metrics["questions"]["sentiment"]["model"]["accuracy"]["value"] > 0.75
    assert finished.metrics["questions"]["thing"]["n"] < 60


@pytest.mark.parametrize(("tier", "count"), [("frozen", 60), ("full", 48)])
def test_only_what_is_used_is_encoded_before_the_heads_learn(
    tier: str, count: int, workshop: Workshop, tmp_path: Path
) -> None:
    config = workshop.config(tier, heads=(tiny.SENTIMENT,), epochs=1)

    events = workshop.events(tiny.make_examples(60), config, tmp_path / "out")

    assert f"Encoding {count} reviews" in [e.message for e in events if isinstance(e, Stage)]


def test_a_fine_tuning_without_baselines_fits_no_model_of_terms(
    workshop: Workshop, tmp_path: Path
) -> None:
    config = workshop.config("full", heads=(tiny.SENTIMENT,), epochs=1, baselines=False)

    finished = workshop.train(tiny.make_examples(60), config, tmp_path / "out")

    assert "terms" not in finished.metrics["seconds"]
    assert finished.metrics["questions"]["sentiment"]["baselines"] == {}


def test_test_reviews_that_answer_only_a_question_left_out_cost_nothing(
    workshop: Workshop, tmp_path: Path
) -> None:
    examples = without(tiny.make_examples(60), "sentiment", "train")
    lonely = Example(999, "a kettle", "test", {"sentiment": "positive"})

    finished = workshop.train([*examples, lonely], workshop.config("tfidf"), tmp_path / "out")

    lines = (finished.directory / "test_predictions.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[-1])["id"] == 999
