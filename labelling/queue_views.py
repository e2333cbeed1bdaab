"""Pages about who gets which reviews, and how people do on those whose answer is known."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from common.errors import Invalid
from labelling import checks, reservations
from labelling.models import QualityCheck
from labelling.queue_forms import CountForm, QuotaForm, ReserveForm
from labelling.tabs import tabs
from projects.access import enter
from projects.models import Membership, Project, Role
from projects.views import signed_in

_SHOWN = 50


def _assigning(
    request: HttpRequest, project: Project, *, status: int = 200, **forms: object
) -> HttpResponse:
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    desks = reservations.desks(project)
    context = {
        "desks": desks,
        "count_form": CountForm(),
        "reserve_form": ReserveForm(usernames=[desk.username for desk in desks]),
        "tabs": tabs(membership, "assign"),
    }
    return render(request, "labelling/assign.html", context | forms, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def assign(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what waits for whom; POST distributes fresh reviews by weights."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    if request.method != "POST":
        return _assigning(request, project)
    form = CountForm(request.POST)
    if form.is_valid():
        try:
            done = reservations.distribute(
                project=project,
                count=form.cleaned_data["count"],
                weights=_weights(request),
                actor=signed_in(request),
            )
        except Invalid as error:
            form.add_error(None, error.detail)
        else:
            said = ", ".join(f"{name} {each.reserved_count}" for name, each in done.items())
            messages.success(request, f"Reserved: {said}.")
            return redirect("labelling:assign", slug=slug)
    return _assigning(request, project, status=400, count_form=form)


def _weights(request: HttpRequest) -> dict[str, int]:
    """Return the weights of a form: one field a member, `weight.` and the name."""
    weights: dict[str, int] = {}
    for field, value in request.POST.items():
        if field.startswith("weight.") and value:
            name = field.removeprefix("weight.")
            if not (str(value).isascii() and str(value).isdigit() and len(str(value)) < 6):
                raise Invalid.of(field, f"{name[:40]}: a weight is a whole number.")
            weights[name] = int(str(value))
    return weights


@login_required
@require_POST
def reserve(request: HttpRequest, slug: str) -> HttpResponse:
    """Reserve chosen reviews for a member."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    names = [desk.username for desk in reservations.desks(project)]
    form = ReserveForm(request.POST, usernames=names)
    if form.is_valid():
        data = form.cleaned_data
        try:
            done = reservations.reserve(
                project=project,
                username=data["username"],
                review_ids=data["reviews"],
                actor=signed_in(request),
            )
        except Invalid as error:
            form.add_error(error.errors[0].field, error.detail)
        else:
            left = f", {done.left_out_count} left out" if done.left_out_count else ""
            messages.success(request, f"{done.reserved_count} reserved{left}.")
            return redirect("labelling:assign", slug=slug)
    return _assigning(request, project, status=400, reserve_form=form)


@login_required
@require_POST
def take_back(request: HttpRequest, slug: str) -> HttpResponse:
    """Give what waits for a member back to everybody."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    name = request.POST.get("username", "").replace("\x00", "")[:150]
    count = reservations.take_back(project=project, username=name, actor=signed_in(request))
    messages.success(request, f"{count} taken back.")
    return redirect("labelling:assign", slug=slug)


@login_required
@require_POST
def quota(request: HttpRequest, slug: str) -> HttpResponse:
    """Set how many reviews a member may label in a day."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    form = QuotaForm(request.POST)
    if not form.is_valid():
        raise Invalid.of("daily_quota", "A quota is a number from 0 to 100,000, or empty for none.")
    data = form.cleaned_data
    reservations.set_quota(
        project=project,
        username=data["username"],
        quota=data["daily_quota"],
        actor=signed_in(request),
    )
    messages.success(request, "Saved.")
    return redirect("labelling:assign", slug=slug)


@login_required
@require_http_methods(["GET", "POST"])
def quality_checks(request: HttpRequest, slug: str) -> HttpResponse:
    """Show how people do on quality checks; POST draws more from what was adjudicated."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    form = CountForm(request.POST or None)
    if request.method == "POST":
        form = CountForm(request.POST)
        if form.is_valid():
            count = min(form.cleaned_data["count"], checks.MOST)
            made = checks.draw_checks(project=project, actor=signed_in(request), count=count)
            messages.success(request, f"{made} reviews are quality checks now.")
            return redirect("labelling:checks", slug=slug)
    rows = QualityCheck.objects.filter(project=project).select_related("review")
    context = {
        "form": form,
        "checks": rows.order_by("-id")[:_SHOWN],
        "check_count": rows.count(),
        "candidate_count": checks.candidate_count(project),
        "outcomes": checks.outcomes(project),
        "few": checks.FEW,
        "tabs": tabs(membership, "checks"),
    }
    status = 400 if form.errors else 200
    return render(request, "labelling/checks.html", context, status=status)


@login_required
@require_POST
def check_remove(request: HttpRequest, slug: str, review_id: int) -> HttpResponse:
    """Serve a review no more as a quality check."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    checks.remove_check(project=project, actor=signed_in(request), review_id=review_id)
    messages.success(request, "No quality check any more.")
    return redirect("labelling:checks", slug=slug)
