"""Pages about the registry: compare two versions, check and download files, roll back."""

from operator import attrgetter
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from common.errors import Conflict, Invalid
from ml import champion, checkpoints, panels, panels_compare, selectors
from ml.comparing import MOST_ROWS, together
from ml.models import ModelVersion
from projects.access import enter
from projects.models import Project, Role
from projects.views import signed_in

#: Versions that the page of a comparison offers, besides the champion and those it compares.
MOST_VERSIONS = 100


@login_required
@require_GET
def compare(request: HttpRequest, slug: str) -> HttpResponse:
    """Show two versions on the same rows: differences, tests, and the reviews that flipped."""
    project = enter(request, slug, at_least=Role.ANALYST, section="models")
    newest = list(selectors.versions_of(project)[:MOST_VERSIONS])
    champion_now = selectors.champion_of(project)
    pair = _pair(project, champion_now, newest, request)
    context: dict[str, Any] = {
        "versions": _choices(newest, champion_now, *(pair or ())),
        "most_rows": MOST_ROWS,
        "subnav": panels.subnav(request, project),
    }
    if pair is not None:
        both = together(project, *pair)
        context |= {
            "before": both.before,
            "after": both.after,
            "gate": both.gate,
            "questions": panels_compare.panels_of(project, both),
        }
    return render(request, "ml/compare.html", context)


def _pair(
    project: Project,
    champion_now: ModelVersion | None,
    newest: list[ModelVersion],
    request: HttpRequest,
) -> tuple[ModelVersion, ModelVersion] | None:
    """Return the versions that the address names; by default the champion and the newest other."""
    before = selectors.version_named(project, request.GET.get("before", "")) or champion_now
    others = [each for each in newest if before is None or each.pk != before.pk]
    after = selectors.version_named(project, request.GET.get("after", "")) or next(
        iter(others), None
    )
    if before is None or after is None or before.pk == after.pk:
        return None
    return before, after


def _choices(newest: list[ModelVersion], *others: ModelVersion | None) -> list[ModelVersion]:
    """Return the versions to choose from, newest first: the champion may be an old one."""
    older = {each for each in others if each is not None and each not in newest}
    return [*newest, *sorted(older, key=attrgetter("number"), reverse=True)]


@login_required
@require_POST
def version_promote(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Make a version the champion; against the gate only with a reason."""
    project = enter(request, slug, at_least=Role.OWNER, section="models")
    version = selectors.version_of(project, number)
    override = request.POST.get("override", "")
    try:
        champion.promote(version=version, actor=signed_in(request), override=override)
    except (Conflict, Invalid) as error:
        messages.error(request, error.detail)
    else:
        messages.success(
            request, f"Version {number} is the champion now; it ranks the unlabelled reviews next."
        )
    return redirect("ml:version", slug=slug, number=number)


@login_required
@require_POST
def version_rollback(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Give an earlier champion its place back."""
    project = enter(request, slug, at_least=Role.OWNER, section="models")
    version = selectors.version_of(project, number)
    champion.roll_back(
        version=version, actor=signed_in(request), reason=request.POST.get("reason", "")
    )
    messages.success(request, f"Version {number} is the champion again.")
    return redirect("ml:home", slug=slug)


@login_required
@require_POST
def version_check(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Compare a version's files with its manifest."""
    project = enter(request, slug, at_least=Role.ANALYST, section="models")
    version = selectors.version_of(project, number)
    fault = champion.check_files(version=version, actor=signed_in(request))
    if fault:
        messages.error(request, f"Version {number} is in quarantine: {fault}")
    else:
        messages.success(request, f"Every file of version {number} is what it was when kept.")
    return redirect("ml:version", slug=slug, number=number)


@login_required
@require_GET
def version_file(request: HttpRequest, slug: str, number: int, name: str) -> FileResponse:
    """Send a file that explains a version: its card, its manifest, its metrics, its settings."""
    project = enter(request, slug, section="models")
    version = selectors.version_of(project, number)
    path = checkpoints.readable_file(version, name)
    return FileResponse(path.open("rb"), as_attachment=True, filename=f"version-{number}-{name}")
