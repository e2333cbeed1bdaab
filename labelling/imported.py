"""What an import brings: spans, the words of people known from the file only, renewed gold."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from accounts.external import external_ids, external_people, forget_unheard
from labelling import adjudication, gold, writing
from labelling import answers as answers_json
from labelling.answers import MAX_SPANS, Answers, AnswerValue, Fault
from labelling.models import Annotation, Answer, Gold, GoldSource, GoldSpan, Span
from labelling.option_words import by_word, unknown
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from labelling.spans import POLARITIES, SpanValue, clash, fault_of
from labelling.versions import freeze, hold_version
from projects.models import Project
from reviews.answers import ImportedSpan

#: What an import gives for one review: question key to parsed answer (reviews.answers).
Given = Mapping[str, Any]

_ANNOTATIONS = (
    "id", "project_id", "review_id", "annotator_id", "schema_id", "created_at", "updated_at",
    "note", "import_job_id",
)  # fmt: skip
_ANSWERS = ("annotation_id", "question_id", "option_id", "number")
_SPANS = ("annotation_id", "question_id", "option_id", "start", "end", "text", "polarity")


# --- Spans in a cell ------------------------------------------------------------------------------


def parse_spans(question: QuestionSnapshot, raw: str) -> tuple[ImportedSpan, ...]:
    """Read a JSON list of spans: objects with start, end and label (or option), or triples.

    Offsets are those of the raw text; whether they lie within it is for whoever has the text.
    Options are named by key or name in any case; the same range and option twice is once. Raises
    ValueError with a sentence.
    """
    try:
        listed = json.loads(raw)
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, list):
        raise ValueError(  # noqa: TRY004  (the cell is wrong, not the program)
            f'"{raw[:60]}" is no list of spans such as [{{"start": 0, "end": 5, "label": "…"}}]'
        )
    if len(listed) > MAX_SPANS:
        raise ValueError(
            f"{len(listed)} spans are more than the {MAX_SPANS} that a review may have"
        )
    words = by_word(question)
    marks: dict[tuple[int, int, str], ImportedSpan] = {}
    for each in listed:
        span = _span(question, words, each)
        marks.setdefault((span.start, span.end, span.option), span)
    found = sorted(marks.values(), key=lambda span: (span.start, span.end, span.option))
    fault = None if question.allows_overlap else clash(found)
    if fault:
        raise ValueError(fault)
    return tuple(found)


def _span(question: QuestionSnapshot, words: Mapping[str, str], raw: Any) -> ImportedSpan:
    start, end, label, polarity = _parts(raw)
    if type(start) is not int or type(end) is not int:
        raise ValueError(f"start and end of a span are whole numbers, not {start!r} and {end!r}")
    if not 0 <= start < end:
        raise ValueError(f"{start} to {end} is no range: start is below end, both from 0")
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f"the span from {start} to {end} names no option")
    option = words.get(label.strip().casefold())
    if option is None:
        raise ValueError(unknown(question, label.strip()))
    return ImportedSpan(start, end, option, _polarity(question, polarity))


def _parts(raw: Any) -> tuple[Any, Any, Any, Any]:
    if isinstance(raw, Mapping):
        label = raw.get("label", raw.get("option"))
        return raw.get("start"), raw.get("end"), label, raw.get("polarity")
    if isinstance(raw, list) and len(raw) == 3:
        return raw[0], raw[1], raw[2], None
    raise ValueError("a span is an object with start, end and label, or a list of the three")


def _polarity(question: QuestionSnapshot, raw: Any) -> str:
    """Return the polarity of a span; "" where the question asks for none, whatever the file has."""
    if raw is None or raw == "" or not question.has_polarity:
        return ""
    word = raw.strip().casefold() if isinstance(raw, str) else raw
    if word not in POLARITIES:
        raise ValueError(f'"{str(raw)[:40]}" is none of {", ".join(POLARITIES)}')
    return str(word)


# --- Spans as gold --------------------------------------------------------------------------------


def store_gold_spans(
    *, project: Project, schema: SchemaSnapshot, rows: Iterable[tuple[int, Given]]
) -> int:
    """Write the spans among the answers of reviews (by id) as gold; return how many.

    Of the answers only those to questions about spans are looked at. The rows of Gold that say
    "answered" are the caller's. Raises ValueError for a span that does not lie in its text.
    """
    asked = {question.key: question for question in schema.questions if question.kind == "spans"}
    spans = [
        (review_id, asked[key], value)
        for review_id, given in rows
        for key, value in given.items()
        if key in asked and value
    ]
    texts = gold.hold_reviews(project, {review_id for review_id, _, _ in spans}) if spans else {}
    return gold.write_spans(
        project,
        [
            (review_id, question, _in_text(question, value, texts[review_id]))
            for review_id, question, value in spans
        ],
    )


def _in_text(
    question: QuestionSnapshot, value: Sequence[ImportedSpan], text: str
) -> tuple[SpanValue, ...]:
    """Return imported spans with the text that they cover; options that are gone are left out.

    So are all of them where they overlap and may not since the file was read.
    """
    options = {option.key for option in question.options}
    marks: dict[tuple[int, int, str], SpanValue] = {}
    for each in value:
        if each.option not in options:
            continue
        polarity = each.polarity if question.has_polarity else ""
        covered = text[each.start : each.end]
        span = SpanValue(each.start, each.end, each.option, polarity, covered)
        fault = fault_of(span, text, options=options, has_polarity=question.has_polarity)
        if fault:
            raise ValueError(fault)
        marks.setdefault((span.start, span.end, span.option), span)
    if not question.allows_overlap and clash(marks.values()):
        return ()
    return tuple(sorted(marks.values()))


def _values(schema: SchemaSnapshot, given: Given, text: str) -> Answers:
    """Return imported answers as `schema` has them; what it no longer allows is left out."""
    found = ((q, _value(q, given.get(q.key), text)) for q in schema.questions)
    return {question.key: value for question, value in found if value is not None}


def _value(question: QuestionSnapshot, raw: Any, text: str) -> AnswerValue | None:
    kind = question.kind
    if kind == "spans" and isinstance(raw, tuple):
        spans = _in_text(question, raw, text)
        return spans if spans or not raw else None
    if kind == "choice" and isinstance(raw, str):
        return raw if question.option(raw) else None
    if kind == "multichoice" and isinstance(raw, frozenset):
        keys = frozenset(key for key in raw if question.option(key))
        return keys if keys or not raw else None
    if kind == "number" and isinstance(raw, float):
        return _number(question, raw)
    return None


def _number(question: QuestionSnapshot, raw: float) -> float | None:
    try:
        return answers_json.number(question, raw)
    except Fault:
        return None


# --- What people said -----------------------------------------------------------------------------


@transaction.atomic
def store_said(
    *, project: Project, rows: Sequence[tuple[int, str, Given]], import_job_id: int
) -> list[bool]:
    """Write what annotators (by name) said about reviews (by id): one annotation each.

    Annotators become external people of the project, even where a member has the same name.
    Gold becomes the consensus of everybody who spoke. Returns for each row whether it was written.
    It was not when that annotator has an annotation of that review already, be it from an earlier
    row: who speaks twice, said the first. Nor when nothing is left of the answers, because the
    questions have changed since they were parsed.
    """
    if not rows:
        return []
    texts = gold.hold_reviews(project, {review_id for review_id, _, _ in rows})
    schema = hold_version(project=project)
    people = external_people(project.slug, {name for _, name, _ in rows})
    said = [
        (review_id, people[name].pk, _values(schema, given, texts[review_id]))
        for review_id, name, given in rows
    ]
    taken = _taken(texts, {annotator_id for _, annotator_id, _ in said})
    written = []
    for review_id, annotator_id, values in said:
        written.append(bool(values) and (review_id, annotator_id) not in taken)
        if values:
            taken.add((review_id, annotator_id))
    new = [each for each, is_new in zip(said, written, strict=True) if is_new]
    if new:
        freeze(schema_id=schema.id)
        _write(project, schema, new, import_job_id)
        gold.recompute_many(project, schema, {review_id for review_id, _, _ in new})
    return written


def _taken(review_ids: Collection[int], annotator_ids: Collection[int]) -> set[tuple[int, int]]:
    rows = Annotation.objects.filter(review_id__in=review_ids, annotator_id__in=annotator_ids)
    return set(rows.values_list("review_id", "annotator_id"))


def _write(
    project: Project,
    schema: SchemaSnapshot,
    said: Sequence[tuple[int, int, Answers]],
    import_job_id: int,
) -> None:
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    ids = writing.take_ids(Annotation, len(said))
    writing.insert(
        Annotation,
        _ANNOTATIONS,
        (
            (number, project.pk, review_id, annotator_id, schema.id, now, now, "", import_job_id)
            for number, (review_id, annotator_id, _) in zip(ids, said, strict=True)
        ),
    )
    write_answers(
        schema, [(number, values) for number, (_, _, values) in zip(ids, said, strict=True)]
    )


def write_answers(schema: SchemaSnapshot, said: Iterable[tuple[int, Answers]]) -> None:
    """Insert the answers and spans of annotations (by id) that have none."""
    given = [
        (number, question, values[question.key])
        for number, values in said
        for question in schema.questions
        if question.key in values
    ]
    writing.insert(
        Answer,
        _ANSWERS,
        (
            (number, *(row[name] for name in _ANSWERS[1:]))
            for number, question, value in given
            for row in gold.answer_columns(question, value)
        ),
    )
    writing.insert(
        Span,
        _SPANS,
        (
            (number, *(row[name] for name in _SPANS[1:]))
            for number, question, value in given
            for row in gold.span_columns(question, value)
        ),
    )


@transaction.atomic
def remove_imported(*, project: Project, import_job_id: int, limit: int = 2000) -> int:
    """Take away up to `limit` of the annotations that came with an import; return how many.

    Gold of the reviews that stay is recomputed. Call it until it returns 0, each time in an effect
    of the job; people of whom nothing is left in the end are forgotten.
    """
    rows = Annotation.objects.filter(project=project, import_job_id=import_job_id)
    found = list(rows.order_by("id").values_list("id", "review_id", "annotator_id")[:limit])
    if not found:
        return 0
    reviews = {review_id for _, review_id, _ in found}
    gold.hold_reviews(project, reviews)
    schema = hold_version(project=project)
    Annotation.objects.filter(pk__in=[number for number, _, _ in found]).delete()
    gold.recompute_many(project, schema, reviews, is_removal=True)
    _forget(project, {annotator_id for _, _, annotator_id in found})
    return len(found)


def forget_silent(*, project: Project) -> None:
    """Forget the people known from files of whom the project has no word any more."""
    _forget(project, set(external_ids(project.slug)))


def said_since(*, project: Project, dataset_id: int) -> tuple[int, int]:
    """Count the annotations of a data set that no import brought, and the people behind them."""
    rows = Annotation.objects.filter(
        project=project, review__dataset=dataset_id, import_job__isnull=True
    )
    found = rows.aggregate(said=Count("pk"), people=Count("annotator", distinct=True))
    return found["said"], found["people"]


def _forget(project: Project, people: set[int]) -> None:
    heard = Annotation.objects.filter(annotator_id__in=people).values_list(
        "annotator_id", flat=True
    )
    forget_unheard(project.slug, people - set(heard.distinct()))


# --- Gold that an import renews -------------------------------------------------------------------


@transaction.atomic
def update_gold(
    *, project: Project, rows: Sequence[tuple[int, Given]]
) -> dict[int, dict[str, Any]]:
    """Put imported answers in the place of imported ones; return what undoes it, as JSON, by id.

    What people have said about a question stands. Of two rows about one review the later wins,
    question by question.
    """
    merged: dict[int, dict[str, Any]] = {}
    for review_id, given in rows:
        merged.setdefault(review_id, {}).update(
            {key: value for key, value in given.items() if value is not None}
        )
    texts = gold.hold_reviews(project, merged)
    schema = hold_version(project=project)
    wanted = {number: _values(schema, merged[number], texts[number]) for number in texts}
    before, agreed = (
        gold.held(project, schema, texts, source=GoldSource.IMPORTED),
        _agreed(schema, texts),
    )
    changes = {
        number: {key: value for key, value in values.items() if (number, key) not in agreed}
        for number, values in wanted.items()
    }
    if any(changes.values()):
        freeze(schema_id=schema.id)
    _replace(project, schema, changes)
    return {
        number: {"answers": _change(schema, before.get(number, {}), values)}
        for number, values in changes.items()
    }


@transaction.atomic
def restore_gold(*, project: Project, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Undo `update_gold`, given what it returned.

    An answer that has changed since, by people or by a later import, is left as it is. Where a
    reviewer has decided meanwhile, what comes back with the decision's end is changed instead.
    """
    texts = gold.hold_reviews(project, {review_id for review_id, _ in rows})
    schema = hold_version(project=project)
    adjudication.exchange_imported(schema, texts, rows)
    now, agreed = (
        gold.held(project, schema, texts, source=GoldSource.IMPORTED),
        _agreed(schema, texts),
    )
    changes: dict[int, dict[str, AnswerValue | None]] = {}
    for review_id, change in rows:
        for key, (before, after) in change.get("answers", {}).items():
            question = schema.question(key)
            if question is None or review_id not in texts or (review_id, key) in agreed:
                continue
            if _json(schema, now.get(review_id, {})).get(key) == after:
                value = _from_json(question, before, texts[review_id])
                changes.setdefault(review_id, {})[key] = value
    _replace(project, schema, changes, is_removal=True)


