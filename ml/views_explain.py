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
from ml.models import ModelVersion
from ml.panels_explain import explained
from projects.access import enter
from projects.models import Project, Role
from projects.views import signed_in
from reviews.models import Review
from reviews.selectors import visible_reviews

#: Versions to choose from, the newest ones.
_LISTED = 100


@login_required
@require_http_methods(["GET", "POST"])
def explain(request: HttpRequest, slug: str, review_id: int) -> HttpResponse:
    """Show which words of a review speak for an answer; POST works it out.

    Of the champion, or of the version that the address names.
    """
    project = enter(request, slug, at_least=Role.ANALYST, section="models")
    review = get_object_or_404(visible_reviews(project), pk=review_id)
    if request.method == "POST":
        named = selectors.version_named(project, request.POST.get("version", ""))
        version = named or selectors.version_to_ask(project)
        question = request.POST.get("question", "")
        job = explaining.start(
            version=version, review=review, question=question, actor=signed_in(request)
        )
        address = reverse("ml:explain", args=[project.slug, review.pk])
        return redirect(f"{address}?job={job.pk}")
    asked_version, job_now = _asked(request, project, review)
    context = _context(request, project, asked_version, review, job_now)
    response = page(request, "ml/explain.html", context, fragment="ml/_explained.html")
    if request.headers.get("HX-Request") and (job_now is None or job_now.is_finished):
        response.status_code = STOP_POLLING
    return response


def _asked(
    request: HttpRequest, project: Project, review: Review
) -> tuple[ModelVersion | None, Job | None]:
    """Return the explanation that the address names with its version, or a version's newest."""
    job = _named_job(project, review, request.GET.get("job", ""))
    number = str(job.params["model_version"]) if job else request.GET.get("version", "")
    version = selectors.version_named(project, number) or selectors.champion_of(project)
    if job is None and version is not None and "job" not in request.GET:
        job = explaining.jobs_of(version, review).first()
    return version, job


def _named_job(project: Project, review: Review, wanted: str) -> Job | None:
    try:
        return project.jobs.filter(
            kind=explaining.KIND, params__review=review.pk, pk=UUID(wanted)
        ).first()
    except ValueError:
        return None


def _context(
    request: HttpRequest,
    project: Project,
    version: ModelVersion | None,
    review: Review,
    job: Job | None,
) -> dict[str, Any]:
    schema = current_schema(project)
    names = {each.key: each.name for each in schema.questions}
    known = explaining.explainable(version) if version else []
    key = job.params["question"] if job else ""
    asked = schema.question(key)
    options = {each.key: each.name for each in asked.options} if asked else {}
    shown = None
    if job is not None and job.state == Job.State.SUCCEEDED:
        shown = explained(job.result, review.text, options, request.GET.get("option", ""))
    return {
        "review": review,
        "version": version,
        "versions": list(selectors.versions_of(project).prefetch_related(None)[:_LISTED]),
        "questions": [(each, names.get(each, each)) for each in known],
        "job": job,
        "key": key,
        "question": names.get(key, key),
        "is_finished": job is None or job.is_finished,
        "is_heard": job is None or job.is_finished or is_anybody_listening(job),
        "explained": shown,
        "subnav": panels.subnav(request, project),
    }
