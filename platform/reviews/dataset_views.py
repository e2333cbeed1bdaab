"""The page of one data set: where it came from, what became of its rows."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from projects.access import enter
from reviews import rejects, selectors


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
