"""Pages that read everything: the overview and the insights."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from analysis import insights, selectors
from ml.panels import measures_of
from ml.selectors import champion_of
from projects.access import enter
from projects.models import Membership


@login_required
@require_GET
def overview(request: HttpRequest, slug: str) -> HttpResponse:
    """Say how far the project is and what to do next."""
    project = enter(request, slug, section="overview")
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    progress = selectors.progress_of(project)
    champion = champion_of(project)
    context = {
        "progress": progress,
        "champion": champion,
        "measures": measures_of(champion) if champion else [],
        "step": selectors.next_step(membership, progress, champion),
        "jobs": selectors.active_jobs(project),
        "changes": selectors.recent_changes(project),
    }
    return render(request, "analysis/overview.html", context)


@login_required
@require_GET
def insights_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what the reviews say."""
    project = enter(request, slug, section="insights")
    return render(request, "analysis/insights.html", {"charts": insights.charts_of(project)})
