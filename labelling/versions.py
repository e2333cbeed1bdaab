"""Make versions of a project's questions; gold moves along where it still fits."""

from collections.abc import Sequence
from dataclasses import replace

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.models import User
from common.errors import Conflict, Invalid
from labelling import schemas
from labelling.models import Gold, GoldSpan, LabelSchema, Option, Question
from labelling.presets import PRESETS
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from projects.models import Project

MAX_GUIDELINES = 20_000


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
    """Make the next version of the questions and carry gold of unchanged answers over by key.

    `guidelines` None keeps what was there. `based_on` is the version the author saw: raises
    Conflict when there is a newer one. Raises Invalid for questions that cannot be asked.
    """
    schemas.check(questions)
    before = hold_version(project=project)
    if based_on is not None and based_on != before.version:
        raise Conflict(
            f"These changes start from version {based_on}, but version {before.version} is "
            "current. Look at it and change that one."
        )
    words = before.guidelines if guidelines is None else guidelines.strip()
    if len(words) > MAX_GUIDELINES:
        raise Invalid.of("guidelines", f"Keep guidelines under {MAX_GUIDELINES} characters.")
    wanted = schemas.with_hot_keys([_tidy(question) for question in questions])
    if before.questions == wanted and before.guidelines == words:
        return before
    _write(project, wanted, words, version=before.version + 1, actor=actor)
    after = current_schema(project)
    carried = _carry_gold(project, before, after)
    audit.record(
        actor=actor,
        project_id=project.pk,
        action="questions.changed",
        subject=f"version {after.version}",
        questions=[question.key for question in after.questions],
        carried=carried,
    )
    return after


def hold_version(*, project: Project, version: int | None = None) -> SchemaSnapshot:
    """Keep the current questions current until the caller's transaction ends, and return them.

    Without it, answers written while somebody changes the questions could miss the move of gold.
    Raises Conflict when `version` is given and no longer the current one.
    """
    newest = LabelSchema.objects.filter(project=project).order_by("-version")
    list(newest.select_for_update(no_key=True)[:1])
    current = current_schema(project)
    if version is not None and version != current.version:
        raise stale(version, current.version)
    return current


def stale(version: int, current: int) -> Conflict:
    """Return the error that says that answers are for older questions."""
    return Conflict(
        f"These answers are for version {version} of the questions; version {current} is "
        "current. Load the review again and answer that one."
    )


def freeze(*, schema_id: int) -> None:
    """Note that somebody has answered this version."""
    LabelSchema.objects.filter(pk=schema_id, frozen_at=None).update(frozen_at=timezone.now())


def _tidy(question: QuestionSnapshot) -> QuestionSnapshot:
    options = tuple(replace(option, name=option.name.strip()) for option in question.options)
    return replace(question, name=question.name.strip(), options=options)


def _write(
    project: Project,
    questions: Sequence[QuestionSnapshot],
    guidelines: str,
    *,
    version: int,
    actor: User | None,
) -> None:
    try:
        with transaction.atomic():
            schema = LabelSchema.objects.create(
                project=project, version=version, guidelines=guidelines, created_by=actor
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


# --- Gold moves to the new version ------------------------------------------------------------


def _carry_gold(project: Project, before: SchemaSnapshot, after: SchemaSnapshot) -> int:
    """Repoint gold to the questions and options of `after` that have the same keys.

    What no longer fits (a dropped option, a number out of bounds) stays with the version that
    asked for it and no longer trains anything. Returns the number of rows that moved.
    """
    moved = 0
    for new in after.questions:
        old = before.question(new.key)
        if old is not None and old.kind == new.kind:
            moved += _carry_question(project, old, new)
    return moved


def _carry_question(project: Project, old: QuestionSnapshot, new: QuestionSnapshot) -> int:
    plain = Gold.objects.filter(project=project, question_id=old.id, option=None)
    moved = plain.filter(_fitting(new)).update(question_id=new.id)
    for option in new.options:
        same = old.option(option.key)
        if same is None:
            continue
        here = Q(project=project, question_id=old.id, option_id=same.id)
        moved += Gold.objects.filter(here).update(
            question_id=new.id, option_id=option.id, slot=option.id
        )
        moved += GoldSpan.objects.filter(here).update(question_id=new.id, option_id=option.id)
    return moved


def _fitting(question: QuestionSnapshot) -> Q:
    fits = Q()
    if question.minimum is not None:
        fits &= Q(number__gte=question.minimum) | Q(number=None)
    if question.maximum is not None:
        fits &= Q(number__lte=question.maximum) | Q(number=None)
    return fits
