"""What follows when a data set has come in: jobs of their own, so that nobody waits for them.

The search index and the comparison with near duplicates register here.
"""

from collections.abc import Callable

from reviews.models import Dataset

_follow_ups: list[Callable[[Dataset], None]] = []


def register(follow_up: Callable[[Dataset], None]) -> None:
    """Have `follow_up` called, in the transaction that shows it, for every new data set."""
    _follow_ups.append(follow_up)


def follow(dataset: Dataset) -> None:
    """Ask for all that follows a data set that is shown from now on."""
    for follow_up in _follow_ups:
        follow_up(dataset)
