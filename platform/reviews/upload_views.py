"""Pages by which a file comes in: choose it, see how it reads, say what its columns are."""

from pathlib import PurePath
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from common.errors import GlossError, Invalid
from projects.access import enter
from projects.models import Project, Role
from projects.views import signed_in
from reviews import selectors, services
from reviews.answers import sink_for
from reviews.forms import FormatForm, MappingForm, UploadForm
from reviews.models import Upload

_SHOWN_ROWS = 8
STEPS = ["Choose a file", "Say what the columns are", "Import"]


@login_required
@require_http_methods(["GET", "POST"])
def upload_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a file."""
    project = enter(request, slug, at_least=Role.ANALYST, section="reviews")
    is_sent = request.method == "POST"
    form = UploadForm(request.POST, request.FILES) if is_sent else UploadForm()
    if is_sent and form.is_valid():
        upload = _received(request, project, form)
        if upload is not None:
            return redirect("reviews:mapping", slug=slug, upload_id=upload.pk)
    context = {"form": form, "steps": STEPS}
    return render(request, "reviews/upload.html", context, status=400 if form.errors else 200)


def _received(request: HttpRequest, project: Project, form: UploadForm) -> Upload | None:
    """Store the file, unless it has nothing to import: then the form says why."""
    try:
        upload = services.receive_upload(
            project=project, file=form.cleaned_data["file"], actor=signed_in(request)
        )
    except Invalid as error:
        form.add_error("file", error.detail)
        return None
    try:
        services.preview(upload=upload)
    except Invalid as error:
        services.discard_upload(upload=upload)
        form.add_error("file", error.detail)
        return None
    return upload


@login_required
@require_http_methods(["GET", "POST"])
def upload_mapping(request: HttpRequest, slug: str, upload_id: int) -> HttpResponse:
    """Show how a file reads and ask what its columns are; POST starts the import."""
    project = enter(request, slug, at_least=Role.ANALYST, section="reviews")
    upload = selectors.upload_of(project, upload_id)
    asked = FormatForm.asked(request.GET)
    try:
        seen, trouble = services.preview(upload=upload, **asked), ""
    except Invalid as error:
        # Read in another way the file may be fine: show the guess, and what was wrong.
        seen, trouble = services.preview(upload=upload), error.detail
    form = MappingForm(
        request.POST if request.method == "POST" else None,
        columns=seen.columns,
        questions=sink_for(project).questions(),
        guess=seen.guess,
        name=PurePath(upload.original_name).stem[: services.MAX_DATASET_NAME],
        has_header=seen.format.has_header,
    )
    if request.method == "POST" and not trouble and form.is_valid():
        job = _started(request, project, upload, form, seen)
        if job is not None:
            return redirect("jobs:detail", slug=slug, job_id=job)
    context = {
        "upload": upload,
        "preview": seen,
        "trouble": trouble,
        "format_form": FormatForm.of(seen.format),
        "form": form,
        "column_rows": _column_rows(form, seen),
        "rows": [_padded(row, len(seen.columns)) for row in seen.rows[:_SHOWN_ROWS]],
        "steps": STEPS,
    }
    status = 400 if form.errors or trouble else 200
    return render(request, "reviews/mapping.html", context, status=status)


def _started(
    request: HttpRequest,
    project: Project,
    upload: Upload,
    form: MappingForm,
    seen: services.Preview,
) -> Any:
    """Return the id of the job, or None when the form now says what is wrong."""
    try:
        started = services.start_import(
            project=project,
            dataset_name=form.cleaned_data["name"],
            upload=upload,
            mapping=form.mapping(),
            encoding=seen.format.encoding,
            delimiter=seen.format.delimiter,
            actor=signed_in(request),
        )
    except GlossError as error:
        form.add_error("name" if error.status == 409 else None, error.detail)
        return None
    return started.job.pk


def _padded(row: list[str], width: int) -> list[str]:
    return [*row, *[""] * (width - len(row))]


def _column_rows(form: MappingForm, seen: services.Preview) -> list[dict[str, Any]]:
    """Pair each column's field with the first things that stand in it."""
    rows = []
    for index, field in enumerate(form.column_fields):
        cells = (row[index].strip() for row in seen.rows if index < len(row))
        samples = list(dict.fromkeys(cell[:80] for cell in cells if cell))[:3]
        rows.append({"field": field, "samples": samples})
    return rows
