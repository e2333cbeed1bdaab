"""The state of a training on disk, so that one that was killed goes on where it had come to."""

import json
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

_TENSORS: Final = "state.safetensors"
_VALUES: Final = "state.json"


@dataclass
class Saves:
    """Keep one state in a folder; `key` names the training, and another's state is not read."""

    folder: Path
    key: str
    every: float = 60.0
    """Seconds between two states at least: a state is four times the size of the weights."""
    _last: float = field(default_factory=time.monotonic)

    @property
    def is_due(self) -> bool:
        """Tell whether the last state is old enough to be replaced."""
        return time.monotonic() - self._last >= self.every

    def write(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """Replace the state; whatever happens meanwhile, the old or the new one is whole.

        Raises OSError when the disk does not take it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=self.folder))
        try:
            save_file(
                {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()},
                fresh / _TENSORS,
            )
            (fresh / _VALUES).write_text(json.dumps({"key": self.key, **values}), "utf-8")
            _replace(self.folder, fresh)
        except SafetensorError as error:
            raise OSError(str(error)) from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        self._last = time.monotonic()

    def read(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return the tensors and values of the last state; None without a readable one."""
        try:
            folder = self.folder / (self.folder / "current").readlink()
            values = json.loads((folder / _VALUES).read_text("utf-8"))
            tensors = load_file(folder / _TENSORS) if values.get("key") == self.key else None
        except (OSError, ValueError, AttributeError, SafetensorError):
            return None
        return (tensors, values) if tensors is not None else None


def under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _replace(folder: Path, fresh: Path) -> None:
    """Let the link `current` point to the fresh state in one step, then remove the others."""
    kept = Path(tempfile.mkdtemp(prefix="state-", dir=folder))
    fresh.rename(kept)
    link = folder / f"link-{kept.name}"
    link.symlink_to(kept.name)
    link.rename(folder / "current")
    for path in folder.glob("state-*"):
        if path != kept:
            shutil.rmtree(path, ignore_errors=True)
