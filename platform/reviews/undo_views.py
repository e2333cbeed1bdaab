"""The page that asks before a data set is removed."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from common.errors import Invalid
from projects.access import enter
from projects.models import Role
from projects.views import signed_in
from reviews import selectors, undo


@login_required
@require_http_methods(["GET", "POST"])
def dataset_undo(request: HttpRequest, slug: str, dataset_id: int) -> HttpResponse:
    """Say what would be lost; POST hides the data set and starts the job that removes it."""
    project = enter(request, slug, at_least=Role.ANALYST, section="reviews")
    dataset = selectors.dataset_of(project, dataset_id)
    trouble = ""
    if request.method == "POST":
        try:
            job = undo.start_undo(
                project=project,
                dataset=dataset,
                actor=signed_in(request),
                typed_name=request.POST.get("name", ""),
            )
            return redirect("jobs:detail", slug=slug, job_id=job.pk)
        except Invalid as error:
            trouble = error.detail
    context = {"dataset": dataset, "loss": undo.loss_of(dataset), "trouble": trouble}
    return render(request, "reviews/undo.html", context, status=400 if trouble else 200)
