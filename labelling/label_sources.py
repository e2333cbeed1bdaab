"""Whose labels leave with the reviews: each annotator's, their consensus, or gold."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from accounts.external import MAX_NAME
from accounts.models import User
from labelling import gold
from labelling.answers import Answers, AnswerValue, span_json
from labelling.models import GoldSource, LabelSchema
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from labelling.spoken import statements
from projects.models import Project
from reviews import labels
from reviews.labels import Labels, LabelSource, QuestionInfo

Write = Callable[[AnswerValue], Any]


def register() -> None:
    """Make the sources that labelling has known, in the order in which they are offered."""
    for source in (
        LabelSource("gold", "Gold: consensus, else what was imported", questions, _load_gold),
        LabelSource("consensus", "Consensus of annotators", questions, _load_consensus),
        LabelSource(
            "annotators", "Each annotator's own", questions, _load_annotators, names_people=True
        ),
    ):
        labels.register(source)


def questions(project: Project) -> list[QuestionInfo]:
    """Return the project's current questions."""
    return [
        QuestionInfo(
            key=question.key,
            name=question.name,
            kind=question.kind,
            options=tuple(option.key for option in question.options),
            has_polarity=question.has_polarity,
        )
        for question in current_schema(project).questions
    ]


def _load_gold(project: Project, review_ids: Sequence[int]) -> dict[int, list[Labels]]:
    return _held(project, review_ids, name="gold", source=None)


def _load_consensus(project: Project, review_ids: Sequence[int]) -> dict[int, list[Labels]]:
    return _held(project, review_ids, name="consensus", source=GoldSource.CONSENSUS)


def _held(
    project: Project, review_ids: Sequence[int], *, name: str, source: GoldSource | None
) -> dict[int, list[Labels]]:
    schema = current_schema(project)
    write = _writers(schema)
    found = gold.held(project, schema, review_ids, source=source)
    return {
        review_id: [Labels(name, _written(write, answers), schema.version)]
        for review_id, answers in found.items()
        if answers
    }


def _load_annotators(project: Project, review_ids: Sequence[int]) -> dict[int, list[Labels]]:
    """Return what each annotator said, oldest first, as answers to the current questions.

    The version is that of the questions which the annotator saw.
    """
    schema = current_schema(project)
    write = _writers(schema)
    spoken = statements(review_ids, schema)
    names = _names(project, {said.annotator_id for each in spoken.values() for said in each})
    versions = dict(LabelSchema.objects.filter(project=project).values_list("id", "version"))
    return {
        review_id: [
            Labels(
                names[said.annotator_id], _written(write, said.answers), versions[said.schema_id]
            )
            for said in each
        ]
        for review_id, each in spoken.items()
    }


def _names(project: Project, people: set[int]) -> dict[int, str]:
    """Return a name for each annotator, different from everybody else's.

    Somebody known from a file is called as there, unless a person of that name has annotated here
    too, or the name was too long to be kept whole.
    """
    rows = list(User.objects.filter(pk__in=people))
    shown = [each.shown_name for each in rows if each.is_external]
    taken = set(
        User.objects.filter(
            username__in=shown, is_external=False, annotations__project=project
        ).values_list("username", flat=True)
    )
    return {
        each.pk: each.username
        if each.shown_name in taken or len(each.shown_name) >= MAX_NAME
        else each.shown_name
        for each in rows
    }


# --- The shape of the API -------------------------------------------------------------------------


def _writers(schema: SchemaSnapshot) -> dict[str, Write]:
    """Return for every question, in their order, what turns an answer into JSON."""
    return {question.key: _writer(question) for question in schema.questions}


def _writer(question: QuestionSnapshot) -> Write:
    if question.kind == "multichoice":
        return partial(_chosen, [option.key for option in question.options])
    if question.kind == "spans":
        return partial(_spans, question.has_polarity)
    return _as_it_is


def _written(write: dict[str, Write], answers: Answers) -> dict[str, Any]:
    return {key: write[key](answers[key]) for key in write if key in answers}


def _as_it_is(value: AnswerValue) -> Any:
    return value


def _chosen(options: Sequence[str], value: AnswerValue) -> list[str]:
    assert isinstance(value, frozenset)  # noqa: S101  (the answer to a multichoice)
    return [key for key in options if key in value]


def _spans(has_polarity: bool, value: AnswerValue) -> list[dict[str, Any]]:  # noqa: FBT001
    assert isinstance(value, tuple)  # noqa: S101  (the answer to a question about spans)
    return [span_json(span, has_polarity=has_polarity) for span in value]
