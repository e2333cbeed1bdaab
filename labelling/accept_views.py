"""Page: see how many suggestions a confidence would accept, then accept them."""

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_GET

from common.errors import Invalid
from labelling import accept, selectors
from labelling.tabs import tabs
from projects.access import enter
from projects.models import Membership, Project, Role
from reviews.selectors import datasets_in_brief

_OFFERED = 200
_USUAL = "0.95"


@login_required
@require_GET
def suggestions(request: HttpRequest, slug: str) -> HttpResponse:
    """Offer to accept suggestions in bulk; the address says which, and the page how many."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    datasets = [each for each in datasets_in_brief(project, limit=_OFFERED) if each.is_ready]
    asked = request.GET.get("threshold", _USUAL)
    context: dict[str, Any] = {
        "schema": selectors.current_schema(project),
        "chosen": request.GET.getlist("questions"),
        "threshold": asked,
        "datasets": datasets,
        "dataset": request.GET.get("dataset", ""),
        "key": uuid.uuid4().hex,
        "tabs": tabs(membership, "suggestions"),
    }
    status = 200
    if "threshold" in request.GET:
        try:
            context |= _tried(project, membership, request.GET)
        except Invalid as error:
            context["problem"], status = error.detail, 400
    return render(request, "labelling/suggestions.html", context, status=status)


def _tried(project: Project, membership: Membership, query: QueryDict) -> dict[str, Any]:
    """Count what would be accepted, question by question, without changing anything."""
    wish = accept.wish_from(
        project, questions=query.getlist("questions"), threshold=query.get("threshold")
    )
    dataset = accept.dataset_named(project, query.get("dataset", ""))
    found = accept.dry_run(project=project, actor=membership.user, wish=wish, dataset=dataset)
    schema = selectors.current_schema(project)
    names = {question.key: question.name for question in schema.questions}
    return {
        "wish": wish,
        "found": found,
        "by_question": [(names[key], count) for key, count in found.by_question.items()],
        "filters": f"dataset={dataset.pk}" if dataset else "",
        "dataset_name": dataset.name if dataset else "",
    }
