"""Whatever a project holds, a training ends with a model or with one clear sentence."""

import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor, nn

from ml.core import disk, memory
from ml.core.config import HeadConfig, Kind
from ml.core.data import Answer, Example, Split
from ml.core.encoders import file_sha256
from ml.core.engines.base import EncoderInfo
from ml.core.engines.export import export_tower
from ml.core.engines.torch import TextTower, load_tower
from ml.core.errors import (
    CheckpointError,
    EncoderDamagedError,
    EncoderMissingError,
    EncoderUnsuitableError,
)
from ml.core.events import Finished
from ml.core.predict import Predictor
from tests.ml_core import tiny
from tests.ml_core.conftest import FROZEN, Workshop
from tests.ml_core.test_child import make_job

TIERS = ("tfidf", "frozen")
LONG = ("lovely kettle " * 7200)[:100_000]


def assert_plain(sentence: str) -> None:
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    assert "Error" not in sentence
    assert sentence.endswith(".")
    assert len(sentence) < 400


# --- Odd answers and odd texts --------------------------------------------------------------------


@pytest.mark.parametrize("tier", TIERS)
def test_a_question_with_one_class_says_that_it_only_repeats_it(
    tier: str, workshop: Workshop, tmp_path: Path
) -> None:
    examples = [
        replace(e, answers={**e.answers, "sentiment": "positive"}) for e in tiny.make_examples(60)
    ]

    finished = workshop.train(examples, workshop.config(tier, epochs=2), tmp_path / "out")

    measured = finished.metrics["questions"]["sentiment"]
    assert "All 36 training answers are the same" in measured["note"]
    assert measured["model"]["accuracy"]["value"] == 1.0
    assert answers(finished, ["dull"])[0]["sentiment"]["option"] == "positive"


@pytest.mark.parametrize("tier", TIERS)
def test_ten_labels_make_a_model_that_says_how_little_it_was_measured_on(
    tier: str, workshop: Workshop, tmp_path: Path
) -> None:
    finished = workshop.train(
        tiny.make_examples(10), workshop.config(tier, epochs=2), tmp_path / "out"
    )

    for measured in finished.metrics["questions"].values():
        assert_plain(measured["note"])
        assert measured["n"] == 2


@pytest.mark.parametrize("tier", TIERS)
def test_an_option_that_nobody_used_has_no_figures_and_breaks_nothing(
    tier: str, workshop: Workshop, tmp_path: Path
) -> None:
    heads = tuple(
        replace(head, options=(*head.options, "unused"))
        for head in (tiny.SENTIMENT, tiny.TOPICS, tiny.THING)
    )

    finished = workshop.train(
        tiny.make_examples(60), workshop.config(tier, heads, epochs=2), tmp_path / "out"
    )

    questions = finished.metrics["questions"]
    for key in ("sentiment", "topics"):
        unused = questions[key]["model"]["per_option"]["unused"]
        assert (unused["n"], unused["f1"]) == (0, None)
    assert set(answers(finished, ["dull"])[0]["sentiment"]["probabilities"]) == {
        "negative", "positive", "unused",
    }  # fmt: skip


@pytest.mark.parametrize("tier", [*TIERS, "full"])
def test_texts_without_and_with_a_hundred_thousand_characters_are_learned_and_answered(
    tier: str, workshop: Workshop, tmp_path: Path
) -> None:
    heads = (tiny.SENTIMENT, tiny.RATING, tiny.THING)
    odd = ["", " ", LONG, "a" * 100_000]
    splits: tuple[Split, ...] = ("train", "validation", "test")
    given: dict[str, Answer] = {"sentiment": "positive", "rating": 4.0, "thing": ()}
    added = [
        Example(1000 + 10 * place + number, text, split, given)
        for place, split in enumerate(splits)
        for number, text in enumerate(odd)
    ]
    config = workshop.config(tier, heads, epochs=1, baselines=False)

    finished = workshop.train([*tiny.make_examples(20), *added], config, tmp_path / "out")

    assert finished.metrics["questions"]["sentiment"]["n"] == 8
    for answer in answers(finished, odd):
        assert answer["sentiment"]["option"] in tiny.SENTIMENT.options
        assert 1 <= answer["rating"]["value"] <= 5
    assert answers(finished, [""])[0]["thing"] == []


