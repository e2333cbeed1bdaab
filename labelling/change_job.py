"""Change the questions at once where little moves, else in a job.

All that moves does so in one transaction, so nobody ever reads half a change; a job that dies
begins again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.urls import reverse

from accounts.models import User
from common.errors import Conflict, GlossError
from jobs.lease import JobFailed, Lease
from jobs.models import Job
from jobs.services import enqueue
from labelling import change_json, versions
from labelling.changes import Applied, Change
from labelling.models import Gold
from labelling.preview import Preview, preview
from labelling.selectors import current_schema
from labelling.snapshot import SchemaSnapshot
from projects.models import Project

KIND = "questions"
#: So many rows of gold move within a second or two, while somebody waits.
LARGE = 20_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of a wish to change the questions: the one or the other."""

    schema: SchemaSnapshot | None = None
    job: Job | None = None


def request_change(
    *,
    project: Project,
    changes: Sequence[Change],
    actor: User | None,
    guidelines: str | None = None,
    based_on: int | None = None,
    idempotency_key: str | None = None,
) -> Outcome:
    """Change the questions, or start the job that does.

    Raises Invalid and Conflict as versions.change_questions does, and Conflict while another
    change is under way.
    """
    before = current_schema(project)
    versions.check_base(before, based_on)
    applied = versions.applied_to(before, changes)
    words = versions.check_guidelines(guidelines) if guidelines is not None else None
    is_same = applied.is_plain and applied.questions == before.questions
    if is_same and words in (None, before.guidelines):
        return Outcome(schema=before)
    if under_way(project) is not None:
        raise Conflict("The questions are being changed just now. Wait for that job to end.")
    if not is_large(project, before, applied):
        schema = versions.change_questions(
            project=project,
            changes=changes,
            actor=actor,
            guidelines=words,
            based_on=before.version,
        )
        return Outcome(schema=schema)
    params = {
        "changes": change_json.to_json(changes),
        "guidelines": words,
        "based_on": before.version,
    }
    with transaction.atomic():
        job = enqueue(
            project=project,
            kind=KIND,
            actor=actor,
            params=params,
            single_key=f"questions-{project.pk}",
            idempotency_key=idempotency_key,
        )
    return Outcome(job=job)


def look(*, project: Project, before: SchemaSnapshot, changes: Sequence[Change]) -> Preview:
    """Return what changes of the questions `before` would do; raise Invalid as they would."""
    applied = versions.applied_to(before, changes)
    large = is_large(project, before, applied)
    return preview(project, before, changes, applied, is_large=large)


def is_large(project: Project, before: SchemaSnapshot, applied: Applied) -> bool:
    """Tell whether somebody who waits for the change would wait long."""
    asked = [question.id for question in before.questions if question.key in applied.step]
    gold = Gold.objects.filter(project=project, question_id__in=asked)
    return gold[: LARGE + 1].count() > LARGE


def under_way(project: Project) -> Job | None:
    """Return the job that is changing the questions, if there is one."""
    active = (Job.State.QUEUED, Job.State.RUNNING)
    return Job.objects.filter(project=project, kind=KIND, state__in=active).first()


def run(lease: Lease) -> dict[str, Any]:
    """Make the version that the job is for; called by a worker."""
    params, project = lease.params, lease.job.project
    based_on: int = params["based_on"]
    lease.progress(done=lease.job.step, total=1, message="Moving what was answered")
    if lease.job.step == 0:
        try:
            with lease.effect(step=1):
                versions.change_questions(
                    project=project,
                    changes=change_json.from_json(params["changes"]),
                    actor=lease.job.created_by,
                    guidelines=params["guidelines"],
                    based_on=based_on,
                )
                lease.advance(1)
        except GlossError as error:
            raise JobFailed(error.detail) from None
    return {"version": based_on + 1}


def outcome(job: Job) -> tuple[str, str] | None:
    """Return the page that the job led to."""
    return "To the questions", reverse("labelling:questions", args=[job.project.slug])
