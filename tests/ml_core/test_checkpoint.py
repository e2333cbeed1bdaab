import json
import shutil
from pathlib import Path

import pytest

from ml.core.checkpoint import publish, scratch_folder, verify, write_json
from ml.core.errors import CheckpointError
from ml.core.events import Finished
from ml.core.predict import Predictor


@pytest.fixture
def copy(frozen: Finished, tmp_path: Path) -> Path:
    return Path(shutil.copytree(frozen.directory, tmp_path / "copy"))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "encoder.onnx"])
def test_a_changed_file_is_named(copy: Path, name: str) -> None:
    with (copy / name).open("ab") as file:
        file.write(b" ")

    with pytest.raises(CheckpointError, match=f"{name}.*was changed"):
        Predictor.load(copy)


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "tokenizer.json").unlink()

    with pytest.raises(CheckpointError, match=r"lacks tokenizer\.json"):
        verify(copy)


def test_a_checkpoint_of_another_format_is_refused(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "format": 999}))

    with pytest.raises(CheckpointError, match="format 999"):
        verify(copy)


def test_a_repeated_run_replaces_its_checkpoint_whole(tmp_path: Path) -> None:
    for number in (1, 2):
        with scratch_folder(tmp_path / "out") as scratch:
            (scratch / "new").mkdir()
            (scratch / "new" / f"file{number}").write_text(str(number))
            publish(scratch / "new", tmp_path / "out", {})

    assert {path.name for path in (tmp_path / "out").iterdir()} == {"file2", "manifest.json"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_json_cannot_say_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"value": float("nan")})


def test_the_card_names_measures_with_their_intervals_and_baselines(frozen: Finished) -> None:
    card = (frozen.directory / "CARD.md").read_text("utf-8")

    headline = frozen.metrics["questions"]["sentiment"]["model"]["headline"]
    assert f"| sentiment | accuracy | {headline['value']:.3f} |" in card
    assert "majority" in card


def test_the_manifest_names_the_libraries_that_made_it(frozen: Finished) -> None:
    versions = verify(frozen.directory)["versions"]

    assert {"torch", "transformers", "numpy", "onnxruntime"} <= set(versions)
