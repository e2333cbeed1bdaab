"""SIGKILL at every checkpoint of every kind of job: whoever takes over ends it all the same.

A worker dies in a process of its own, before, within and after every effect, report and end; the
next one ends the job. Then the project has, row by row and file by file, what it has when nobody
dies.
"""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.core.files.base import ContentFile

from accounts.models import AuditEvent, User
from jobs import kinds
from jobs.models import Job
from jobs.services import enqueue
from jobs.worker import run_here
from labelling import change_job, walking
from labelling.adjudication import adjudicate
from labelling.change_json import to_json
from labelling.changes import Change, Merge, Split
from labelling.gold_policy import change_gold_policy
from labelling.models import Annotation
from labelling.policies import set_policies
from labelling.services import record_annotation
from labelling.snapshot import OptionSnapshot
from projects.models import Membership, Project
from projects.services import create_project
from reviews import (
    bulk,
    checks,
    derive,
    deriving,
    export_services,
    grouping,
    imports,
    removal,
    search_index,
    services,
    snapshots,
    splitting,
    undo,
)
from reviews.mapping import from_json
from reviews.models import BulkAction, Dataset, Review
from reviews.recipes import Recipe, Sample
from reviews.wanted import Wanted
from tests.faults.digest import digest
from tests.faults.killing import run_to_the_end, run_until_killed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults, pytest.mark.timeout(600)]

#: More places than this would be a job that never ends.
_MOST_PLACES = 200

Prepare = Callable[[Project, User], Job]


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a dozen reviews make several batches of every kind of job."""
    monkeypatch.setattr(imports, "BATCH_ROWS", 6)
    monkeypatch.setattr(checks, "BATCH_ROWS", 6)
    monkeypatch.setattr(derive, "POINTERS", 5)
    monkeypatch.setattr(derive, "COPIES", 5)
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    monkeypatch.setattr(bulk, "BATCH_ROWS", 5)
    monkeypatch.setattr(grouping, "_CHANGES_AT_ONCE", 2)
    monkeypatch.setattr(undo, "_CHANGES", 2)
    monkeypatch.setattr(undo, "_SAID", 2)
    monkeypatch.setattr(search_index, "FEW", 0)
    monkeypatch.setattr(walking, "SLICE", 5)
    for function, name in ((removal.remove_slice, "size"), (search_index.index_batch, "rows")):
        assert function.__kwdefaults__ is not None
        monkeypatch.setitem(function.__kwdefaults__, name, 5)


# --- What there is before -------------------------------------------------------------------------


_WORDS = [
    "our",
    "kettle",
    "boils",
    "a",
    "whole",
    "litre",
    "of",
    "water",
    "quickly",
    "and",
    "quietly",
]


def _rows(numbers: Iterable[int], rating: int) -> str:
    lines = ["text,stars,colour,who"]
    for number in numbers:
        stars = "many" if number % 7 == 5 else (rating + number) % 5 + 1
        who = ("ada", "ben", "")[number % 3]
        # Every other one nearly says what the one before has said.
        words = " ".join(f"{word}{number // 2}" for word in _WORDS)
        tail = " every single day" if number % 2 else " every day"
        lines.append(f"{words}{tail},{stars},colour {number % 4},{who}")
    return "\n".join(lines) + "\n"


def _upload(project: Project, owner: User, data: str) -> Any:
    file = ContentFile(data.encode(), name="kettles.csv")
    return services.receive_upload(project=project, file=file, actor=owner)


def _mapping(**changes: str) -> Any:
    values = {"text": ["text"], "answers": {"stars": "rating"}, "metadata": ["colour"]}
    return from_json(values | changes)


def _import(
    project: Project, owner: User, *, name: str = "old", rows: range, **changes: str
) -> services.Started:
    return services.start_import(
        project=project,
        dataset_name=name,
        upload=_upload(project, owner, _rows(rows, len(name))),
        mapping=_mapping(**changes),
        actor=owner,
    )


def _done(job: Job | None) -> Job:
    assert job is not None
    assert run_here(job).state == Job.State.SUCCEEDED, job.reason
    return job


def _old(project: Project, owner: User) -> Dataset:
    """Return a data set of a dozen reviews, with answers, that is indexed."""
    started = _import(project, owner, rows=range(14))
    _done(started.job)
    _done(Job.objects.get(project=project, kind=search_index.KIND))
    # Its draw has a story of its own.
    Job.objects.filter(project=project, kind=splitting.KIND).delete()
    return Dataset.objects.get(pk=started.dataset.pk)


# --- The jobs -------------------------------------------------------------------------------------


def _importing(**changes: str) -> Prepare:
    def prepare(project: Project, owner: User) -> Job:
        _old(project, owner)
        return _import(project, owner, name="new", rows=range(6, 24), **changes).job

    return prepare


def _checking(project: Project, owner: User) -> Job:
    _old(project, owner)
    check = checks.start_check(
        project=project,
        dataset_name="new",
        upload=_upload(project, owner, _rows(range(6, 24), 3)),
        mapping=_mapping(),
        actor=owner,
    )
    assert check.job is not None
    return check.job


def _indexing(project: Project, owner: User) -> Job:
    _done(_import(project, owner, rows=range(14)).job)
    return Job.objects.get(project=project, kind=search_index.KIND)


def _drawing(project: Project, owner: User) -> Job:
    _done(_import(project, owner, rows=range(14)).job)
    return Job.objects.get(project=project, kind=splitting.KIND)


def _drawing_copies(project: Project, owner: User) -> Job:
    old = _old(project, owner)
    recipe = Recipe(datasets=(old.pk,), cleaning=("lower",))
    _done(deriving.derive(project=project, name="low", recipe=recipe, actor=owner).job)
    wishes = splitting.Wishes(seed=7)
    return splitting.redraw(dataset=old, wishes=wishes, actor=owner)


def _versioning(project: Project, owner: User) -> Job:
    old = _old(project, owner)
    version = snapshots.request_version(dataset=old, note="first", actor=owner)
    assert version.job is not None
    return version.job


def _deriving(**changes: Any) -> Prepare:
    def prepare(project: Project, owner: User) -> Job:
        recipe = Recipe(datasets=(_old(project, owner).pk,), **changes)
        return deriving.derive(project=project, name="made", recipe=recipe, actor=owner).job

    return prepare


def _acting(kind: str, **given: Any) -> Prepare:
    def prepare(project: Project, owner: User) -> Job:
        _old(project, owner)
        action = _action(project, owner, kind, given)
        assert action.job is not None
        return action.job

    return prepare


def _undoing(kind: str, **given: Any) -> Prepare:
    def prepare(project: Project, owner: User) -> Job:
        _old(project, owner)
        action = _action(project, owner, kind, given)
        _done(action.job)
        membership = Membership.objects.get(project=project, user=owner)
        bulk.undo(membership=membership, action=BulkAction.objects.get(pk=action.pk))
        return Job.objects.get(project=project, kind=bulk.UNDO_KIND)

    return prepare


def _action(project: Project, owner: User, kind: str, given: dict[str, Any]) -> BulkAction:
    return bulk.start(
        project=project,
        membership=Membership.objects.get(project=project, user=owner),
        kind=kind,
        given=given,
        chosen=bulk.Chosen(is_all=True),
        key="",
    )


def _exporting(**wish: Any) -> Prepare:
    def prepare(project: Project, owner: User) -> Job:
        _old(project, owner)
        export = export_services.request_export(project=project, wish=Wanted(**wish), actor=owner)
        assert export.job is not None
        return export.job

    return prepare


def _removing(project: Project, owner: User) -> Job:
    """Remove what has changed others' reviews, was labelled, copied, pointed to and versioned."""
    old = _old(project, owner)
    started = _import(
        project, owner, name="new", rows=range(6, 24), on_duplicate="update", annotator="who"
    )
    _done(started.job)
    new = Dataset.objects.get(pk=started.dataset.pk)
    for name, cleaning in (("pointed", ()), ("copied", ("lower",))):
        recipe = Recipe(datasets=(old.pk, new.pk), cleaning=cleaning)
        _done(deriving.derive(project=project, name=name, recipe=recipe, actor=owner).job)
    version = snapshots.request_version(dataset=new, note="", actor=owner)
    _done(version.job)
    assert Annotation.objects.filter(project=project).exists()
    return undo.start_undo(project=project, dataset=new, actor=owner, typed_name="new")


