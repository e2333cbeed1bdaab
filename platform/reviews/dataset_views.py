"""The page of one data set: where it came from, what became of its rows, splits, versions."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from common.errors import GlossError, Invalid
from projects.access import enter, membership_for
from projects.models import Project, Role
from projects.views import signed_in
from reviews import dataset_page, history, rejects, selectors, snapshots, splitting
from reviews.dataset_forms import SplitForm, VersionForm, initial_of
from reviews.models import Dataset

_MAX_NUMBER = 2**31 - 1


@login_required
@require_GET
def dataset_detail(request: HttpRequest, slug: str, dataset_id: int) -> HttpResponse:
    """Show where a data set came from and what became of the rows."""
    project = enter(request, slug, section="reviews")
    return _page(request, project, selectors.dataset_of(project, dataset_id))


def _page(
    request: HttpRequest,
    project: Project,
    dataset: Dataset,
    *,
    split_form: SplitForm | None = None,
    version_form: VersionForm | None = None,
    refusal: str = "",
) -> HttpResponse:
    may_change = membership_for(request.user, project.slug).role >= Role.ANALYST
    work = selectors.import_of(dataset)
    context: dict[str, Any] = {
        "dataset": dataset,
        "work": work,
        "groups": selectors.reject_groups(dataset),
        "may_change": may_change,
        "refusal": refusal,
        "derived": dataset.derived_datasets.filter(is_ready=True).order_by("name"),
    }
    if work is None:
        context["chapters"] = history.history_of(dataset)
    else:
        context |= {
            "read_facts": dataset_page.read_facts(work),
            "mapping_facts": dataset_page.mapping_facts(work),
        }
    if dataset.is_ready:
        context |= _ready_context(dataset, may_change=may_change, split_form=split_form)
        context["version_form"] = version_form or VersionForm()
    is_bad = bool(refusal or (split_form and split_form.errors))
    return render(request, "reviews/dataset.html", context, status=400 if is_bad else 200)


def _ready_context(
    dataset: Dataset, *, may_change: bool, split_form: SplitForm | None
) -> dict[str, Any]:
    splits = dataset_page.split_facts(dataset)
    may_draw = may_change and not splits.why_fixed and not splits.is_under_way
    if split_form is None and may_draw:
        questions = dataset_page.questions(dataset)
        split_form = SplitForm(questions, initial=initial_of(dataset.split_plan, questions))
    return {
        "splits": splits,
        "split_form": split_form,
        "versions": dataset_page.version_rows(dataset),
        "indexed_percent": dataset_page.indexed_percent(dataset),
    }


@login_required
@require_POST
def dataset_splits(request: HttpRequest, slug: str, dataset_id: int) -> HttpResponse:
    """Have the splits drawn anew."""
    project = enter(request, slug, at_least=Role.ANALYST, section="reviews")
    dataset = selectors.dataset_of(project, dataset_id)
    form = SplitForm(dataset_page.questions(dataset), request.POST)
    if not form.is_valid():
        return _page(request, project, dataset, split_form=form)
    try:
        job = splitting.redraw(dataset=dataset, wishes=form.wishes(), actor=signed_in(request))
    except GlossError as error:
        return _page(request, project, dataset, refusal=error.detail)
    return redirect("jobs:detail", slug, job.pk)


@login_required
@require_GET
def dataset_rejects(request: HttpRequest, slug: str, dataset_id: int) -> StreamingHttpResponse:
    """Send the refused rows as CSV."""
    project = enter(request, slug)
    return rejects.response(selectors.dataset_of(project, dataset_id))


# --- Versions -------------------------------------------------------------------------------------


@login_required
@require_POST
def version_new(request: HttpRequest, slug: str, dataset_id: int) -> HttpResponse:
    """Make a version."""
    project = enter(request, slug, at_least=Role.ANALYST, section="reviews")
    dataset = selectors.dataset_of(project, dataset_id)
    form = VersionForm(request.POST)
    if not form.is_valid():
        return _page(request, project, dataset, version_form=form, refusal="The note is too long.")
    try:
        version = snapshots.request_version(
            dataset=dataset, note=form.cleaned_data["note"], actor=signed_in(request)
        )
    except GlossError as error:
        return _page(request, project, dataset, refusal=error.detail)
    assert version.job is not None  # noqa: S101  (it was made with one)
    return redirect("jobs:detail", slug, version.job.pk)


@login_required
@require_GET
def version_file(request: HttpRequest, slug: str, dataset_id: int, number: int) -> FileResponse:
    """Send the file of a version."""
    project = enter(request, slug, at_least=Role.ANALYST)
    version = snapshots.version_of(selectors.dataset_of(project, dataset_id), number)
    path = snapshots.file_of(version, actor=signed_in(request))
    return snapshots_response(path.open("rb"), snapshots.file_name(version))


def snapshots_response(binary: Any, name: str) -> FileResponse:
    """Send a Parquet file as an attachment that no browser takes for anything else."""
    response = FileResponse(
        binary, as_attachment=True, filename=name, content_type="application/vnd.apache.parquet"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@login_required
@require_GET
def version_changes(request: HttpRequest, slug: str, dataset_id: int, number: int) -> HttpResponse:
    """Say what is different in a version since an earlier one, by default the one before."""
    project = enter(request, slug, section="reviews")
    dataset = selectors.dataset_of(project, dataset_id)
    later = snapshots.version_of(dataset, number)
    earlier = snapshots.version_of(dataset, since_of(request.GET.get("since"), number))
    context = {
        "dataset": dataset,
        "earlier": earlier,
        "later": later,
        "changes": snapshots.compare(earlier, later),
        "versions": snapshots.versions_of(dataset).exclude(file="").exclude(number=number)[:50],
    }
    return render(request, "reviews/version_changes.html", context)


def since_of(asked: str | None, number: int) -> int:
    """Return the number of the version to compare with; raise Invalid for what is none."""
    if not asked:
        return number - 1
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 10 and int(asked) <= _MAX_NUMBER):
        raise Invalid.of("since", f"since is the number of a version, not {asked[:50]!r}.")
    return int(asked)
