"""A wish that the training end now and keep the best weights so far.

Set by a signal, so that it reaches a training in the middle of a pass; asked by the loop after
every step. One training runs in a process, so the wish is the process's.
"""

import signal
import threading
from types import FrameType

SIGNAL = signal.SIGUSR1

_wish = threading.Event()


def listen() -> None:
    """Take the signal for the wish from now on; only a main thread can."""
    signal.signal(SIGNAL, _hear)


def ask() -> None:
    """Wish that the training end after this step."""
    _wish.set()


def forget() -> None:
    """Take the wish back."""
    _wish.clear()


def is_asked() -> bool:
    """Tell whether somebody wants the training to end."""
    return _wish.is_set()


def _hear(_signal: int, _frame: FrameType | None) -> None:
    ask()
