"""Pages about jobs: the list, one job, and the indicator in the top bar."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from common.http import page
from jobs import kinds, selectors, services
from jobs.models import Job
from projects.access import enter
from projects.models import Project, Role

STOP_POLLING = 286  # htmx: take this answer and ask no more


@login_required
@require_GET
def job_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the project's latest jobs."""
    project = enter(request, slug)
    listening = selectors.queues_with_workers()
    rows = [
        {"job": job, "label": selectors.label_of(job), "is_heard": job.queue in listening}
        for job in selectors.jobs_of(project)[:100]
    ]
    return render(request, "jobs/list.html", {"rows": rows})


@login_required
@require_GET
def job_detail(request: HttpRequest, slug: str, job_id: UUID) -> HttpResponse:
    """Show one job; htmx asks for the moving part until the job has ended."""
    project = enter(request, slug)
    job = selectors.job_of(project, job_id)
    response = page(
        request, "jobs/detail.html", _detail(project, job), fragment="jobs/_detail.html"
    )
    if request.headers.get("HX-Request") and job.is_finished:
        response.status_code = STOP_POLLING
    return response


@login_required
@require_POST
def job_cancel(request: HttpRequest, slug: str, job_id: UUID) -> HttpResponse:
    """Call the job off."""
    project = enter(request, slug, at_least=Role.ANALYST)
    job = selectors.job_of(project, job_id)
    assert isinstance(request.user, User)  # noqa: S101
    services.cancel(job=job, actor=request.user)
    return redirect("jobs:detail", slug=slug, job_id=job_id)


@login_required
@require_GET
def indicator(request: HttpRequest, slug: str) -> HttpResponse:
    """Show how many jobs are under way, amber when nobody listens for one."""
    project = enter(request, slug)
    return render(request, "jobs/_indicator.html", {"summary": selectors.summary_of(project)})


def _detail(project: Project, job: Job) -> dict[str, object]:
    kind = kinds.get(job.kind)
    return {
        "project": project,
        "job": job,
        "label": selectors.label_of(job),
        "results": selectors.results_of(job),
        "outcome": kind.outcome_of(job),
        "remains": kind.remains if job.state in {Job.State.FAILED, Job.State.CANCELLED} else "",
        "is_heard": job.is_finished or selectors.is_anybody_listening(job),
        "log_lines": list(job.log_lines.order_by("-id")[:200])[::-1],
    }
