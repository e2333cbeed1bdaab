"""Pages: the table of reviews and one review."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from projects.access import enter, membership_for
from projects.models import Membership
from reviews import about, decoded, filters, panels, saved, selectors, table

_RECENT_DATASETS = 5
#: How many data sets a form offers; any other can still be named in the address.
_OFFERED_DATASETS = 200


@login_required
@require_GET
def review_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the newest data sets and the table of reviews; filters and page are in the URL."""
    project = enter(request, slug, section="reviews")
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    filters.check_reader(membership, request.GET)
    datasets = selectors.datasets_in_brief(project, limit=_OFFERED_DATASETS)
    built = table.build(project, membership, request.GET, datasets=datasets)
    context = {
        "datasets": datasets[:_RECENT_DATASETS],
        "has_more_datasets": len(datasets) > _RECENT_DATASETS,
        "table": built,
        "page": built.page,
        "saved_views": saved.views_for(project, membership.user) if datasets else [],
        "asked": request.GET.dict(),
        "query": request.GET.urlencode(),
    }
    return render(request, "reviews/list.html", context, status=400 if built.is_invalid else 200)


@login_required
@require_GET
def dataset_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show every data set of the project."""
    project = enter(request, slug, section="reviews")
    datasets = selectors.datasets_in_brief(project, limit=None)
    return render(request, "reviews/datasets.html", {"datasets": datasets})


@login_required
@require_GET
def review_detail(request: HttpRequest, slug: str, review_id: int) -> HttpResponse:
    """Show one review and all that is known about it."""
    project = enter(request, slug, section="reviews")
    review = selectors.review_of(project, review_id)
    membership = membership_for(request.user, slug)
    known = about.review(project, review, membership)
    is_decoded = request.GET.get("decoded") == "1"
    context = {
        "review": review,
        "about": known,
        "pieces": decoded.decode(review.text, known.pieces) if is_decoded else known.pieces,
        "is_decoded": is_decoded,
        "has_markup": decoded.has_markup(review.text),
        "panels": panels.panels_for(project, review, membership),
    }
    return render(request, "reviews/detail.html", context)