@pytest.mark.parametrize("top", [1e6, 1e308])
@pytest.mark.parametrize("tier", TIERS)
def test_answers_that_fill_little_of_a_wide_range_are_learned_and_served(
    tier: str, top: float, workshop: Workshop, tmp_path: Path
) -> None:
    price = HeadConfig("price", Kind.NUMBER, minimum=0, maximum=top, is_integer=True)
    examples = [
        replace(e, answers={"price": 40.0 if e.answers["sentiment"] == "positive" else 15.0})
        for e in tiny.make_examples(100)
    ]
    unbounded = HeadConfig("price", Kind.NUMBER)

    finished, free = (
        workshop.train(
            examples, workshop.config(tier, (head,), **FROZEN, blend=False), tmp_path / name
        )
        for head, name in ((price, "wide"), (unbounded, "free"))
    )

    measured = finished.metrics["questions"]["price"]
    error = measured["model"]["mae"]["value"]
    assert error < 0.8 * measured["baselines"]["majority"]["mae"]["value"]
    assert error == pytest.approx(free.metrics["questions"]["price"]["model"]["mae"]["value"])
    dear, cheap = (a["price"]["value"] for a in answers(finished, ["lovely kettle", "torn kettle"]))
    assert 0 <= cheap < dear < 60


def answers(finished: Finished, texts: list[str]) -> list[dict[str, Any]]:
    return Predictor.load(finished.directory).predict(texts)


# --- Encoders -------------------------------------------------------------------------------------


class Touches:
    """Leaves a file behind when somebody unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_damaged_encoder_is_refused_in_a_sentence_and_nothing_in_it_is_run(
    name: str, workshop: Workshop, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(workshop.encoder, tmp_path / "encoder"))
    (folder / name).write_bytes(pickle.dumps(Touches(tmp_path / "ran")))
    config = replace(workshop.config("frozen"), encoder=str(folder))

    with pytest.raises(EncoderDamagedError) as caught:
        workshop.events(tiny.make_examples(20), config, tmp_path / "out")

    assert_plain(str(caught.value))
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out").exists()


def test_an_encoder_with_pickled_weights_alone_is_none(workshop: Workshop, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(workshop.encoder, tmp_path / "encoder"))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    config = replace(workshop.config("frozen"), encoder=str(folder))

    with pytest.raises(EncoderMissingError, match="safetensors") as caught:
        workshop.events(tiny.make_examples(20), config, tmp_path / "out")

    assert_plain(str(caught.value))


def describe(folder: Path, **settings: object) -> None:
    """Make the config of an encoder say something else of its weights."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | settings))


def store(folder: Path, names: Collection[str]) -> None:
    """Leave an encoder only the weights of those names, and one that nobody asks for."""
    path = folder / "model.safetensors"
    kept = {name: tensor for name, tensor in load_file(path).items() if name in names}
    save_file({**kept, "foo": np.zeros(1, np.float32)}, path, {"format": "pt"})


WRONG_WEIGHTS: dict[str, Callable[[Path], None]] = {
    "fewer layers than described": lambda folder: describe(folder, num_hidden_layers=4),
    "other shapes than described": lambda folder: describe(folder, hidden_size=64),
    "nothing of the encoder": lambda folder: store(folder, ()),
}


@pytest.mark.parametrize("what", WRONG_WEIGHTS)
def test_an_encoder_with_other_weights_than_its_config_describes_is_refused_in_a_sentence(
    what: str, workshop: Workshop, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(workshop.encoder, tmp_path / "encoder"))
    WRONG_WEIGHTS[what](folder)
    config = replace(workshop.config("frozen"), encoder=str(folder))

    with pytest.raises(EncoderDamagedError, match=r"not those that its config\.json") as caught:
        workshop.events(tiny.make_examples(20), config, tmp_path / "out")

    assert_plain(str(caught.value))


def test_an_encoder_without_a_pooler_is_whole(workshop: Workshop, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(workshop.encoder, tmp_path / "encoder"))
    names = load_file(folder / "model.safetensors").keys()
    store(folder, {name for name in names if not name.startswith("pooler.")})

    tower, _ = load_tower(str(folder))

    assert tower.model.get_parameter("encoder.layer.1.output.dense.bias") is not None


def test_a_model_that_also_writes_is_no_encoder(workshop: Workshop, tmp_path: Path) -> None:
    from transformers import T5Config, T5Model

    folder = Path(shutil.copytree(workshop.encoder, tmp_path / "encoder"))
    shape = T5Config(vocab_size=142, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=2)
    T5Model(shape).save_pretrained(folder)
    config = replace(workshop.config("frozen"), encoder=str(folder))

    with pytest.raises(EncoderUnsuitableError, match="a decoder") as caught:
        workshop.events(tiny.make_examples(20), config, tmp_path / "out")

    assert_plain(str(caught.value))


class Fickle(nn.Module):
    """Computes one thing or another by what it reads, which no graph can hold."""

    def forward(self, input_ids: Tensor, **_others: object) -> Tensor:
        return input_ids * 2 if input_ids.sum() > 0 else input_ids


