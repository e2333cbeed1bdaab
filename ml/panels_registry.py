"""What a version's page says about its files: where they come from and whether they are whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.errors import NotReady
from ml import checkpoints
from ml.core import checkpoint
from ml.core.errors import CheckpointError
from ml.models import ModelVersion, Tier
from projects.models import Project


@dataclass(frozen=True, slots=True)
class About:
    """A version's manifest as people read it; `problem` says why there is none."""

    facts: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    downloads: tuple[str, ...] = ()
    problem: str = ""


def about(version: ModelVersion) -> About:
    """Return what the manifest tells, without reading the other files."""
    try:
        checkpoints.check_present(version)
        manifest = checkpoint.read_json(checkpoints.directory_of(version) / checkpoint.MANIFEST)
    except NotReady as error:
        return About(problem=error.detail)
    except CheckpointError as error:
        return About(problem=str(error))
    files = tuple(sorted(manifest.get("files", {}).items()))
    return About(
        facts=tuple(_facts(manifest)),
        files=files,
        downloads=tuple(
            name for name in checkpoints.READABLE if name in dict(files) or name == "manifest.json"
        ),
    )


def last_device(project: Project) -> str:
    """Return what the project's newest encoder was trained on, as its trainer wrote it down.

    Empty while there is none, and where its files are elsewhere. Models of words say nothing:
    they use the processor wherever they are trained.
    """
    version = (
        ModelVersion.objects.filter(project=project)
        .exclude(tier=Tier.TFIDF)
        .order_by("-number")
        .first()
    )
    if version is None:
        return ""
    try:
        checkpoints.check_present(version)
        manifest = checkpoint.read_json(checkpoints.directory_of(version) / checkpoint.MANIFEST)
    except (NotReady, CheckpointError):
        return ""
    hardware = manifest.get("hardware") or {}
    return str(hardware.get("gpu") or hardware.get("processor") or "")


def _facts(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    hardware = manifest.get("hardware") or {}
    read, stopped = manifest.get("pretraining"), manifest.get("stopped")
    before = [("Read before", _reading(read))] if read else []
    if stopped:
        before.append(("Stopped early", f"In epoch {stopped['epoch']}"))
    facts = [(_HARDWARE[name], str(hardware[name])) for name in _HARDWARE if hardware.get(name)]
    versions = manifest.get("versions") or {}
    libraries = ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))
    return [*before, *facts, ("Libraries", libraries)]


def _reading(facts: Mapping[str, Any]) -> str:
    texts, steps = (f"{int(facts.get(name, 0)):,}" for name in ("texts", "steps"))
    return f"{texts} texts without labels, guessing masked words in {steps} steps"


_HARDWARE = {
    "device": "Learned on",
    "processor": "Processor",
    "cores": "Cores",
    "memory": "Memory",
    "gpu": "GPU",
    "system": "System",
}
