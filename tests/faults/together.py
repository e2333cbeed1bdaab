"""Several things at once, in threads of their own, and all of them over before anybody looks."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Begin all at one moment; return what each gave, or what it raised."""
    gate = threading.Barrier(len(acts))
    gave: list[Any] = [None] * len(acts)

    def work(number: int) -> None:
        gate.wait()
        try:
            gave[number] = acts[number]()
        except Exception as error:  # noqa: BLE001  (whoever asked looks at it)
            gave[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return gave
