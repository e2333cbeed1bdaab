"""Read uploads and checks that have not become a data set yet."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts.models import User
from common.errors import Conflict, NotVisible
from jobs.models import Job
from projects.models import Project
from reviews.models import ImportCheck, Upload
from reviews.resumable import in_use

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that somebody sent and has not imported, and the last check of it."""

    upload: Upload
    check: ImportCheck | None

    @property
    def percent(self) -> int:
        """Return how much of the file has arrived."""
        return int(100 * self.upload.received_count / max(1, self.upload.byte_count))


def uploads_of(project: Project, person: User) -> QuerySet[Upload]:
    """Return the uploads that a person may see: all that are whole, and their own."""
    return Upload.objects.filter(Q(is_complete=True) | Q(created_by=person), project=project)


def upload_of(project: Project, person: User, upload_id: int) -> Upload:
    """Return one upload; raise NotVisible when there is none that this person may see."""
    upload = uploads_of(project, person).filter(pk=upload_id).first()
    if upload is None:
        raise NotVisible
    return upload


def whole_upload_of(project: Project, person: User, upload_id: int) -> Upload:
    """Return one upload that has arrived; raise Conflict while it has not."""
    upload = upload_of(project, person, upload_id)
    if not upload.is_complete:
        raise Conflict(
            f"{upload.received_count:,} of {upload.byte_count:,} bytes of {upload.original_name} "
            "have arrived. Choose the same file again to go on."
        )
    return upload


def own_upload_of(project: Project, person: User, upload_id: int) -> Upload:
    """Return one upload of this very person; raise NotVisible when there is none."""
    upload = Upload.objects.filter(project=project, created_by=person, pk=upload_id).first()
    if upload is None:
        raise NotVisible
    return upload


def drafts_of(project: Project, person: User) -> list[Draft]:
    """Return what a person has begun and not imported, newest first."""
    uploads = Upload.objects.filter(~in_use(), project=project, created_by=person)
    shown = list(uploads.order_by("-pk")[:_SHOWN])
    checks = ImportCheck.objects.filter(upload__in=shown).order_by("pk")
    latest = {check.upload_id: check for check in checks.defer("result")}
    return [Draft(upload, latest.get(upload.pk)) for upload in shown]


def check_of(project: Project, check_id: int) -> ImportCheck:
    """Return one check with its upload and job; raise NotVisible when there is none."""
    checks = ImportCheck.objects.select_related("upload", "job", "created_by")
    check = checks.filter(project=project, pk=check_id).first()
    if check is None:
        raise NotVisible
    return check


def outcome_of_check(job: Job) -> tuple[str, str] | None:
    """Return where the result of a check is, for the page of its job; None until there is one."""
    check = ImportCheck.objects.select_related("project").filter(job=job).first()
    if check is None or check.result is None:
        return None
    return "See what it found", reverse("reviews:check", args=[check.project.slug, check.pk])
