"""Export encoders to ONNX, once per encoder, into a cache that several processes may share."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ml.core import encoders, memory
from ml.core.engines.base import EncoderInfo
from ml.core.errors import EncoderUnsuitableError

# Raised whenever the exported graph changes, or more encoders are refused, so that older exports
# are left alone.
_VERSION: Final = 3

FILES: Final = ("encoder.onnx", "encoder.json", "tokenizer.json")


def exported(name: str, cache: Path) -> Path:
    """Return the folder of an exported encoder; the first use exports it (seconds, with torch)."""
    folder = cache / f"{encoders.fingerprint(name)}-{_VERSION}"
    if not is_exported(folder):
        _export_catalogued(name, folder)
    return folder


def is_exported(folder: Path) -> bool:
    """Tell whether a folder holds a complete export."""
    return all((folder / file).is_file() for file in FILES)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a folder to fill that appears as `target` only when it is complete.

    When another process was faster its folder is kept: both hold the same content.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name[:16]}-", dir=target.parent))
    try:
        yield folder
        try:
            folder.rename(target)
        except OSError:
            if not is_exported(target):
                raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _export_catalogued(name: str, target: Path) -> None:
    from ml.core.engines.torch import load_tower, save_tokenizer

    tower, info = load_tower(name)
    with whole_folder(target) as folder:
        save_tokenizer(name, folder / "tokenizer.json")
        export_tower(tower, info, folder)


def export_tower(tower: object, info: EncoderInfo, folder: Path) -> None:
    """Write encoder.onnx (dynamic batch and length) and encoder.json of a torch tower.

    Raises EncoderUnsuitableError for an architecture that torch cannot export.
    """
    import torch

    from ml.core.engines.torch import TextTower

    if not isinstance(tower, TextTower):
        raise TypeError("only a TextTower can be exported")
    was_training = tower.training
    tower.eval().cpu()
    ids = torch.tensor([[2, 3, 4, 3, 2], [2, 3, 3, info.pad_id, info.pad_id]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    try:
        _to_onnx(tower, (ids, mask), folder / "encoder.onnx")
    except torch.onnx.OnnxExporterError as error:
        if memory.is_short(error):
            raise
        reason = "PyTorch cannot export its architecture to ONNX"
        raise EncoderUnsuitableError(info.name, reason) from error
    tower.train(was_training)
    info.write(folder)


def _to_onnx(tower: object, inputs: tuple[object, object], path: Path) -> None:
    import torch

    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    axes = {0: batch, 1: length}
    with warnings.catch_warnings():
        # The exporter warns about its own internals; what it makes is checked by a parity test.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            tower,  # type: ignore[arg-type]  # a TextTower, kept opaque so that torch loads late
            inputs,
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["last_hidden_state", "upper_hidden_state"],
            dynamic_shapes={"input_ids": axes, "attention_mask": axes},
            external_data=False,
            dynamo=True,
            verbose=False,
        )
    _sync(path)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
