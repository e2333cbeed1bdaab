"""The page that explains one answer about one review."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from common.http import page
from jobs.models import Job
from jobs.selectors import is_anybody_listening
from jobs.views import STOP_POLLING
from labelling.selectors import current_schema
from ml import explaining, panels, selectors
from ml.panels_explain import explained
from projects.access import enter
from projects.models import Project, Role
from projects.views import signed_in
from reviews.models import Review
from reviews.selectors import visible_reviews


@login_required
@require_http_methods(["GET", "POST"])
def explain(request: HttpRequest, slug: str, review_id: int) -> HttpResponse:
    """Show which words of a review speak for an answer of the champion; POST works it out."""
    project = enter(request, slug, at_least=Role.ANALYST, section="models")
    review = get_object_or_404(visible_reviews(project), pk=review_id)
    if request.method == "POST":
        version = selectors.version_to_ask(project)
        question = request.POST.get("question", "")
        job = explaining.start(
            version=version, review=review, question=question, actor=signed_in(request)
        )
        address = reverse("ml:explain", args=[project.slug, review.pk])
        return redirect(f"{address}?job={job.pk}")
    job_now = _job(project, review, request.GET.get("job", ""))
    context = _context(request, project, review, job_now)
    response = page(request, "ml/explain.html", context, fragment="ml/_explained.html")
    if request.headers.get("HX-Request") and (job_now is None or job_now.is_finished):
        response.status_code = STOP_POLLING
    return response


def _job(project: Project, review: Review, wanted: str) -> Job | None:
    """Return the explanation that the address names, or the newest of this review."""
    mine = project.jobs.filter(kind=explaining.KIND, params__review=review.pk)
    try:
        return (
            mine.filter(pk=UUID(wanted)).first() if wanted else mine.order_by("-created_at").first()
        )
    except ValueError:
        return None


def _context(
    request: HttpRequest, project: Project, review: Review, job: Job | None
) -> dict[str, Any]:
    version = selectors.champion_of(project)
    schema = current_schema(project)
    names = {each.key: each.name for each in schema.questions}
    known = explaining.explainable(version) if version else []
    key = job.params["question"] if job else ""
    asked = schema.question(key)
    options = {each.key: each.name for each in asked.options} if asked else {}
    is_done = job is not None and job.state == Job.State.SUCCEEDED
    return {
        "review": review,
        "version": version,
        "questions": [(each, names.get(each, each)) for each in known],
        "job": job,
        "key": key,
        "question": names.get(key, key),
        "is_finished": job is None or job.is_finished,
        "is_heard": job is None or job.is_finished or is_anybody_listening(job),
        "explained": explained(job.result, review.text, options) if job and is_done else None,
        "subnav": panels.subnav(request, project),
    }
