"""Too little memory, told apart from other errors and said in plain words."""

from typing import Final

SHORT: Final = (
    "There was not enough memory. Try a smaller batch size, fewer tokens or fewer reviews."
)


def is_short(error: BaseException) -> bool:
    """Tell whether an error, or what it was raised from, means that memory was short."""
    if isinstance(error, MemoryError) or isinstance(error.__cause__, MemoryError):
        return True
    # torch reports exhausted memory of a device as a RuntimeError.
    words = str(error).lower()
    return "out of memory" in words or "can't allocate memory" in words
