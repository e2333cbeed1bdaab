"""A full disk, told apart from other errors and said in plain words."""

import errno
from typing import Final

FULL: Final = (
    "The disk is full, so the model could not be saved. Free some space and train again; "
    "nothing half-written was left behind."
)

_NO_SPACE: Final = {errno.ENOSPC, errno.EDQUOT}


def is_full(error: Exception) -> bool:
    """Tell whether an error means that the disk is full."""
    # safetensors reports it as an error of its own.
    return getattr(error, "errno", None) in _NO_SPACE or "No space left" in str(error)
