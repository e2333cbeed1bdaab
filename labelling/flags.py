"""Flags: an annotator says that a review needs a reviewer's eye, and why."""

from django.db import transaction

from accounts import audit
from accounts.models import User
from common.errors import Invalid
from common.text import normalise
from labelling.models import Flag
from projects.models import Project
from reviews.models import Review

MAX_NOTE = 1000


@transaction.atomic
def flag_review(*, project: Project, review: Review, person: User, note: str) -> Flag:
    """Flag a review of `project`; whoever has flagged it already changes the note.

    Raises Invalid without a note: a reviewer must know what to look at.
    """
    said = normalise(note).strip()[:MAX_NOTE]
    if not said:
        raise Invalid.of("note", "Say in a few words what a reviewer should look at.")
    # The database keeps one open flag a review and person, so two requests at once end as one.
    flag, is_new = Flag.objects.update_or_create(
        project=project, review=review, person=person, resolved_at=None, defaults={"note": said}
    )
    if is_new:
        audit.record(
            actor=person,
            project_id=project.pk,
            action="review.flagged",
            subject=f"review {review.pk}",
            flag=flag.pk,
        )
    return flag
