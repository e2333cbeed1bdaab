"""What a training runs on, foreseen and for its manifest: speed and rounding depend on it."""

import functools
import importlib.util
import os
import platform
from pathlib import Path
from typing import Any, Final

from ml.core.config import Tier

_GPUS: Final = Path("/proc/driver/nvidia/gpus")


def describe(wish: str, *, tier: Tier) -> dict[str, Any]:
    """Return device, processor, cores, memory and, where one is used, the GPU."""
    found = {
        "device": "cpu",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }
    if tier is Tier.TFIDF:  # linear algebra on the processor: torch is not even loaded
        return found
    import torch

    from ml.core.engines.torch import choose_device

    if choose_device(wish) == "cuda":
        found |= {"device": "cuda", "gpu": torch.cuda.get_device_name()}
    return found


def visible_gpu(*, gpus: Path = _GPUS, library: Path | None = None) -> str:
    """Return the name of the GPU that torch would find here, without loading it; else "".

    gpus: where the driver tells of its GPUs; library: what a torch has that was built for them,
    torch's own by default. A process from which they are hidden finds none.
    """
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    is_hidden = hidden is not None and hidden.strip() in {"", "-1"}
    if is_hidden or not (library or _cuda_library()).is_file():
        return ""
    for path in sorted(gpus.glob("*/information")):
        lines = path.read_text("utf-8", "replace").splitlines()
        models = (line.partition(":")[2].strip() for line in lines if line.startswith("Model"))
        return next(models, "NVIDIA GPU")
    return ""


def _cuda_library() -> Path:
    spec = importlib.util.find_spec("torch")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    return folder / "lib" / "libtorch_cuda.so"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _memory() -> str:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{size / 2**30:.0f} GiB"


@functools.cache
def has_bf16() -> bool:
    """Tell whether this processor has units for bfloat16; without them it is far slower."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text("utf-8").split())
    except OSError:
        return False
    return bool(flags & {"amx_bf16", "avx512_bf16", "bf16"})


def encodes_in_bf16(wish: str) -> bool:
    """Tell whether many texts are encoded in bfloat16 here; wish: of arithmetic, as in a config."""
    return wish != "fp32" and has_bf16()
