import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from ml.core.features import FeatureStore


def vectors(*rows: float) -> np.ndarray:
    return np.array([[row, row] for row in rows], dtype=np.float32)


def test_what_was_appended_is_there_after_reopening(tmp_path: Path) -> None:
    FeatureStore(tmp_path, width=2).append(["a", "b"], vectors(1, 2))

    store = FeatureStore(tmp_path, width=2)

    assert store.get(["b", "a", "b"]).tolist() == [[2, 2], [1, 1], [2, 2]]
    assert store.missing(["a", "c", "c"]) == ["c"]


def test_a_writer_killed_between_vector_and_key_costs_only_that_row(tmp_path: Path) -> None:
    FeatureStore(tmp_path, width=2).append(["a"], vectors(1))
    with (tmp_path / "vectors.f32").open("ab") as file:
        file.write(b"half a row")

    store = FeatureStore(tmp_path, width=2)
    store.append(["b"], vectors(2))

    assert FeatureStore(tmp_path, width=2).get(["a", "b"]).tolist() == [[1, 1], [2, 2]]


def test_a_key_cut_short_does_not_count(tmp_path: Path) -> None:
    FeatureStore(tmp_path, width=2).append(["a", "b"], vectors(1, 2))
    with (tmp_path / "keys.bin").open("r+b") as file:
        file.truncate(40)

    store = FeatureStore(tmp_path, width=2)

    assert len(store) == 1
    with pytest.raises(KeyError):
        store.get(["b"])


def test_a_text_appended_twice_is_kept_once(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, width=2)
    store.append(["a"], vectors(1))
    store.append(["a", "b"], vectors(9, 2))

    assert len(store) == 2
    assert store.get(["a"]).tolist() == [[1, 1]]


def append_many(folder: Path, start: int) -> None:
    store = FeatureStore(folder, width=2)
    for number in range(start, start + 50):
        store.append([str(number)], vectors(number))


def test_processes_that_append_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=append_many, args=(tmp_path, n)) for n in (0, 30, 60)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    store = FeatureStore(tmp_path, width=2)

    assert len(store) == 110
    assert store.get([str(n) for n in range(110)])[:, 0].tolist() == list(range(110))
