"""Pages: the table of reviews and one review."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from common.errors import Invalid
from projects.access import enter, membership_for
from reviews import paging, panels, selectors
from reviews.forms import FilterForm

_PAGING = frozenset({"after", "before"})
_RECENT_DATASETS = 200


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
    datasets = list(selectors.datasets_of(project)[:_RECENT_DATASETS])
    form = FilterForm(request.GET, datasets=[each for each in datasets if each.is_ready])
    context = {
        "datasets": datasets,
        "page": paging.page_of(
            paging.wanted(project, asked).excerpts(),
            after=_place(request, "after"),
            before=_place(request, "before"),
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
