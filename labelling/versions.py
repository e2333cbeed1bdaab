"""Make versions of a project's questions; what was answered moves along where it still stands."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, cast

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet, Subquery
from django.utils import timezone

from accounts import audit
from accounts.models import User
from common import compiled
from common.errors import Conflict, Invalid, NotReady
from labelling import change_json, reopening, schemas
from labelling.carrying import carry_gold, carry_suggestions
from labelling.changes import Applied, Change, apply, between
from labelling.consensus import Policy
from labelling.models import LabelSchema, Option, Question
from labelling.presets import PRESETS
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from projects.models import Project

MAX_GUIDELINES = 20_000
#: How often to begin again when people answer the very reviews that are to be opened.
TRIES = 20


def apply_preset(project: Project, key: str, actor: User | None) -> None:
    """Give a new project the questions of a preset; blank gives it none."""
    preset = PRESETS[key]
    if preset.questions:
        create_version(
            project=project,
            questions=preset.questions,
            guidelines=preset.guidelines,
            actor=actor,
        )


@transaction.atomic
def create_version(
    *,
    project: Project,
    questions: Sequence[QuestionSnapshot],
    actor: User | None,
    guidelines: str | None = None,
    based_on: int | None = None,
) -> SchemaSnapshot:
    """Make the next version of the questions; keys say what becomes of answers.

    `guidelines` None keeps what was there. `based_on` is the version the author saw: raises
    Conflict when there is a newer one. Raises Invalid for questions that cannot be asked.
    """
    schemas.check(questions)
    before = hold_version(project=project)
    check_base(before, based_on)
    wanted = schemas.with_hot_keys([_tidy(question) for question in questions])
    made = between(before.questions, wanted)
    applied = replace(apply(before.questions, made), questions=wanted)
    return _make(project, before, made, applied, guidelines, actor)


def change_questions(
    *,
    project: Project,
    changes: Sequence[Change],
    actor: User | None,
    guidelines: str | None = None,
    based_on: int | None = None,
) -> SchemaSnapshot:
    """Make the next version by changes that say what becomes of answers; raises as above.

    Reviews whose answers are asked for again are opened in the same transaction.
    """
    for _ in range(TRIES):
        before = current_schema(project)
        check_base(before, based_on)
        applied = applied_to(before, changes)
        try:
            with transaction.atomic():
                # Reviews before questions, as everybody does who answers one.
                held = reopening.hold(project, before, applied)
                _check_still(project, before, applied, held)
                return _make(project, before, changes, applied, guidelines, actor)
        except _Moved:
            continue
    raise NotReady("Many people are answering just now. Try again in a moment.")


class _Moved(Exception):
    """Something was answered or changed while the reviews were being held."""


def _check_still(
    project: Project, before: SchemaSnapshot, applied: Applied, held: Collection[int]
) -> None:
    if hold_version(project=project).id != before.id:
        raise _Moved
    if applied.reopened:
        wanted = reopening.reviews_to_open(project, before, applied)
        if set(wanted.values_list("pk", flat=True)) - set(held):
            raise _Moved


def applied_to(before: SchemaSnapshot, changes: Sequence[Change]) -> Applied:
    """Return what changes make of the questions; raise Invalid when that cannot be asked.

    Keys are laid out anew where there are other options than before, so that old and new ones
    share the keyboard sensibly.
    """
    applied = apply(before.questions, changes)
    questions = [_tidy(question) for question in applied.questions]
    if not applied.is_plain:
        questions = [_without_hot_keys(question) for question in questions]
    schemas.check(questions)
    return replace(applied, questions=schemas.with_hot_keys(questions))


def check_base(before: SchemaSnapshot, based_on: int | None) -> None:
    """Raise Conflict when a change starts from questions that are not current any more."""
    if based_on is not None and based_on != before.version:
        raise Conflict(
            f"These changes start from version {based_on}, but version {before.version} is "
            "current. Look at it and change that one."
        )


def check_guidelines(guidelines: str) -> str:
    """Return guidelines as they are kept; raise Invalid when they are too long."""
    words = guidelines.strip()
    if len(words) > MAX_GUIDELINES:
        raise Invalid.of("guidelines", f"Keep guidelines under {MAX_GUIDELINES} characters.")
    return words


def _make(
    project: Project,
    before: SchemaSnapshot,
    made: Sequence[Change],
    applied: Applied,
    guidelines: str | None,
    actor: User | None,
) -> SchemaSnapshot:
    """Write the next version of held questions and take along what still stands."""
    words = before.guidelines if guidelines is None else check_guidelines(guidelines)
    same = before.questions == applied.questions and before.guidelines == words
    if same and applied.is_plain:
        return before
    _write(project, applied.questions, words, before=before, made=made, actor=actor)
    after = current_schema(project)
    opened, withdrawn = reopening.reopen(project, before, applied) if applied.reopened else (0, 0)
    carried = carry_gold(project, before, after, applied.step)
    carry_suggestions(project, before, applied.step)
    audit.record(
        actor=actor,
        project_id=project.pk,
        action="questions.changed",
        subject=f"version {after.version}",
        questions=[question.key for question in after.questions],
        changes=change_json.to_json(made),
        carried=carried,
        opened=opened,
        withdrawn=withdrawn,
    )
    return after


def hold_version(*, project: Project, version: int | None = None) -> SchemaSnapshot:
    """Keep the current questions current until the caller's transaction ends, and return them.

    Without it, answers written while somebody changes the questions could miss the move of gold.
    Raises Conflict when `version` is given and no longer the current one.
    """
    compiled.rows(_held_version, project=project.pk)
    current = current_schema(project)
    if version is not None and version != current.version:
        raise stale(version, current.version)
    return current


def _held_version(*, project: int) -> "QuerySet[LabelSchema, Any]":
    newest = LabelSchema.objects.filter(project=project).order_by("-version")
    return newest.select_for_update(no_key=True).values_list("id")[:1]


def hold_to_answer(*, project: Project, schema: SchemaSnapshot) -> Policy:
    """Keep `schema` the current questions while an answer to it is written, and note that it was.

    Any number of people may answer at once: only who changes the questions, or what becomes gold,
    waits for them. Returns what becomes gold. Raises Conflict when there is a newer version.
    """
    if not schema.is_frozen:
        hold_version(project=project, version=schema.version)
        freeze(schema_id=schema.id)
    elif connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM labelling_labelschema WHERE id = %s FOR SHARE", [schema.id]
            )
    ((version, policy),) = compiled.rows(_now, project=project.pk)
    if version != schema.version:
        raise stale(schema.version, version)
    return cast("Policy", policy)


def _now(*, project: int) -> "QuerySet[Project, Any]":
    versions = LabelSchema.objects.filter(project=project).order_by("-version")
    newest = Subquery(versions.values("version")[:1])
    return Project.objects.filter(pk=project).values_list(newest, "gold_policy")


def stale(version: int, current: int) -> Conflict:
    """Return the error that says that answers are for older questions."""
    return Conflict(
        f"These answers are for version {version} of the questions; version {current} is "
        "current. Load the review again and answer that one."
    )


def freeze(*, schema_id: int) -> None:
    """Note that somebody has answered this version."""
    # Mostly somebody has before.
    if compiled.rows(_thawed, schema=schema_id):
        LabelSchema.objects.filter(pk=schema_id, frozen_at=None).update(frozen_at=timezone.now())


def _thawed(*, schema: int) -> "QuerySet[LabelSchema, Any]":
    return LabelSchema.objects.filter(pk=schema, frozen_at=None).values_list("id")


def _tidy(question: QuestionSnapshot) -> QuestionSnapshot:
    options = tuple(replace(option, name=option.name.strip()) for option in question.options)
    return replace(question, name=question.name.strip(), options=options)


def _without_hot_keys(question: QuestionSnapshot) -> QuestionSnapshot:
    options = tuple(replace(option, hot_key="") for option in question.options)
    return replace(question, options=options)


def _write(
    project: Project,
    questions: Sequence[QuestionSnapshot],
    guidelines: str,
    *,
    before: SchemaSnapshot,
    made: Sequence[Change],
    actor: User | None,
) -> None:
    try:
        with transaction.atomic():
            schema = LabelSchema.objects.create(
                project=project,
                version=before.version + 1,
                guidelines=guidelines,
                created_by=actor,
                changes=change_json.to_json(made),
            )
    except IntegrityError:
        raise Conflict("Somebody else has just changed the questions. Look at theirs.") from None
    rows = [_question_row(schema, at, question) for at, question in enumerate(questions)]
    Question.objects.bulk_create(rows)
    Option.objects.bulk_create(
        Option(
            question=row,
            key=option.key,
            name=option.name,
            position=at,
            colour=option.colour,
            hot_key=option.hot_key,
        )
        for row, question in zip(rows, questions, strict=True)
        for at, option in enumerate(question.options)
    )


def _question_row(schema: LabelSchema, position: int, question: QuestionSnapshot) -> Question:
    return Question(
        schema=schema,
        key=question.key,
        name=question.name,
        kind=question.kind,
        position=position,
        instructions=question.instructions,
        is_required=question.is_required,
        minimum=question.minimum,
        maximum=question.maximum,
        is_integer=question.is_integer,
        has_polarity=question.has_polarity,
        allows_overlap=question.allows_overlap,
    )
