"""Pages: what has happened to one review, and bringing earlier answers back."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from common.errors import Conflict, Invalid
from labelling import history, panels, timeline
from labelling.tabs import tabs
from projects.access import enter
from projects.models import Membership, Role
from reviews.selectors import review_of


@login_required
@require_GET
def review_history(request: HttpRequest, slug: str, review_id: int) -> HttpResponse:
    """Show everything that was done about a review, in the order of time."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    review = review_of(project, review_id)
    context = {
        "review": review,
        "events": [
            (event, panels.said(event.schema, event.answers, review.text))
            for event in timeline.of_review(project, review)
        ],
        "tabs": tabs(membership, ""),
    }
    return render(request, "labelling/history.html", context)


@login_required
@require_POST
def restore(request: HttpRequest, slug: str, annotation_id: int) -> HttpResponse:
    """Have an annotation say again what it said before."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    annotation = history.annotation_of(project, annotation_id)
    try:
        history.restore(
            membership=membership,
            annotation=annotation,
            number=_number(request, "number"),
            seen=_number(request, "present"),
        )
    except Conflict as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, "Restored. What was there before is kept in the history too.")
    return redirect("labelling:history", slug=slug, review_id=annotation.review_id)


def _number(request: HttpRequest, name: str) -> int:
    raw = request.POST.get(name, "")
    if not (raw.isascii() and raw.isdigit() and len(raw) < 10):
        raise Invalid.of(name, f"{name} is the number of a revision.")
    return int(raw)
