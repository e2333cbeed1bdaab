"""Do the reading in a thread of its own, a little ahead of whoever writes."""

import gc
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Self, TypeVar

T = TypeVar("T")

#: How long a thread may keep Python to itself while another one waits for it. By default it is
#: 5 ms, and the writer waits so long whenever the database has answered: hundreds of times a batch.
SWITCH_SECONDS = 0.0005

#: After how many new objects Python looks for garbage, instead of 700: a batch makes tens of
#: thousands that all go with it, none of them in circles.
COLLECT_AFTER = 100_000

_lock = threading.Lock()
_usual: list[tuple[float, tuple[int, int, int]]] = []


class Ahead(Iterator[T]):
    """Yields what `source` yields, which another thread makes; use it in a `with`.

    `source` must not use the database. What it raises is raised here. The next one is begun when
    it is asked for, or before that with `begin`: best when the caller is about to wait for the
    database, since until then the two would only be in each other's way.
    """

    def __init__(self, source: Iterator[T]) -> None:
        self._source = source
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading")
        self._begun: Future[T | None] | None = None

    def __enter__(self) -> Self:
        """Have threads take turns more often while this lasts."""
        self._stack = ExitStack()
        self._stack.enter_context(_brisk())
        self._stack.callback(self._pool.shutdown, cancel_futures=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for what is being made, and make no more."""
        self._stack.close()

    def begin(self) -> None:
        """Have the next one made, unless that has begun."""
        if self._begun is None:
            self._begun = self._pool.submit(next, self._source, None)

    def __next__(self) -> T:
        """Return the next one."""
        self.begin()
        assert self._begun is not None  # noqa: S101
        made, self._begun = self._begun.result(), None
        if made is None:
            raise StopIteration
        return made


@contextmanager
def _brisk() -> Iterator[None]:
    """Have threads take turns more often, and garbage looked for less often, until all are done."""
    with _lock:
        _usual.append((sys.getswitchinterval(), gc.get_threshold()))
        sys.setswitchinterval(SWITCH_SECONDS)
        gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])
    try:
        yield
    finally:
        with _lock:
            # The first one in saw what was usual before all of them.
            interval, threshold = _usual[0]
            _usual.pop()
            if not _usual:
                sys.setswitchinterval(interval)
                gc.set_threshold(*threshold)
