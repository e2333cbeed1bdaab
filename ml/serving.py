"""Answer one request in the web process through an ONNX engine, without torch.

A version is loaded when it is first asked, after every file was compared with its manifest, and
kept with a few others. One text batch runs at a time: the engine uses every core by itself.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from common.errors import NotReady
from ml import champion, checkpoints
from ml.core.errors import CheckpointError, CheckpointFormatError
from ml.models import ModelVersion

if TYPE_CHECKING:
    from ml.core.engines.base import Floats
    from ml.core.predict import Predictor

_KEPT = 3
_WAIT_SECONDS = 30.0

_turn = threading.Lock()
_loaded: "OrderedDict[tuple[int, str], Predictor]" = OrderedDict()


def predict(version: ModelVersion, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return one object per text with one prediction per question, in the contract's shapes.

    Raises NotReady when the version's files are missing or were changed, or others wait too long.
    """
    with _one_at_a_time():
        return _predictor(version).predict(texts)


def embed(version: ModelVersion, texts: Sequence[str]) -> "Floats":
    """Return one vector per text, [texts, width], of a version that has an encoder.

    Raises NotReady as `predict` does.
    """
    with _one_at_a_time():
        return _predictor(version).embed(texts)


def load(version: ModelVersion, *, engine: str = "onnx", device: str = "auto") -> "Predictor":
    """Load a version after checking its files; quarantine it when they are not what they were.

    Raises NotReady with the reason, ConfigError when the device cuda is asked for and not there.
    """
    from ml.core.predict import Predictor

    check_trusted(version)
    checkpoints.check_here(version)
    try:
        checkpoints.check_manifest(version)
        return Predictor.load(checkpoints.directory_of(version), engine=engine, device=device)
    except CheckpointFormatError as error:
        raise NotReady(
            f"{version} was made by another release of Gloss and cannot be read by this one. "
            "Train again."
        ) from error
    except CheckpointError as error:
        champion.quarantine(version=version, reason=str(error))
        raise NotReady(f"The files of {version} cannot be trusted: {error}") from error


def check_trusted(version: ModelVersion) -> None:
    """Raise NotReady for a version in quarantine."""
    if version.state != ModelVersion.State.READY:
        raise NotReady(
            f"{str(version).capitalize()} is in quarantine and cannot be trusted, so it answers "
            "nothing. Roll back to an earlier version, or promote another."
        )


def check_champions() -> str:
    """Tell whether every champion's files are here and are the ones that were recorded."""
    champions = ModelVersion.objects.filter(is_champion=True).select_related("project")
    for version in champions.iterator():
        where = f"{version} of {version.project.slug}"
        if version.state != ModelVersion.State.READY:
            return f"{where} is quarantined; promote another version"
        try:
            checkpoints.check_present(version)
        except NotReady as error:
            return f"{where}: {error.detail}"
    return "ok"


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if not _turn.acquire(timeout=_WAIT_SECONDS):
        raise NotReady("Other predictions are under way. Try again in a moment.")
    try:
        yield
    finally:
        _turn.release()


def _predictor(version: ModelVersion) -> "Predictor":
    # Asked also of what is loaded already: another process may have found the damage.
    check_trusted(version)
    key = (version.pk, version.manifest_sha256)
    if key in _loaded:
        _loaded.move_to_end(key)
        return _loaded[key]
    predictor = load(version)
    _loaded[key] = predictor
    while len(_loaded) > _KEPT:
        _loaded.popitem(last=False)
    return predictor
