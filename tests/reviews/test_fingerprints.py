"""Known texts are found by key, in any order, and again after they were stored."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.text import text_hash, text_key
from projects.models import Project
from reviews import fingerprints, splits
from reviews.fingerprints import Known
from tests import factories


def test_keys_are_those_of_every_other_place() -> None:
    texts = ["Lovely.", "", "日本"]
    digests = [hashlib.sha256(text.encode()).digest() for text in texts]

    keys = fingerprints.keys_of(digests)

    assert keys.tolist() == [text_key(text_hash(text)) for text in texts]


def test_many_draws_are_the_single_draws() -> None:
    digests = [hashlib.sha256(str(number).encode()).digest() for number in range(3000)]

    parts, control = splits.draw_many(digests, control_share=0.1)

    single = [splits.draw(each.hex(), control_share=0.1) for each in digests]
    assert list(parts) == [each.split for each in single]
    assert control == [each.is_control for each in single]
    assert set(parts) == {"train", "validation", "test"}


def test_every_review_with_a_key_is_found() -> None:
    known = Known()
    known.add(np.array([5, 3], np.int64), np.array([50, 30], np.int64))
    known.add(np.array([5, 2**62], np.int64), np.array([51, 99], np.int64))

    found = known.find(np.array([4, 5, 2**62, 3], np.int64))

    assert found == [(1, 50), (1, 51), (2, 99), (3, 30)]
    assert len(known) == 4


@given(
    batches=st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=12),
    long_run=st.sampled_from([1, 4, 10, 1000]),
)
def test_however_keys_come_all_of_them_are_found(batches: list[list[int]], long_run: int) -> None:
    known = Known()
    expected: list[tuple[int, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprints, "LONG_RUN", long_run)
        for start, batch in enumerate(batches):
            ids = [100 * start + at for at in range(len(batch))]
            known.add(np.array(batch, np.int64), np.array(ids, np.int64))
            expected += zip(batch, ids, strict=True)

    found = known.find(np.arange(31, dtype=np.int64))

    assert sorted(found) == sorted(expected)


def test_what_was_stored_is_known_again(project: Project) -> None:
    dataset = factories.dataset(project)
    other = factories.dataset(project)
    keys = np.arange(10, dtype=np.int64)
    fingerprints.record(dataset_id=dataset.pk, first_row=1, keys=keys, ids=keys + 100)
    fingerprints.record(dataset_id=other.pk, first_row=1, keys=keys[:1], ids=keys[:1] + 200)

    known = fingerprints.known_of([dataset.pk])

    assert known.find(keys[:2]) == [(0, 100), (1, 101)]
    assert set(fingerprints.shown_in(project)) == {dataset.pk, other.pk}
