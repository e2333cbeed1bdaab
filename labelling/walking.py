"""Go over the reviews that people have answered, slice by slice, in a job that may die anywhere."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet

from jobs.lease import Lease
from labelling.models import Annotation

#: Annotations whose reviews are looked at together.
SLICE = 1000


def over_reviews(
    lease: Lease, rows: "QuerySet[Annotation]", act: Callable[[set[int]], None], *, message: str
) -> dict[str, Any]:
    """Call `act` with the reviews of some annotations at a time; return the job's result.

    Walks by keyset and keeps its place in the job's result, each slice in one transaction with it,
    so that whoever takes over a dead worker's job goes on with the next one.
    """
    after: int | None = lease.job.result.get("after", 0)
    while after is not None:
        lease.check()
        found = list(
            rows.filter(pk__gt=after).order_by("pk").values_list("pk", "review_id")[:SLICE]
        )
        after = found[-1][0] if found else None
        with lease.effect(step=lease.job.step + 1, message=message, result={"after": after}):
            act({review_id for _, review_id in found})
            lease.advance(len(found))
    lease.job.refresh_from_db(fields=["done_count"])
    return {"annotations": lease.job.done_count, "after": None}
