"""A checkpoint is a directory that explains itself; it appears whole or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ml.core.encoders import file_sha256
from ml.core.engines.base import Floats
from ml.core.errors import CheckpointError, CheckpointFormatError

FORMAT: Final = 3
MANIFEST: Final = "manifest.json"
_LIBRARIES: Final = (
    "numpy", "onnxruntime", "safetensors", "scipy", "tokenizers", "torch", "transformers",
)  # fmt: skip


@contextmanager
def scratch_folder(target: Path) -> Iterator[Path]:
    """Give a folder beside `target` that is gone afterwards, whatever happens."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(folder: Path, target: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest, flush everything to disk and let `folder` become `target`.

    A checkpoint already there is replaced: the run that made it was repeated.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    sums = {path.name: file_sha256(path) for path in files}
    write_json(folder / MANIFEST, {"format": FORMAT, **manifest, "files": sums})
    folder.chmod(0o755)
    for path in [*files, folder / MANIFEST, folder]:
        _sync(path)
    if target.exists():
        with scratch_folder(target) as aside:
            target.rename(aside / "old")
            folder.rename(target)
    else:
        folder.rename(target)
    _sync(target.parent)


def verify(directory: Path) -> dict[str, Any]:
    """Return the manifest; raises CheckpointError unless every file is there and unchanged."""
    manifest = read_json(directory / MANIFEST)
    if manifest.get("format") != FORMAT:
        raise CheckpointFormatError(
            f"The checkpoint {directory} has format {manifest.get('format')}; "
            f"this release reads format {FORMAT}. Train again."
        )
    for name, wanted in manifest["files"].items():
        path = directory / name
        if not path.is_file():
            raise CheckpointError(f"The checkpoint {directory} lacks {name}. Train again.")
        if file_sha256(path) != wanted:
            raise CheckpointError(
                f"The file {name} of the checkpoint {directory} was changed. Train again."
            )
    return manifest


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; raises CheckpointError with the file's name."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}. Train again.") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} does not hold an object. Train again.")
    return value


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write an object as indented JSON; refuses what JSON cannot say (NaN)."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", "utf-8")


def write_tensors(path: Path, tensors: Mapping[str, Floats]) -> None:
    """Write arrays as safetensors."""
    save_file({name: np.ascontiguousarray(a) for name, a in tensors.items()}, str(path))


def read_tensors(path: Path) -> dict[str, Floats]:
    """Read the arrays of a safetensors file."""
    try:
        tensors: dict[str, Floats] = load_file(str(path))
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}. Train again.") from error
    return tensors


def place(source: Path, target: Path) -> None:
    """Hard-link a file into a checkpoint, or copy it where that is not possible."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that decide the result."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
