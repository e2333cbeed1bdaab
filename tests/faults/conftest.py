"""A real installation for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import Stack, stack


@pytest.fixture
def gloss(tmp_path: Path) -> Iterator[Stack]:
    """An installation with a person and a project."""
    with stack(tmp_path / "home") as made:
        made.env |= {"DJANGO_SUPERUSER_PASSWORD": "a long enough secret"}
        made.manage(
            "createsuperuser", "--noinput", "--username", "olga", "--email", "olga@example.org"
        )
        made.manage("create_project", "shop", "--preset", "product-reviews", "--owner", "olga")
        yield made
