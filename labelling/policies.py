"""How a project's work is shared: overlap, checks, blindness, gold, leases, control slice."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from common.errors import FieldError, Invalid
from labelling.gold_policy import change_gold_policy
from labelling.overlap_job import request_opening
from projects.models import GoldPolicy, Project

MAX_OVERLAP = 20
MAX_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Policies:
    """What an owner decides about labelling; shares go from 0 to 1."""

    overlap_count: int
    overlap_share: float
    check_share: float
    control_share: float
    lease_minutes: int
    is_blind: bool
    gold_policy: str


NAMES = tuple(each.name for each in fields(Policies))


def policies_of(project: Project) -> Policies:
    """Return what holds."""
    return Policies(**{name: getattr(project, name) for name in NAMES})


@transaction.atomic
def set_policies(*, project: Project, actor: User, **changes: Any) -> Policies:
    """Change some policies; they hold for every review that is served or answered from now on.

    Another policy of gold, and more overlap, also hold for what was answered before: a job sees to
    it. Raises Invalid, one error a field, for values out of bounds, Conflict while the job of the
    change before is still under way.
    """
    before = policies_of(project)
    wanted = Policies(**(asdict(before) | changes))
    _check(wanted)
    changed = {name: value for name, value in changes.items() if value != getattr(before, name)}
    policy = changed.pop("gold_policy", None)
    if policy is not None:
        # A job goes over what was said before.
        change_gold_policy(project=project, policy=policy, actor=actor)
    # Locked: two owners who change different things at once keep both changes.
    project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    for name, value in changed.items():
        setattr(project, name, value)
    if changed:
        project.save(update_fields=list(changed))
        audit.record(
            actor=actor,
            project_id=project.pk,
            action="policies.changed",
            subject=", ".join(changed),
            before={name: getattr(before, name) for name in changed},
            after=changed,
        )
    if wanted.overlap_count > 1 and (
        wanted.overlap_count > before.overlap_count or wanted.overlap_share > before.overlap_share
    ):
        request_opening(project=project, actor=actor)
    return policies_of(project)


def _check(wanted: Policies) -> None:
    errors = [
        FieldError(name, f"A share goes from 0 to 1, not {value}.")
        for name in ("overlap_share", "check_share", "control_share")
        if not 0 <= (value := getattr(wanted, name)) <= 1
    ]
    if not 1 <= wanted.overlap_count <= MAX_OVERLAP:
        errors.append(
            FieldError("overlap_count", f"1 to {MAX_OVERLAP} people, not {wanted.overlap_count}.")
        )
    if not 1 <= wanted.lease_minutes <= MAX_MINUTES:
        errors.append(
            FieldError("lease_minutes", f"1 to {MAX_MINUTES} minutes, not {wanted.lease_minutes}.")
        )
    if wanted.gold_policy not in GoldPolicy.values:
        known = ", ".join(GoldPolicy.values)
        errors.append(FieldError("gold_policy", f"One of {known}."))
    if errors:
        raise Invalid(f"{errors[0].field}: {errors[0].message}", errors=tuple(errors))
