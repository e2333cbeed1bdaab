"""Do the reading in a thread of its own, a little ahead of whoever writes."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(source: Iterator[T], *, count: int = 2) -> Generator[T]:
    """Yield what `source` yields, and have it make up to `count` more meanwhile.

    `source` runs in another thread and must not use the database. What it raises is raised here.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading") as pool:
        waiting: deque[Future[T | None]] = deque(
            pool.submit(next, source, None) for _ in range(count)
        )
        try:
            while (made := waiting.popleft().result()) is not None:
                waiting.append(pool.submit(next, source, None))
                yield made
        finally:
            pool.shutdown(cancel_futures=True)
