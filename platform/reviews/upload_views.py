"""The first steps of the wizard: a file comes in, and it is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from common.errors import Conflict, GlossError, Invalid
from projects.access import enter
from projects.models import Project, Role
from projects.views import signed_in
from reviews import drafts, format_form, resumable, services
from reviews.format_form import FormatForm
from reviews.mapping import ColumnMapping
from reviews.models import Upload
from reviews.previews import PREVIEW_ROWS, Preview, look_at
from reviews.sources import KINDS
from reviews.tables import Format
from reviews.upload_form import UploadForm

#: What the browser sends at once: small enough to be sent again, large enough to be fast.
_PIECE_BYTES = 8 * 1024 * 1024
STEPS = ["File", "Read", "Map", "Check", "Import"]


# --- File -----------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def upload_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a file: in pieces by script, or whole by this form."""
    project = enter(request, slug, at_least=Role.ANALYST, section="reviews")
    is_sent = request.method == "POST"
    form = UploadForm(*_sent(request)) if is_sent else UploadForm()
    if is_sent and form.is_valid():
        upload = _received(request, project, form)
        if upload is not None:
            return redirect("reviews:read", slug=slug, upload_id=upload.pk)
    context = {
        "form": form,
        "steps": STEPS,
        "max_bytes": settings.GLOSS_UPLOAD_MAX_BYTES,
        "piece_bytes": _PIECE_BYTES,
        "drafts": drafts.drafts_of(project, signed_in(request)),
    }
    return render(request, "reviews/upload.html", context, status=400 if form.errors else 200)


def _sent(request: HttpRequest) -> tuple[Any, Any]:
    """Receive a whole form; a disk that fills up on the way is said in words."""
    with resumable.room():
        return request.POST, request.FILES


def _received(request: HttpRequest, project: Project, form: UploadForm) -> Upload | None:
    """Store the file, unless it has nothing to import: then the form says why."""
    try:
        upload = services.receive_upload(
            project=project, file=form.cleaned_data["file"], actor=signed_in(request)
        )
    except GlossError as error:
        form.add_error("file", error.detail)
        return None
    try:
        look_at(upload)
    except Invalid as error:
        services.discard_upload(upload=upload)
        form.add_error("file", error.detail)
        return None
    return upload


@login_required
@require_POST
def upload_discard(request: HttpRequest, slug: str, upload_id: int) -> HttpResponse:
    """Remove a file that nothing was made of."""
    project = enter(request, slug, at_least=Role.ANALYST, section="reviews")
    upload = drafts.own_upload_of(project, signed_in(request), upload_id)
    if not resumable.discard_unused(upload_ids=[upload.pk]):
        raise Conflict("Something was made of this file; it stays with it.")
    messages.success(request, f"{upload.original_name} is removed.")
    return redirect("reviews:upload", slug=slug)


# --- Read -----------------------------------------------------------------------------------------


@login_required
@require_GET
def upload_read(request: HttpRequest, slug: str, upload_id: int) -> HttpResponse:
    """Show how a file reads and what can be changed about it, all in the address."""
    project = enter(request, slug, at_least=Role.ANALYST, section="reviews")
    upload = drafts.whole_upload_of(project, signed_in(request), upload_id)
    seen, trouble = _looked_at(upload, format_form.asked(request.GET))
    context = {
        "upload": upload,
        "preview": seen,
        "trouble": trouble,
        "form": FormatForm(seen),
        "rows": _shown(seen),
        "steps": STEPS,
    }
    is_fragment = bool(getattr(request, "htmx", False))
    template = "reviews/_read.html" if is_fragment else "reviews/read.html"
    status = (422 if is_fragment else 400) if trouble else 200
    return render(request, template, context, status=status)


def _looked_at(upload: Upload, asked: Mapping[str, Any]) -> tuple[Preview, str]:
    """Return the file as asked for, else as guessed with what was wrong, else nothing of it."""
    try:
        return look_at(upload, asked), ""
    except Invalid as error:
        trouble = error.detail
    try:
        return look_at(upload), f"{trouble} The guess is shown instead." if asked else trouble
    except Invalid:
        known = {key: value for key, value in asked.items() if key == "kind"}
        shown = Format(**known) if known.get("kind") in KINDS else Format()
        return Preview(shown, [], [], ColumnMapping(text=())), trouble


@dataclass(frozen=True, slots=True)
class _ShownRow:
    line: int
    cells: list[str]
    error: str


def _shown(seen: Preview) -> list[_ShownRow]:
    width = len(seen.columns)
    rows = []
    for record in seen.records[:PREVIEW_ROWS]:
        cells, error = record.cells, record.error
        if not error and len(cells) != width:
            error = f"the row has {len(cells):,} cells, the header has {width:,}"
        padded = [*cells, *[""] * (width - len(cells))][:width]
        rows.append(_ShownRow(record.line, padded, error))
    return rows
