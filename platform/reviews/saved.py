"""Views of the table that people keep under a name, for themselves or for everybody."""

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import QueryDict

from accounts.models import User
from common.errors import Conflict, Invalid, NotAllowed, NotVisible
from common.text import normalise
from projects.models import Membership, Project
from reviews import paging, table
from reviews.models import SavedView

_MAX_NAME, _MAX_QUERY = 100, 2000


def views_for(project: Project, user: User) -> list[SavedView]:
    """Return a person's own views and those that others share, by name."""
    seen = SavedView.objects.filter(Q(created_by=user) | Q(is_shared=True), project=project)
    return list(seen.select_related("created_by").order_by("name", "pk"))


def view_of(membership: Membership, view_id: int) -> SavedView:
    """Return a view that this member sees; raise NotVisible when there is none."""
    for view in views_for(membership.project, membership.user):
        if view.pk == view_id:
            return view
    raise NotVisible


def save(*, membership: Membership, name: str, query: str, is_shared: bool) -> SavedView:
    """Keep filters and columns under a name; raise Invalid where they make no sense."""
    asked = _without_place(query)
    paging.wanted(membership.project, table.asked_of(asked))  # raises for what is no filter
    written = asked.urlencode()
    if len(written) > _MAX_QUERY:
        raise Invalid.of("query", f"Filters and columns of a view have {_MAX_QUERY} characters.")
    view = SavedView(
        project=membership.project,
        created_by=membership.user,
        name=_name(name),
        query=written,
        is_shared=is_shared,
    )
    return _store(view)


def change(
    *,
    membership: Membership,
    view: SavedView,
    name: str | None = None,
    is_shared: bool | None = None,
) -> SavedView:
    """Rename a view, or share it or not."""
    _check_hand(membership, view)
    if name is not None:
        view.name = _name(name)
    if is_shared is not None:
        view.is_shared = is_shared
    return _store(view)


def remove(*, membership: Membership, view: SavedView) -> None:
    """Delete a view."""
    _check_hand(membership, view)
    view.delete()


def _store(view: SavedView) -> SavedView:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        raise Conflict(
            f"You have a view called {view.name!r} already. Choose another name."
        ) from None
    return view


def _check_hand(membership: Membership, view: SavedView) -> None:
    if view.created_by_id != membership.user_id and not membership.can_own:
        raise NotAllowed("This view is somebody else's. They or an owner can change it.")


def _name(raw: str) -> str:
    name = normalise(raw)
    if not name or len(name) > _MAX_NAME:
        raise Invalid.of("name", f"A view has a name of 1 to {_MAX_NAME} characters.")
    return name


def _without_place(query: str) -> QueryDict:
    """Return what a view keeps of an address: no page, and nothing that is empty."""
    kept = QueryDict(mutable=True)
    for name, values in QueryDict(query.lstrip("?")).lists():
        filled = [value for value in values if value]
        if name not in {"after", "before"} and filled:
            kept.setlist(name, filled)
    return kept
