"""Do one thing to many reviews: those that were ticked, or all that fit some filters.

A few are done at once, many by a job in batches. What was there before is kept for each review
that changed, so that the whole action can be undone. What labels do is registered by labelling.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.http import QueryDict
from django.utils import timezone

from accounts import audit
from common.errors import Conflict, GlossError, Invalid, NotAllowed, NotVisible
from jobs.lease import JobFailed, Lease
from jobs.models import Job
from jobs.services import enqueue
from projects.models import Membership, Project, Role
from reviews import members, paging, table
from reviews.models import BulkAction, Review
from reviews.patience import TooSlow
from reviews.place import ANYWHERE, Place

KIND, UNDO_KIND = "bulk", "bulk-undo"
#: What programs may ask for; the later ones came without a change of the table.
KINDS = (*BulkAction.Kind.choices, ("accept", "Answered as suggested"))
#: Up to so many reviews are changed while the person waits.
AT_ONCE = 500
BATCH_ROWS = 1_000
#: How many reviews may be named one by one.
MAX_IDS = 1_000

Ids = Sequence[int]


@dataclass(frozen=True, slots=True)
class Field:
    """What a person fills in for one kind of action: a choice, several, a number or words."""

    name: str
    label: str
    #: "choice", "several", "number" or "text".
    kind: str
    options: tuple[tuple[str, str], ...] = ()
    hint: str = ""


def _nothing(_: BulkAction) -> None:
    pass


def _always(_: BulkAction) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Doer:
    """How one kind of action is done and undone."""

    name: str
    button: str
    at_least: Role
    fields: Callable[[Project], list[Field]]
    #: From a form or a request's body to the action's params; raises Invalid.
    read: Callable[[Project, Mapping[str, Any] | QueryDict], dict[str, Any]]
    #: Change these reviews; return how many were changed and how many skipped.
    do: Callable[[BulkAction, Ids], tuple[int, int]]
    undo: Callable[[BulkAction], None]
    #: Say what was done, given the action, without the counts.
    words: Callable[[BulkAction], str]
    #: Why some were skipped.
    skips: str = ""
    #: Where a job does it: called with the job, and in the transaction of its end.
    begin: Callable[[BulkAction], None] = _nothing
    end: Callable[[BulkAction], None] = _nothing
    #: Whether what was done stays when the job does not end well.
    keeps_part: Callable[[BulkAction], bool] = _always


_doers: dict[str, Doer] = {}


def register(kind: str, doer: Doer) -> None:
    """Make a kind of action possible."""
    _doers[kind] = doer


def doer_of(kind: str) -> Doer:
    """Return how `kind` is done; raise Invalid for what nobody registered."""
    if kind not in _doers:
        raise Invalid.of("kind", f"There is no bulk action {kind[:30]!r}. Known: {known()}.")
    return _doers[kind]


def known() -> str:
    """Return the kinds in words."""
    return ", ".join(sorted(_doers))


def possible_for(membership: Membership) -> list[tuple[str, Doer]]:
    """Return what this member may do."""
    return [(kind, doer) for kind, doer in _doers.items() if membership.role >= doer.at_least]


# --- Which reviews --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chosen:
    """Reviews that somebody ticked, or the filters that all of them fit."""

    ids: tuple[int, ...] = ()
    #: Names and values; [] with `is_all` means every review of the project.
    filters: table.Pairs = field(default_factory=list)
    is_all: bool = False

    def wanted(self, project: Project, *, place: Place = ANYWHERE) -> paging.Wanted:
        """Return them as reviews beyond `place`; raise Invalid for filters that make no sense."""
        if self.is_all:
            return paging.wanted(project, self.filters, place=place)
        wanted = paging.wanted(project, [], place=place)
        return paging.Wanted(wanted.reviews.filter(pk__in=self.ids))

    def params(self) -> dict[str, Any]:
        """Return what the action keeps of it."""
        return {"filters": self.filters} if self.is_all else {"reviews": list(self.ids)}


def chosen_from(*, ids: Sequence[str], query: str | None) -> Chosen:
    """Read a choice from a form or an address; raise Invalid where nothing is chosen."""
    if query is not None:
        asked = table.asked_of(QueryDict(query))
        # Filters pass over NUL, and it cannot be kept.
        return Chosen(filters=[(name, _kept(value)) for name, value in asked], is_all=True)
    # Databases hold ids in 63 bits; one that is longer is left out and makes the count too small.
    known = (each for each in ids if each.isascii() and each.isdigit() and len(each) < 19)
    numbers = tuple(dict.fromkeys(int(each) for each in known))
    if not numbers or len(numbers) > MAX_IDS:
        raise Invalid.of("reviews", f"Choose 1 to {MAX_IDS:,} reviews, or all that fit filters.")
    return Chosen(ids=numbers)


def _kept(words: str) -> str:
    return words.replace("\x00", "")


# --- Doing ----------------------------------------------------------------------------------------


def start(
    *,
    project: Project,
    membership: Membership,
    kind: str,
    given: Mapping[str, Any] | QueryDict,
    chosen: Chosen,
    key: str,
) -> BulkAction:
    """Do it now if it is little, else enqueue it; the same `key` of a person does it only once."""
    doer = doer_of(kind)
    key = _kept(key)
    _check_role(membership, doer)
    wanted = chosen.wanted(project)
    try:
        first = wanted.ids(after=None, size=AT_ONCE + 1)
    except TooSlow:
        first = list(range(AT_ONCE + 1))
    with transaction.atomic():
        # Whoever presses twice waits here for the first press, and then finds what it has done.
        Membership.objects.select_for_update().get(pk=membership.pk)
        before = _done_before(membership, key)
        if before is not None:
            return before
        if not first:
            raise Invalid.of("reviews", "No review fits; there is nothing to do.")
        params = doer.read(project, given) | chosen.params() | {"key": key}
        action = BulkAction.objects.create(
            project=project, created_by=membership.user, kind=kind, params=params
        )
        if len(first) <= AT_ONCE:
            _do(doer, action, first)
        else:
            _enqueue(action)
            doer.begin(action)
        _record("bulk.started", membership, action)
    return action


def _check_role(membership: Membership, doer: Doer) -> None:
    if membership.role < doer.at_least:
        raise NotAllowed(f"This needs the role {doer.at_least.label}.")


def _done_before(membership: Membership, key: str) -> BulkAction | None:
    if not key:
        return None
    mine = BulkAction.objects.filter(project=membership.project, created_by=membership.user)
    return mine.filter(params__key=key).first()


def _do(doer: Doer, action: BulkAction, ids: Ids) -> None:
    changed, skipped = doer.do(action, members.still_shown(action.project, ids))
    BulkAction.objects.filter(pk=action.pk).update(
        changed_count=F("changed_count") + changed, skipped_count=F("skipped_count") + skipped
    )
    action.refresh_from_db()


def _enqueue(action: BulkAction) -> None:
    # What is imported from now on was not meant.
    newest = Review.objects.filter(project=action.project_id).order_by("-pk")
    action.params["below"] = (newest.values_list("pk", flat=True).first() or 0) + 1
    action.job = enqueue(
        project=action.project,
        kind=KIND,
        actor=action.created_by,
        params={"action": action.pk},
    )
    action.save(update_fields=["params", "job"])


def _record(what: str, membership: Membership, action: BulkAction) -> None:
    audit.record(
        actor=membership.user,
        project_id=action.project_id,
        action=what,
        subject=str(action.pk),
        kind=action.kind,
    )


def run(lease: Lease) -> dict[str, Any]:
    """Do an action to all that fit, newest first, batch by batch; a repeated attempt goes on."""
    action = BulkAction.objects.select_related("project", "created_by").get(
        pk=lease.params["action"]
    )
    doer = doer_of(action.kind)
    chosen = _chosen_before(action)
    try:
        while ids := _next(action, chosen):
            lease.check()
            done = action.changed_count + action.skipped_count + len(ids)
            with lease.effect(step=lease.job.step + 1, done_count=done, message="Changing reviews"):
                _do(doer, action, ids)
                action.params["below"] = ids[-1]
                action.save(update_fields=["params"])
        with lease.effect():
            doer.end(action)
    except GlossError as error:
        raise JobFailed(error.detail) from error
    return {"changed": action.changed_count, "skipped": action.skipped_count}


def _next(action: BulkAction, chosen: Chosen) -> list[int]:
    below = action.params["below"]
    wanted = chosen.wanted(action.project, place=Place(after=below))
    return wanted.ids(after=below, size=BATCH_ROWS, has_limit=False)


def _chosen_before(action: BulkAction) -> Chosen:
    """Return what an action keeps of the choice it was asked with."""
    if "reviews" in action.params:
        return Chosen(ids=tuple(action.params["reviews"]))
    filters = [(str(name), str(value)) for name, value in action.params["filters"]]
    return Chosen(filters=filters, is_all=True)


def tidy(job_id: UUID) -> None:
    """Take back what a job that did not end well has done, where only the whole makes sense."""
    with transaction.atomic():
        held = BulkAction.objects.select_for_update(of=("self",)).select_related("project")
        action = held.filter(job=job_id, undone_at=None).first()
        if action is not None:
            doer = doer_of(action.kind)
            if not doer.keeps_part(action):
                _undo(doer, action)


# --- Undoing --------------------------------------------------------------------------------------


def undo(*, membership: Membership, action: BulkAction) -> BulkAction:
    """Put back what an action changed; a second time changes nothing.

    Raises Conflict while its job is under way, NotAllowed for what others did.
    """
    doer = doer_of(action.kind)
    _check_role(membership, doer)
    if action.created_by_id != membership.user_id and not membership.can_own:
        raise NotAllowed("Somebody else did this. They or an owner of the project can undo it.")
    with transaction.atomic():
        held = BulkAction.objects.select_for_update(of=("self",)).select_related("job", "project")
        action = held.get(pk=action.pk)
        if action.job is not None and not action.job.is_finished:
            raise Conflict("It is still under way. Wait for its job or cancel it first.")
        if action.undone_at is not None:
            return action
        if action.changed_count <= AT_ONCE:
            _undo(doer, action)
        else:
            _enqueue_undo(action, membership)
        _record("bulk.undone", membership, action)
    return action


def _undo(doer: Doer, action: BulkAction) -> None:
    doer.undo(action)
    action.changes.all().delete()
    action.undone_at = timezone.now()
    action.save(update_fields=["undone_at"])


def _enqueue_undo(action: BulkAction, membership: Membership) -> Job:
    return enqueue(
        project=action.project,
        kind=UNDO_KIND,
        actor=membership.user,
        params={"action": action.pk},
        total=action.changed_count,
        single_key=f"{UNDO_KIND}:{action.pk}",
    )


def run_undo(lease: Lease) -> dict[str, Any]:
    """Undo a large action in one transaction."""
    action = BulkAction.objects.select_related("project").get(pk=lease.params["action"])
    if action.undone_at is None:
        with lease.effect(step=lease.job.step + 1, done_count=action.changed_count):
            _undo(doer_of(action.kind), action)
    return {"undone": action.changed_count}


# --- Reading --------------------------------------------------------------------------------------


def action_of(project: Project, action_id: int) -> BulkAction:
    """Return one action of the project; raise NotVisible when there is none."""
    action = _actions(project).filter(pk=action_id).first()
    if action is None:
        raise NotVisible
    return action


def recent(project: Project, *, limit: int = 20) -> list[BulkAction]:
    """Return the newest actions of a project."""
    return list(_actions(project).order_by("-pk")[:limit])


def _actions(project: Project) -> QuerySet[BulkAction]:
    return BulkAction.objects.filter(project=project).select_related("created_by", "job", "project")


def sentence(action: BulkAction) -> str:
    """Say what an action did: 12 reviews added to Sample, 3 skipped (already there)."""
    doer = doer_of(action.kind)
    noun = "review" if action.changed_count == 1 else "reviews"
    said = f"{action.changed_count:,} {noun} {doer.words(action)}"
    if action.skipped_count:
        said += f", {action.skipped_count:,} skipped ({doer.skips})"
    return said