def _changing_questions(project: Project, owner: User) -> Job:
    """Split an option, opening its reviews again, and merge two."""
    _old(project, owner)
    for review in Review.objects.filter(project=project).order_by("row_number")[:6]:
        answers = {"sentiment": "positive", "rating": 4, "aspects": ["price"], "aspect_spans": []}
        record_annotation(review=review, annotator=owner, answers=answers)
    parts = (OptionSnapshot("glad", "Glad"), OptionSnapshot("thrilled", "Thrilled"))
    changes: list[Change] = [
        Split(question="sentiment", option="positive", into=parts, reopen=True),
        Merge(question="aspects", options=("price", "quality"), into="price"),
    ]
    return enqueue(
        project=project,
        kind=change_job.KIND,
        actor=owner,
        params={"changes": to_json(changes), "guidelines": None, "based_on": 1},
    )


def _removing_a_selection(project: Project, owner: User) -> Job:
    old = _old(project, owner)
    recipe = Recipe(datasets=(old.pk,))
    derived = deriving.derive(project=project, name="made", recipe=recipe, actor=owner)
    _done(derived.job)
    made = Dataset.objects.get(pk=derived.dataset.pk)
    return undo.start_undo(project=project, dataset=made, actor=owner)


def _changing_gold(project: Project, owner: User) -> Job:
    """Change what becomes gold where people differ about some reviews and one is decided."""
    old = _old(project, owner)
    reviews = list(Review.objects.filter(dataset=old).order_by("pk"))
    for person, rating in ((owner, 1), (_somebody(), 5)):
        for number, review in enumerate(reviews[:9]):
            rated = 1 if number % 2 else rating
            answers = {"sentiment": "neutral", "rating": rated, "aspects": []}
            record_annotation(review=review, annotator=person, answers=answers)
    adjudicate(review=reviews[0], reviewer=owner, schema_version=1, answers={"rating": 2})
    # They name reviews by ids, which differ from project to project.
    AuditEvent.objects.filter(project_id=project.pk, subject__startswith="review ").delete()
    return change_gold_policy(project=project, policy="unanimous", actor=owner)


