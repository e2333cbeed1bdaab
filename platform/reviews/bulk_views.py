"""Pages: do one thing to many reviews, see what was done, undo it; and views under a name."""

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from common.errors import Conflict, GlossError, Invalid
from projects.access import enter
from projects.models import Membership, Role
from reviews import bulk, saved
from reviews.patience import TooSlow

#: Counted up to this for the page; beyond it stands "more than".
_COUNTED = 10_000


def _enter(request: HttpRequest, slug: str, at_least: Role) -> Membership:
    enter(request, slug, at_least=at_least, section="reviews")
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    return membership


@login_required
@require_GET
def bulk_choose(request: HttpRequest, slug: str) -> HttpResponse:
    """Offer what can be done to the chosen reviews, and list what was done lately."""
    return _choose(request, _enter(request, slug, Role.REVIEWER))


def _choose(
    request: HttpRequest, membership: Membership, problem: GlossError | None = None
) -> HttpResponse:
    project, query = membership.project, request.GET or request.POST
    chosen = None
    if query.get("scope") == "all" or query.getlist("review"):
        chosen = _chosen(query)
    context = {
        "chosen": chosen,
        "scope": query.get("scope", ""),
        "ids": query.getlist("review") if chosen and not chosen.is_all else [],
        "filters": query.get("filters", ""),
        "count": _count(chosen.wanted(project)) if chosen else None,
        "doers": [
            (kind, doer, doer.fields(project)) for kind, doer in bulk.possible_for(membership)
        ],
        "key": query.get("key") or uuid.uuid4().hex,
        "problem": problem.detail if problem else "",
        "failed_kind": query.get("kind", "") if problem else "",
        "recent": _described(membership, bulk.recent(project)),
    }
    status = problem.status if problem else 200
    return render(request, "reviews/bulk.html", context, status=status)


def _chosen(query: Any) -> bulk.Chosen:
    is_all = query.get("scope") == "all"
    filters = query.get("filters", "") if is_all else None
    return bulk.chosen_from(ids=query.getlist("review"), query=filters)


def _count(wanted: Any) -> str:
    try:
        number = wanted.count(limit=_COUNTED + 1)
    except TooSlow:
        return "all"
    return f"more than {_COUNTED:,}" if number > _COUNTED else f"{number:,}"


def _described(membership: Membership, actions: list[Any]) -> list[dict[str, Any]]:
    return [
        {
            "action": action,
            "sentence": bulk.sentence(action),
            "can_undo": action.undone_at is None
            and membership.role >= bulk.doer_of(action.kind).at_least
            and (membership.can_own or action.created_by_id == membership.user_id)
            and (action.job is None or action.job.is_finished),
        }
        for action in actions
    ]


@login_required
@require_POST
def bulk_start(request: HttpRequest, slug: str) -> HttpResponse:
    """Do it, or start the job that does it."""
    membership = _enter(request, slug, Role.REVIEWER)
    try:
        action = bulk.start(
            project=membership.project,
            membership=membership,
            kind=request.POST.get("kind", ""),
            given=request.POST,
            chosen=_chosen(request.POST),
            key=request.POST.get("key", "")[:64],
        )
    except Invalid as error:
        return _again(request, membership, error)
    return redirect("reviews:bulk_action", slug=slug, action_id=action.pk)


def _again(request: HttpRequest, membership: Membership, error: Invalid) -> HttpResponse:
    """Show the page again with what was wrong; a choice that makes no sense has none to show."""
    try:
        return _choose(request, membership, error)
    except Invalid:
        raise error from None


@login_required
@require_GET
def bulk_action(request: HttpRequest, slug: str, action_id: int) -> HttpResponse:
    """Say what an action has done, or how far it is, and offer to undo it."""
    membership = _enter(request, slug, Role.REVIEWER)
    action = bulk.action_of(membership.project, action_id)
    (described,) = _described(membership, [action])
    filters = [(name, value) for name, value in action.params.get("filters", [])]
    back = reverse("reviews:list", args=[slug]) + (f"?{urlencode(filters)}" if filters else "")
    is_under_way = action.job is not None and not action.job.is_finished
    context = described | {"back": back, "is_under_way": is_under_way}
    return render(request, "reviews/bulk_action.html", context)


@login_required
@require_POST
def bulk_undo(request: HttpRequest, slug: str, action_id: int) -> HttpResponse:
    """Put back what an action has changed."""
    membership = _enter(request, slug, Role.REVIEWER)
    action = bulk.undo(membership=membership, action=bulk.action_of(membership.project, action_id))
    if action.undone_at is not None:
        messages.success(request, "Undone: the reviews are as they were before.")
    else:
        messages.info(request, "It is being undone; that takes a while for so many reviews.")
    return redirect("reviews:bulk_action", slug=slug, action_id=action.pk)


# --- Views under a name --------------------------------------------------------------------------


@login_required
@require_POST
def view_save(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep the filters and columns of the table under a name."""
    membership = _enter(request, slug, Role.VIEWER)
    query = request.POST.get("query", "")
    try:
        view = saved.save(
            membership=membership,
            name=request.POST.get("name", ""),
            query=query,
            is_shared="is_shared" in request.POST,
        )
    except Conflict as error:  # the name is taken: what was to be kept is still on the page
        messages.error(request, error.detail)
        return redirect(f"{reverse('reviews:list', args=[slug])}?{query}")
    messages.success(request, f"Saved as {view.name}.")
    return redirect(f"{reverse('reviews:list', args=[slug])}?{view.query}")


@login_required
@require_POST
def view_change(request: HttpRequest, slug: str, view_id: int) -> HttpResponse:
    """Rename, share or delete a view."""
    membership = _enter(request, slug, Role.VIEWER)
    view = saved.view_of(membership, view_id)
    if "delete" in request.POST:
        saved.remove(membership=membership, view=view)
        messages.success(request, f"Deleted the view {view.name}.")
    else:
        name, is_shared = request.POST.get("name", view.name), "is_shared" in request.POST
        try:
            saved.change(membership=membership, view=view, name=name, is_shared=is_shared)
        except Conflict as error:
            messages.error(request, error.detail)
        else:
            messages.success(request, f"Changed the view {view.name}.")
    return redirect("reviews:list", slug=slug)