class Greedy(nn.Module):
    """Asks for more memory than there is, in the words of torch."""

    def forward(self, **_inputs: object) -> Tensor:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9")


def test_an_encoder_that_cannot_be_exported_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnsuitableError, match="ONNX") as caught:
        export_tower(TextTower(Fickle()), EncoderInfo("fickle", "sha", 1, 1, 0), tmp_path)

    assert_plain(str(caught.value))


def test_an_export_that_lacks_memory_does_not_blame_the_encoder(tmp_path: Path) -> None:
    with pytest.raises(torch.onnx.OnnxExporterError) as caught:
        export_tower(TextTower(Greedy()), EncoderInfo("greedy", "sha", 1, 1, 0), tmp_path)

    assert memory.is_short(caught.value)


def test_an_encoder_without_a_tokenizer_is_none(workshop: Workshop, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(workshop.encoder, tmp_path / "encoder"))
    (folder / "tokenizer.json").unlink()
    config = replace(workshop.config("frozen"), encoder=str(folder))

    with pytest.raises(EncoderMissingError, match="it has no tokenizer") as caught:
        workshop.events(tiny.make_examples(20), config, tmp_path / "out")

    assert_plain(str(caught.value))


def test_a_tokenizer_that_would_know_no_word_is_refused(workshop: Workshop, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(workshop.encoder, tmp_path / "encoder"))
    (folder / "tokenizer.json").unlink()
    # Of another kind than its config asks for, so that they are not even looked at.
    (folder / "vocab.json").write_text('{"<unk>": 0, "k": 1, "e": 2, "ke": 3}')
    (folder / "merges.txt").write_text("#version: 0.2\nk e\n")
    config = replace(workshop.config("frozen"), encoder=str(folder))

    with pytest.raises(EncoderDamagedError, match="knows no words") as caught:
        workshop.events(tiny.make_examples(20), config, tmp_path / "out")

    assert_plain(str(caught.value))


@pytest.fixture
def hanging_up() -> Iterator[int]:
    """A server that takes every call and says nothing; give its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                caller.close()

        threading.Thread(target=answer, daemon=True).start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("is_there", [False, True], ids=["nobody there", "it hangs up"])
def test_a_hub_that_cannot_be_reached_is_one_sentence_with_what_to_do(
    hanging_up: int, tmp_path: Path, *, is_there: bool
) -> None:
    # In a process of its own: the hub's library reads its settings when it is first imported.
    program = (
        "from ml.core import encoders, errors\n"
        "try: encoders.obtain('acme/absent')\n"
        "except errors.EncoderMissingError as error: print(error)"
    )
    port = hanging_up if is_there else 9
    environment = {
        "HF_HOME": str(tmp_path),
        "HF_ENDPOINT": f"http://127.0.0.1:{port}",
        "PATH": "/usr/bin",
    }

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, env=environment
    )

    sentence = done.stdout.decode().strip()
    assert_plain(sentence)
    assert "“acme/absent” is not on this machine" in sentence
    assert "copy the model into HF_HOME" in sentence


# --- Disks and checkpoints ------------------------------------------------------------------------

# As the operating system and the library of the weights report it.
FULL_DISKS = {
    "when flushed": """
import errno, os
def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
os.fsync = full
""",
    "when weights are written": """
import safetensors.numpy
def full(*_):
    raise safetensors.SafetensorError("I/O error: No space left on device (os error 28)")
safetensors.numpy.save_file = full
""",
}


@pytest.mark.parametrize("when", FULL_DISKS)
def test_a_full_disk_is_said_and_leaves_nothing_half_written(
    when: str, workshop: Workshop, tmp_path: Path
) -> None:
    job = make_job(tmp_path / "job", workshop, workshop.config("tfidf"), tiny.make_examples(20))
    program = f"{FULL_DISKS[when]}\nimport sys\nfrom ml.core import child\n"

    done = subprocess.run(
        [sys.executable, "-c", f"{program}sys.exit(child.main(sys.argv[1:]))", str(job)],
        capture_output=True,
        check=False,
        env=os.environ,
    )

    last = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, last["event"], last["message"]) == (1, "error", disk.FULL)
    assert sorted(path.name for path in job.iterdir()) == ["config.json", "snapshot.jsonl"]


def test_a_pickle_in_the_place_of_weights_is_refused_and_not_run(
    tfidf: Finished, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(tfidf.directory, tmp_path / "copy"))
    (copy / "model.safetensors").write_bytes(pickle.dumps(Touches(tmp_path / "ran")))
    # Whoever can put it there can also write the manifest.
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    manifest["files"]["model.safetensors"] = file_sha256(copy / "model.safetensors")
    (copy / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(CheckpointError, match="Train again"):
        Predictor.load(copy)

    assert not (tmp_path / "ran").exists()
