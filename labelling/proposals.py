"""Propose questions that fit an upload, and make them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from django.db import transaction

from accounts.models import User
from common.errors import Invalid
from common.text import is_number, normalise
from labelling import schemas
from labelling.fitting import fitting
from labelling.models import LabelSchema
from labelling.presets import PRESETS
from labelling.selectors import current_schema
from labelling.snapshot import OPTION_KINDS, Kind, OptionSnapshot, QuestionSnapshot, SchemaSnapshot
from labelling.versions import apply_preset, create_version, hold_version
from projects.models import Project
from reviews.proposals import Proposal


class Questions:
    """Who makes questions: the hook of reviews.proposals."""

    def propose(
        self, project: Project, samples: Mapping[str, Sequence[str]], fields: Sequence[str]
    ) -> Proposal | None:
        """Return the preset that fits; None when none does or the project has its questions."""
        fit = None if _is_used(project) else fitting(samples, fields)
        if fit is None or fit.preset.questions == _as_asked(current_schema(project)):
            return None
        return Proposal(
            preset=fit.preset.key,
            name=fit.preset.name,
            questions=tuple(question.name for question in fit.preset.questions),
            answers=dict(fit.answers),
        )

    @transaction.atomic
    def accept(self, project: Project, preset: str, actor: User | None) -> None:
        """Give a project the questions of a preset; raise Invalid once its own are in use."""
        if preset not in PRESETS:
            raise Invalid.of("preset", f"There is no preset {preset[:50]!r}.")
        hold_version(project=project)
        if _is_used(project):
            raise Invalid.of(
                "preset",
                "The project's own questions have answers by now. Change them under Label, "
                "Questions, or import into another project.",
            )
        apply_preset(project, preset, actor)
        Project.objects.filter(pk=project.pk).update(preset=preset)
        project.preset = preset

    def question_from_values(
        self,
        project: Project,
        actor: User | None,
        *,
        name: str,
        kind: str,
        options: Sequence[str],
        has_polarity: bool,
    ) -> str:
        """Ask a question with these options and return its key."""
        return create_question_from_values(
            project=project,
            actor=actor,
            name=name,
            kind=kind,
            options=options,
            has_polarity=has_polarity,
        )


@transaction.atomic
def create_question_from_values(
    *,
    project: Project,
    actor: User | None,
    name: str,
    kind: str,
    options: Sequence[str],
    has_polarity: bool = False,
) -> str:
    """Make a version of the questions that asks for one of these values; return the key.

    An option's key is the value as the file has it. The question of that name and kind, if there
    is one, gets the options that it lacks. A number takes no options; it is whole when every
    value is. Raises Invalid for values that cannot be options and for too many of them.
    """
    if kind not in schemas.KINDS:
        known = ", ".join(schemas.KINDS)
        raise Invalid.of("kind", f"A question is one of {known}, not {kind[:20]!r}.")
    before = hold_version(project=project)
    title = " ".join(normalise(name).split())[: schemas.MAX_NAME]
    same = next(
        (each for each in before.questions if each.name == title and each.kind == kind), None
    )
    if same is None:
        question = _new(before, title, cast("Kind", kind), options, has_polarity=has_polarity)
        questions = [*before.questions, question]
    else:
        question = replace(same, options=_more(same.options, options) if same.options else ())
        questions = [question if each.key == same.key else each for each in before.questions]
    create_version(project=project, questions=questions, actor=actor)
    return question.key


def _new(
    before: SchemaSnapshot, name: str, kind: Kind, values: Sequence[str], *, has_polarity: bool
) -> QuestionSnapshot:
    key = schemas.key_of(name, [each.key for each in before.questions])
    if kind not in OPTION_KINDS:
        return QuestionSnapshot(key=key, name=name, kind=kind, is_integer=_are_whole(values))
    return QuestionSnapshot(
        key=key,
        name=name,
        kind=kind,
        options=_more((), values),
        has_polarity=has_polarity and kind == "spans",
    )


def _more(options: Sequence[OptionSnapshot], values: Iterable[str]) -> tuple[OptionSnapshot, ...]:
    """Return the options with one more for every value that none of them is called."""
    all_of_them = list(options)
    taken = {word.casefold() for each in options for word in (each.key, each.name)}
    for value in values:
        word = " ".join(normalise(value).split())
        if len(word) > schemas.MAX_NAME:
            raise Invalid.of(
                "options",
                f"“{word[:40]}…” has {len(word)} characters; an option has at most "
                f"{schemas.MAX_NAME}. This column holds prose rather than options.",
            )
        if word and word.casefold() not in taken:
            taken.add(word.casefold())
            colour = 1 + len(all_of_them) % schemas.COLOURS
            all_of_them.append(OptionSnapshot(key=word, name=word, colour=colour))
    return tuple(all_of_them)


def _are_whole(values: Sequence[str]) -> bool:
    return bool(values) and all(is_number(each) and float(each).is_integer() for each in values)


def _is_used(project: Project) -> bool:
    """Tell whether anybody, or an import, has answered any version of the questions."""
    return LabelSchema.objects.filter(project=project).exclude(frozen_at=None).exists()


def _as_asked(schema: SchemaSnapshot) -> tuple[QuestionSnapshot, ...]:
    """Return the questions without the hot keys that were given to them when they were made."""
    return tuple(
        replace(question, options=tuple(replace(option, hot_key="") for option in question.options))
        for question in schema.questions
    )
