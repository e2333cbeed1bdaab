"""Change when answers become gold by themselves, and make the gold that follows from it.

The policy changes at once, for every answer that comes from then on; a job goes over what was said
before. It walks annotations by keyset and keeps its place in its result, so that another worker
goes on where one has died, and a review that is met twice is only settled twice.
"""

from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from common.errors import Invalid
from jobs.kinds import Kind
from jobs.lease import Lease
from jobs.models import Job
from jobs.services import enqueue
from labelling import gold
from labelling.models import Annotation
from labelling.versions import hold_version
from projects.models import GoldPolicy, Project

KIND = Kind(
    name="gold",
    label="Change of what becomes gold",
    queue="default",
    runner="labelling.gold_policy.run",
    max_attempts=10,
    remains=(
        "Part of the gold follows the new policy and part the old one. "
        "Choose the policy again to go over all of it."
    ),
)

#: Annotations whose reviews are settled together.
SLICE = 1000


@transaction.atomic
def change_gold_policy(*, project: Project, policy: str, actor: User | None) -> Job:
    """Set a project's policy and enqueue the job that follows it; also when it stays the same.

    Raises Invalid for an unknown policy, Conflict while such a job is under way.
    """
    if policy not in GoldPolicy.values:
        known = ", ".join(GoldPolicy.values)
        raise Invalid.of("policy", f"{policy[:40]!r} is no policy. Known: {known}.")
    # Whoever is just writing answers has read the policy of before; they end first.
    hold_version(project=project)
    Project.objects.filter(pk=project.pk).update(gold_policy=policy)
    before, project.gold_policy = project.gold_policy, policy
    audit.record(
        actor=actor,
        project_id=project.pk,
        action="gold_policy.changed",
        subject=policy,
        before=before,
    )
    return enqueue(
        project=project,
        kind=KIND.name,
        actor=actor,
        total=Annotation.objects.filter(project=project).count(),
        single_key=f"{KIND.name}:{project.pk}",
    )


def run(lease: Lease) -> dict[str, Any]:
    """Settle every review that somebody has answered, slice by slice."""
    after: int | None = lease.job.result.get("after", 0)
    while after is not None:
        lease.check()
        found = _next_slice(lease.job.project_id, after)
        after = found[-1][0] if found else None
        kept = {"after": after}
        with lease.effect(step=lease.job.step + 1, message="Settling reviews", result=kept):
            _settle(lease.job.project, {review_id for _, review_id in found})
            lease.advance(len(found))
    lease.job.refresh_from_db(fields=["done_count"])
    return {"annotations": lease.job.done_count, "after": None}


def _next_slice(project_id: int, after: int) -> list[tuple[int, int]]:
    """Return the next annotations and their reviews."""
    rows = Annotation.objects.filter(project=project_id, pk__gt=after, is_check=False)
    return list(rows.order_by("pk").values_list("pk", "review_id")[:SLICE])


def _settle(project: Project, review_ids: set[int]) -> None:
    held = gold.hold_reviews(project, review_ids)
    schema = hold_version(project=project)
    gold.recompute_many(project, schema, held)
