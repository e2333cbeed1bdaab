"""What a worker's machine has that jobs may use; whoever knows how to look registers that."""

from collections.abc import Callable

_looks: list[Callable[[], str]] = []


def register_gpu(look: Callable[[], str]) -> None:
    """Have `look` asked for the name of the GPU that jobs here would use; empty without one."""
    _looks.append(look)


def gpu() -> str:
    """Return the name of this machine's GPU; empty where jobs have none to use."""
    return next((name for look in _looks if (name := look())), "")[:200]