def _change(schema: SchemaSnapshot, before: Answers, after: Answers) -> dict[str, list[Any]]:
    """Return [before, after] of every question that changed, as the API writes answers."""
    old, new = _json(schema, before), _json(schema, after)
    return {key: [old.get(key), value] for key, value in new.items() if old.get(key) != value}


def _json(schema: SchemaSnapshot, answers: Answers) -> dict[str, Any]:
    return answers_json.to_json(answers, schema)


def _from_json(question: QuestionSnapshot, raw: Any, text: str) -> AnswerValue | None:
    """Return an answer that was kept as JSON; None when the question no longer allows it."""
    if raw is None:
        return None
    try:
        return answers_json.parse_one(question, raw, text)
    except Fault:
        return None


def _agreed(schema: SchemaSnapshot, review_ids: Collection[int]) -> set[tuple[int, str]]:
    """Return the reviews and questions of which people have spoken, annotators or a reviewer."""
    keys = {question.id: question.key for question in schema.questions}
    rows = (
        Gold.objects.filter(review_id__in=review_ids, question_id__in=keys)
        .exclude(source=GoldSource.IMPORTED)
        .values_list("review_id", "question_id")
    )
    return {(review_id, keys[question_id]) for review_id, question_id in rows}


def _replace(
    project: Project,
    schema: SchemaSnapshot,
    changes: Mapping[int, Mapping[str, AnswerValue | None]],
    *,
    is_removal: bool = False,
) -> None:
    """Write imported gold in the place of what is there; None takes it away."""
    for question in schema.questions:
        about = [number for number, values in changes.items() if question.key in values]
        if about:
            Gold.objects.filter(review_id__in=about, question_id=question.id).delete()
            GoldSpan.objects.filter(review_id__in=about, question_id=question.id).delete()
    given = [
        (number, question, value)
        for number, values in changes.items()
        for question in schema.questions
        if (value := values.get(question.key)) is not None
    ]
    gold.write_gold(project, given, source=GoldSource.IMPORTED)
    gold.mark_labelled(project, schema, [n for n in changes if changes[n]], is_removal=is_removal)
