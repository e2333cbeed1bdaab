"""Pages: ask for an export, see what became of it, take its file."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from common.errors import GlossError
from common.http import page
from jobs.selectors import is_anybody_listening
from projects.access import enter
from projects.models import Project, Role
from projects.views import signed_in
from reviews import export_services as services
from reviews import labels
from reviews.export_api import file_response
from reviews.export_forms import ExportForm, filters_of
from reviews.formats import FORMATS, OutFormat
from reviews.models import Dataset, Export
from reviews.selectors import datasets_of
from reviews.table import filters_in_words

_SHOWN = 100
_DATASETS = 500
#: What tells htmx to ask no more.
_STOP_POLLING = 286


@dataclass(frozen=True, slots=True)
class Shown:
    """An export as the list shows it."""

    export: Export
    format: str
    reviews: str
    labels: str
    is_kept: bool


@login_required
@require_GET
def export_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the project's exports; htmx asks again while one is under way."""
    project = enter(request, slug, at_least=Role.ANALYST, section="reviews")
    exports = list(services.exports_of(project)[:_SHOWN])
    waiting = [each.job for each in exports if each.job and not each.job.is_finished]
    context = {
        "exports": _shown(project, exports),
        "is_waiting": bool(waiting),
        "is_heard": not waiting or is_anybody_listening(waiting[0]),
        "keep_days": services.KEEP.days,
    }
    response = page(request, "reviews/exports.html", context, fragment="reviews/_exports.html")
    if request.headers.get("HX-Request") and not waiting:
        response.status_code = _STOP_POLLING
    return response


def _shown(project: Project, exports: list[Export]) -> list[Shown]:
    names = dict(Dataset.objects.filter(project=project).values_list("pk", "name"))
    sources = {source.key: source.name for source in labels.sources()}
    return [
        Shown(
            export=export,
            format=FORMATS[export.format].name if export.format in FORMATS else export.format,
            reviews=_reviews(project, export.params, names),
            labels=sources.get(export.params.get("labels", ""), "None"),
            is_kept=bool(export.file),
        )
        for export in exports
    ]


def _reviews(project: Project, params: dict[str, Any], names: dict[int, str]) -> str:
    """Say which reviews: the data set, then the filters."""
    dataset = params.get("dataset")
    parts = [names.get(dataset, "a data set that is gone")] if dataset is not None else []
    if params.get("version") is not None:
        parts.append(f"version {params['version']}")
    if params.get("filters"):
        parts += filters_in_words(project, params["filters"])
    return ", ".join(parts) or "All reviews"


@login_required
@require_http_methods(["GET", "POST"])
def export_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask which reviews, whose labels and which format; filters come with the address."""
    project = enter(request, slug, at_least=Role.ANALYST, section="reviews")
    is_sent = request.method == "POST"
    sent = request.POST if is_sent else request.GET
    filters = filters_of([(name, each) for name, found in sent.lists() for each in found])
    datasets = list(datasets_of(project).filter(is_ready=True)[:_DATASETS])
    form = ExportForm(
        project,
        datasets,
        filters,
        request.POST if is_sent else None,
        initial={"dataset": request.GET.get("dataset", "")},
    )
    if is_sent and form.is_valid():
        try:
            services.request_export(project=project, wish=form.wish(), actor=signed_in(request))
        except GlossError as error:
            form.add_error(None, error.detail)
        else:
            return redirect("reviews:exports", slug=slug)
    context = {
        "form": form,
        "filters": filters,
        "filters_in_words": filters_in_words(project, filters) if filters else [],
        "cards": _cards(form),
        "has_reviews": bool(datasets),
    }
    status = 400 if form.errors else 200
    return render(request, "reviews/export_new.html", context, status=status)


def _cards(form: ExportForm) -> list[tuple[Any, OutFormat]]:
    """Pair each radio button with the format that it chooses."""
    return [(radio, FORMATS[radio.data["value"]]) for radio in form["format"]]


@login_required
@require_GET
def export_file(request: HttpRequest, slug: str, export_id: int) -> FileResponse:
    """Send the file of an export."""
    project = enter(request, slug, at_least=Role.ANALYST)
    export = services.export_of(project, export_id)
    return file_response(export, services.download(export=export, actor=signed_in(request)))
