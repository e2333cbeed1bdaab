"""Leave out of an import what nearly repeats a text that was there before."""

from collections.abc import Sequence
from itertools import islice

from projects.models import Project
from reviews.models import Review
from reviews.similar import NearIndex

_SLICE = 2_000


class NearTexts:
    """The texts of a project, and of a file as far as it has been read, compared in order."""

    def __init__(self, project: Project) -> None:
        self._index = NearIndex()
        shown = Review.objects.filter(project=project, dataset__is_ready=True).order_by("id")
        texts = shown.values_list("text", flat=True).iterator(chunk_size=_SLICE)
        while some := list(islice(texts, _SLICE)):
            self._index.add(some)

    def are_seen(self, texts: Sequence[str]) -> list[bool]:
        """Tell of texts, in the order of the file, which nearly repeat one before; remember all."""
        return self._index.seen_batch(texts) if texts else []
