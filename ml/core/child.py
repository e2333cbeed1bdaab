"""Train in a process of its own: `python -m ml.core.child JOBDIR`, one JSON event a line.

JOBDIR/config.json holds `train` (a TrainConfig) and the folders `features_dir`, `encoders_dir` and
`output_dir`, and for a search of settings `search`, the number of trials; JOBDIR/snapshot.jsonl
holds the examples, and JOBDIR/texts.jsonl, where there is one, the texts without labels that an
encoder may read before: a JSON string a line. Exit status 0 after `finished`, 1 after an `error`
event with a plain sentence, 143 when told to stop. SIGUSR1 ends the learning early: what is best so
far is measured and kept.
"""

import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

from ml.core import disk, memory, stopping
from ml.core.errors import CoreError

log = logging.getLogger("ml.core.child")

_STOPPED: Final = 143
_MOST_WORDS: Final = 300


def main(arguments: list[str]) -> int:
    """Run the training of a job directory and return the exit status."""
    signal.signal(signal.SIGTERM, _stop)
    stopping.listen()
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="%(levelname)s %(message)s")
    emit = _events_on_stdout()
    if len(arguments) != 1:
        return _fail(emit, "usage", "Give exactly one argument: the job directory.")
    try:
        _train(Path(arguments[0]), emit)
    except CoreError as error:
        return _fail(emit, type(error).__name__, str(error))
    except MemoryError:
        return _fail(emit, "MemoryError", memory.SHORT)
    except Exception as error:
        # The edge of the process: whatever happened is reported as an event.
        log.exception("The training failed.")
        return _fail(emit, type(error).__name__, _sentence(error))
    return 0


def _train(job: Path, emit: Callable[[dict[str, Any]], None]) -> None:
    settings = json.loads((job / "config.json").read_text("utf-8"))
    threads = int(settings["train"].get("threads") or 0) or len(os.sched_getaffinity(0))
    limit_threads(threads)
    # Imported only now: numpy and torch read the limits when they load.
    from ml.core.config import TrainConfig
    from ml.core.data import read_snapshot
    from ml.core.events import event_to_json
    from ml.core.train import run

    config = TrainConfig.from_json({**settings["train"], "threads": threads})
    folders = {
        name: Path(settings[name]) for name in ("features_dir", "encoders_dir", "output_dir")
    }
    if settings.get("resume_dir"):
        folders["resume_dir"] = Path(settings["resume_dir"])
    examples = read_snapshot(job / "snapshot.jsonl")
    if "search" in settings:
        from ml.core.search import search

        tried = search(
            examples,
            config,
            count=int(settings["search"]),
            features_dir=folders["features_dir"],
            encoders_dir=folders["encoders_dir"],
        )
        for found in tried:
            emit(event_to_json(found))
        return
    for event in run(examples, config, _texts(job / "texts.jsonl"), **folders):
        emit(event_to_json(event))


def _texts(path: Path) -> list[str] | None:
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="\n") as file:
        return [str(json.loads(line)) for line in file]


def limit_threads(threads: int) -> None:
    """Say to libraries that are loaded from now on how many threads are theirs, and how to wait."""
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
    # Threads that spin while they wait make a shared machine ten times slower, not faster.
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"
    os.environ["RAYON_NUM_THREADS"] = str(threads)


def _events_on_stdout() -> Callable[[dict[str, Any]], None]:
    # Libraries print where they like; what they print must not end up among the events.
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def emit(event: dict[str, Any]) -> None:
        stream.write(json.dumps(event, ensure_ascii=True, allow_nan=False) + "\n")
        stream.flush()

    return emit


def _fail(emit: Callable[[dict[str, Any]], None], code: str, message: str) -> int:
    emit({"event": "error", "code": code, "message": message})
    return 1


def _sentence(error: Exception) -> str:
    if disk.is_full(error):
        return disk.FULL
    if memory.is_short(error):
        return memory.SHORT
    # Some libraries write pages; their first words are enough, and the log has the rest.
    words = " ".join(str(error).split())[:_MOST_WORDS]
    return f"The training failed unexpectedly ({type(error).__name__}: {words})."


def _stop(_signal: int, _frame: FrameType | None) -> None:
    # Unwinds through the context managers that remove unfinished folders.
    raise SystemExit(_STOPPED)


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    # Unloading torch in good order takes a third of a second, and there is nothing left to save.
    os._exit(status)
