"""Two imports at the same time may bring the same text: whoever ends second gives way."""

from collections import Counter
from collections.abc import Iterable, Iterator

from django.db.models import F

from reviews import fingerprints
from reviews.duplicates import known_texts
from reviews.models import Dataset, ImportJob, Review

_SLICE = 2_000


def drop_late_duplicates(work: ImportJob, dataset: Dataset, *, compared: Iterable[int]) -> None:
    """Remove the reviews of an import whose text was shown by another while it ran.

    The caller holds the project, so that nobody else shows anything meanwhile. `compared` are the
    data sets whose texts were known to every batch. The rows count as duplicates from now on. An
    import in which several rows made one review is left as it is: rows and reviews would part.
    """
    others = set(fingerprints.shown_in(dataset.project)) - {dataset.pk, *compared}
    if not others or work.accepted_count != sum_of(dataset.split_counts):
        return
    ids = list(_repeated(work, others))
    gone: Counter[str] = Counter()
    for start in range(0, len(ids), _SLICE):
        some = Review.objects.filter(pk__in=ids[start : start + _SLICE])
        for split, is_control in some.values_list("split", "is_control"):
            gone[split] += 1
            gone["control"] += is_control
        some.delete()
    left = Counter(dataset.split_counts)
    left.subtract(gone)
    dataset.split_counts = dict(left)
    ImportJob.objects.filter(pk=work.pk).update(
        accepted_count=F("accepted_count") - len(ids),
        duplicate_count=F("duplicate_count") + len(ids),
    )


def sum_of(split_counts: dict[str, int]) -> int:
    """Return how many reviews there are, of all splits."""
    return sum(count for name, count in split_counts.items() if name != "control")


def _repeated(work: ImportJob, others: set[int]) -> Iterator[int]:
    own = fingerprints.known_of([work.dataset_id])
    seen: set[int] = set()
    for keys, ids in fingerprints.batches_of(others):
        pairs = [(number, int(ids[place])) for place, number in own.find(keys)]
        if not pairs:
            continue
        texts = known_texts(work, {number for pair in pairs for number in pair})
        for mine, theirs in pairs:
            is_same = mine in texts and texts[mine] == texts.get(theirs)
            if is_same and mine not in seen:
                seen.add(mine)
                yield mine
