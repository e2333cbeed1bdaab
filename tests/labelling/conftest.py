"""What tests of labelling share."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Databases of tests give the same ids again; what is kept for seconds would be another's."""
    cache.clear()
    yield
    cache.clear()
