"""What a training ran on, for its manifest: figures of speed and rounding depend on it."""

import functools
import os
import platform
from pathlib import Path
from typing import Any

from ml.core.config import Tier


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
