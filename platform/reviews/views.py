"""Pages: the table of reviews, one review, one data set, and the way in for a file."""

from pathlib import PurePath
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from common.errors import GlossError, Invalid
from projects.access import enter, membership_for
from projects.models import Project, Role
from projects.views import signed_in
from reviews import panels, rejects, selectors, services
from reviews.answers import sink_for
from reviews.filters import apply_filters
from reviews.forms import FilterForm, FormatForm, MappingForm, UploadForm
from reviews.models import Upload

_PAGING = frozenset({"after", "before"})
_RECENT_DATASETS = 200
_SHOWN_ROWS = 8
STEPS = ["Choose a file", "Say what the columns are", "Import"]


@login_required
@require_GET
def review_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the project's data sets and the table of reviews; filters and page are in the URL."""
    project = enter(request, slug, section="reviews")
    asked = [
        (name, value)
        for name, values in request.GET.lists()
        if name not in _PAGING
        for value in values
    ]
    reviews = apply_filters(selectors.visible_reviews(project), project, asked)
    datasets = list(selectors.datasets_of(project)[:_RECENT_DATASETS])
    form = FilterForm(request.GET, datasets=[each for each in datasets if each.is_ready])
    context = {
        "datasets": datasets,
        "page": selectors.page_of(
            reviews, after=_place(request, "after"), before=_place(request, "before")
        ),
        "form": form,
        "other_filters": [(name, value) for name, value in asked if name not in form.fields],
        "is_filtered": any(value for _, value in asked),
    }
    return render(request, "reviews/list.html", context)


def _place(request: HttpRequest, name: str) -> int | None:
    raw = request.GET.get(name, "")
    if not raw:
        return None
    if not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        raise Invalid.of(name, f"{name} is the number of a review, not {raw[:50]!r}.")
    return int(raw)


@login_required
@require_GET
def review_detail(request: HttpRequest, slug: str, review_id: int) -> HttpResponse:
    """Show one review and all that is known about it."""
    project = enter(request, slug, section="reviews")
    review = selectors.review_of(project, review_id)
    membership = membership_for(request.user, slug)
    context = {"review": review, "panels": panels.panels_for(project, review, membership)}
    return render(request, "reviews/detail.html", context)


@login_required
@require_GET
def dataset_detail(request: HttpRequest, slug: str, dataset_id: int) -> HttpResponse:
    """Show where a data set came from and what became of the rows."""
    project = enter(request, slug, section="reviews")
    dataset = selectors.dataset_of(project, dataset_id)
    context = {
        "dataset": dataset,
        "work": selectors.import_of(dataset),
        "groups": selectors.reject_groups(dataset),
    }
    return render(request, "reviews/dataset.html", context)


@login_required
@require_GET
def dataset_rejects(request: HttpRequest, slug: str, dataset_id: int) -> StreamingHttpResponse:
    """Send the refused rows as CSV."""
    project = enter(request, slug)
    return rejects.response(selectors.dataset_of(project, dataset_id))


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
