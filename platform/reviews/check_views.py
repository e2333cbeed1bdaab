"""The last steps of the wizard: what an import would do, and the button that does it."""

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods

from common.errors import GlossError
from common.http import page
from jobs.selectors import is_anybody_listening
from jobs.views import STOP_POLLING
from projects.access import enter, membership_for
from projects.models import Role
from projects.views import signed_in
from reviews import drafts, rejects
from reviews.checks import add_lacking, columns_of, refused_rows, start_check
from reviews.mapping import from_json
from reviews.mapping_views import import_once, need_owner
from reviews.models import ImportCheck
from reviews.upload_views import STEPS


@login_required
@require_http_methods(["GET", "POST"])
def check_detail(request: HttpRequest, slug: str, check_id: int) -> HttpResponse:
    """Show what an import would do; htmx asks until it is known. POST imports."""
    project = enter(request, slug, at_least=Role.ANALYST, section="reviews")
    check = drafts.check_of(project, check_id)
    trouble = ""
    if request.method == "POST":
        try:
            if "add" in request.POST:
                again = _checked_with_more_options(request, check)
                return redirect("reviews:check", slug=slug, check_id=again.pk)
            return redirect("jobs:detail", slug=slug, job_id=_imported(request, check).pk)
        except GlossError as error:
            trouble = error.detail
    may_ask = membership_for(request.user, slug).role >= Role.OWNER
    context = {
        **_context(check),
        "may_ask": may_ask,
        "trouble": trouble,
        "steps": STEPS,
        "once": uuid.uuid4().hex,
    }
    response = page(request, "reviews/check.html", context, fragment="reviews/_check.html")
    if trouble:
        response.status_code = 400
    elif request.headers.get("HX-Request") and (check.job is None or check.job.is_finished):
        response.status_code = STOP_POLLING
    return response


def _imported(request: HttpRequest, check: ImportCheck) -> Any:
    return import_once(
        request,
        project=check.project,
        dataset_name=request.POST.get("name") or check.dataset_name,
        upload=check.upload,
        mapping=from_json(check.mapping),
        read_as=check.read_as,
        actor=signed_in(request),
    )


def _checked_with_more_options(request: HttpRequest, check: ImportCheck) -> ImportCheck:
    """Add the options that a question lacks, and check the file again."""
    need_owner(request, check.project)
    add_lacking(check, request.POST["add"], signed_in(request))
    return start_check(
        project=check.project,
        dataset_name=check.dataset_name,
        upload=check.upload,
        mapping=from_json(check.mapping),
        read_as=check.read_as,
        actor=signed_in(request),
    )


def _context(check: ImportCheck) -> dict[str, Any]:
    job, result = check.job, check.result
    return {
        "check": check,
        "job": job,
        "result": result,
        "counts": (result or {}).get("counts"),
        "lengths": (result or {}).get("lengths"),
        "longest_class": max(
            (each["count"] for each in ((result or {}).get("lengths") or {}).get("histogram", [])),
            default=0,
        ),
        "is_heard": job is None or job.is_finished or is_anybody_listening(job),
    }


@login_required
@require_GET
def check_rejects(request: HttpRequest, slug: str, check_id: int) -> StreamingHttpResponse:
    """Send the rows that an import would refuse as CSV."""
    project = enter(request, slug, at_least=Role.ANALYST)
    check = drafts.check_of(project, check_id)
    rows = refused_rows(check)
    return rejects.stream(columns_of(check), rows, name=f"check-{check.pk}-rejects.csv")
