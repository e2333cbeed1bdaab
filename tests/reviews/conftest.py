"""What the tests of this package share: something that takes answers, and uploads."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from django.core.files.base import ContentFile

from accounts.models import User
from projects.models import Project
from reviews import answers, services
from reviews.models import Upload


class FakeSink:
    """Take whole numbers from 1 to 5 for the one question, and remember them by review."""

    def __init__(self) -> None:
        self.stored: dict[int, Mapping[str, Any]] = {}
        self.said: dict[tuple[int, str], Mapping[str, Any]] = {}

    def questions(self) -> Mapping[str, str]:
        return {"rating": "Rating"}

    def parse(self, question_key: str, raw: str) -> int | None:
        assert question_key == "rating"
        if not raw:
            return None
        if raw not in {"1", "2", "3", "4", "5"}:
            raise ValueError(f'"{raw}" is not a number from 1 to 5')
        return int(raw)

    def is_complete(self, given: Mapping[str, Any]) -> bool:
        return given.get("rating") is not None

    def prepare(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> int:
        return len(rows)

    def store(self, rows: Sequence[tuple[int, Mapping[str, Any]]], prepared: Any = None) -> None:
        assert prepared in {None, len(rows)}
        self.stored.update(rows)

    def store_said(
        self, rows: Sequence[tuple[int, str, Mapping[str, Any]]], import_job_id: int
    ) -> list[bool]:
        assert import_job_id
        written = []
        for review_id, annotator, given in rows:
            written.append((review_id, annotator) not in self.said)
            self.said.setdefault((review_id, annotator), given)
        return written

    def before_and_update(
        self, rows: Sequence[tuple[int, Mapping[str, Any]]]
    ) -> dict[int, dict[str, Any]]:
        before = {review_id: dict(self.stored.get(review_id, {})) for review_id, _ in rows}
        self.stored.update(rows)
        return before

    def restore(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        self.stored.update(rows)

    def said_since(self, dataset_id: int) -> tuple[int, int]:
        assert dataset_id
        return 0, 0

    def remove_said(self, import_job_id: int, *, limit: int) -> int:
        assert import_job_id
        assert limit
        return 0


@pytest.fixture
def sink() -> Iterator[FakeSink]:
    """Let a fake take the answers, and put back who took them before."""
    fake = FakeSink()
    before = answers._factories[:]
    answers.register(lambda _: fake)
    yield fake
    answers._factories[:] = before


@pytest.fixture
def upload(project: Project, owner: User) -> Callable[..., Upload]:
    """Return a maker of uploads."""

    def make(data: str | bytes, name: str = "reviews.csv") -> Upload:
        raw = data.encode() if isinstance(data, str) else data
        file = ContentFile(raw, name=name)
        return services.receive_upload(project=project, file=file, actor=owner)

    return make
