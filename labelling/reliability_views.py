"""The page that says how far each annotator can be relied on."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from labelling import reliability
from labelling.tabs import tabs
from projects.access import enter
from projects.models import Membership, Role
from projects.views import signed_in


@login_required
@require_GET
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show reviewers everybody's figures by name, annotators their own."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    only = None if membership.can_review else signed_in(request)
    model = request.GET.get("model", "") or "one-coin"
    context = {
        "people": reliability.people(project, only=only, model=model),
        "model": model,
        "models": reliability.MODELS.items(),
        "is_own": only is not None,
        "tabs": tabs(membership, "reliability"),
    }
    return render(request, "labelling/reliability.html", context)
