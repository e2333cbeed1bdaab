"""Change when answers become gold by themselves, and make the gold that follows from it.

The policy changes at once, for every answer that comes from then on; a job goes over what was said
before (see labelling.walking). A review that is met twice is only settled twice.
"""

from functools import partial
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from common.errors import Invalid
from jobs.kinds import Kind
from jobs.lease import Lease
from jobs.models import Job
from jobs.services import enqueue
from labelling import gold, walking
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
    rows = Annotation.objects.filter(project=lease.job.project_id, is_check=False)
    return walking.over_reviews(
        lease, rows, partial(_settle, lease.job.project), message="Settling reviews"
    )


def _settle(project: Project, review_ids: set[int]) -> None:
    held = gold.hold_reviews(project, review_ids)
    schema = hold_version(project=project)
    gold.recompute_many(project, schema, held)