def _raising_overlap(project: Project, owner: User) -> Job:
    """Ask for three answers where reviews have one, two or none."""
    old = _old(project, owner)
    answers = {"sentiment": "neutral", "rating": 1, "aspects": []}
    for person, count in ((owner, 9), (_somebody(), 4)):
        for review in Review.objects.filter(dataset=old).order_by("pk")[:count]:
            record_annotation(review=review, annotator=person, answers=answers)
    AuditEvent.objects.filter(project_id=project.pk, subject__startswith="review ").delete()
    set_policies(project=project, actor=owner, overlap_count=3, overlap_share=1.0)
    return Job.objects.get(project=project, kind="overlap")


def _somebody() -> User:
    found, _ = User.objects.get_or_create(username="ben")
    return found


KINDS: dict[str, tuple[str, Prepare]] = {
    "import that skips": ("import", _importing(on_near_duplicate="skip")),
    "import that updates": ("import", _importing(on_duplicate="update", annotator="who")),
    "import that keeps": ("import", _importing(on_duplicate="keep")),
    "check": ("check", _checking),
    "search index": ("search-index", _indexing),
    "draw": ("split", _drawing),
    "draw that copies follow": ("split", _drawing_copies),
    "version": ("snapshot", _versioning),
    "selection": ("derive", _deriving(sample=Sample(count=8, by="answer.rating"))),
    "cleaned copies": ("derive", _deriving(cleaning=("lower",))),
    "into a data set": ("bulk", _acting("dataset", name="chosen")),
    "to the queue": ("bulk", _acting("queue")),
    "label": ("bulk", _acting("label", answers={"rating": 4})),
    "undo into a data set": ("bulk-undo", _undoing("dataset", name="chosen")),
    "undo to the queue": ("bulk-undo", _undoing("queue")),
    "undo label": ("bulk-undo", _undoing("label", answers={"rating": 4})),
    "export": ("export", _exporting(format="jsonl", labels="gold")),
    "export as a workbook": ("export", _exporting(format="xlsx")),
    "export as a folder": ("export", _exporting(format="huggingface")),
    "change of gold": ("gold", _changing_gold),
    "more overlap": ("overlap", _raising_overlap),
    "change of the questions": ("questions", _changing_questions),
    "removal": ("undo-import", _removing),
    "removal of a selection": ("undo-import", _removing_a_selection),
}


@pytest.mark.parametrize(("kind", "prepare"), KINDS.values(), ids=KINDS.keys())
def test_a_death_at_any_place_changes_nothing(kind: str, prepare: Prepare, owner: User) -> None:
    calm = _project(owner, "shop-0")
    _done(prepare(calm, owner))
    wanted = digest(calm)

    for place in itertools.count(1):
        assert place < _MOST_PLACES
        project = _project(owner, f"shop-{place}")
        job = prepare(project, owner)
        assert job.kind == kind
        was_killed = run_until_killed(job, at=place)
        job = run_to_the_end(job)

        assert job.state == Job.State.SUCCEEDED, f"killed at {place}: {job.reason}"
        found = digest(project)
        differences = _differences(found, wanted)
        assert not differences, f"killed at {place}: {differences}"
        if not was_killed:
            break

    assert place > 4, "the job has no places to die at"


def _differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    return [
        f"{name}: {sign} {row}"
        for name in wanted
        for sign, some, others in (
            ("too much", found[name], wanted[name]),
            ("missing", wanted[name], found[name]),
        )
        for row in some
        if row not in others
    ] + [name for name in wanted if len(found[name]) != len(wanted[name])]


def _project(owner: User, slug: str) -> Project:
    return create_project(slug=slug, name="Shop", preset="product-reviews", owner=owner)


def test_every_kind_of_job_of_reviews_and_labels_is_killed_here() -> None:
    ours = {
        each.name for each in kinds.known() if each.runner.startswith(("reviews.", "labelling."))
    }

    assert ours == {kind for kind, _ in KINDS.values()}


def test_projects_that_differ_in_one_value_have_different_digests(owner: User) -> None:
    one, other = _project(owner, "shop-1"), _project(owner, "shop-2")
    for project in (one, other):
        _old(project, owner)
    assert _differences(digest(one), digest(other)) == []

    Review.objects.filter(project=other, row_number=4).update(author="ada")

    assert len(_differences(digest(one), digest(other))) == 2
