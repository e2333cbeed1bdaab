"""Do the reading in a thread of its own, a little ahead of whoever writes."""

import sys
import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

#: How long a thread may keep Python to itself while another one waits for it. By default it is
#: 5 ms, and the writer waits so long whenever the database has answered: hundreds of times a batch.
SWITCH_SECONDS = 0.0005

_lock = threading.Lock()
_usual: list[float] = []


def ahead(source: Iterator[T], *, count: int = 1) -> Generator[T]:
    """Yield what `source` yields, and have it make up to `count` more meanwhile.

    `source` runs in another thread and must not use the database. What it raises is raised here.
    """
    with _brisk(), ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading") as pool:
        waiting: deque[Future[T | None]] = deque(
            pool.submit(next, source, None) for _ in range(count)
        )
        try:
            while (made := waiting.popleft().result()) is not None:
                waiting.append(pool.submit(next, source, None))
                yield made
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _brisk() -> Iterator[None]:
    """Have threads take turns more often, until the last who asked for it is done."""
    with _lock:
        _usual.append(sys.getswitchinterval())
        sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        with _lock:
            # The first one in saw what was usual before all of them.
            usual = _usual[0]
            _usual.pop()
            if not _usual:
                sys.setswitchinterval(usual)
