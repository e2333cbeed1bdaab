"""Reviews about which people said different things and nobody has decided: what to look at next.

No column says that people differ, so a window of answers is read and compared: the newest SCANNED
annotations below a place, of which those count that are the latest of several about a review (a
probe or two of an index each), and of their reviews at most COMPARED. What differs most comes first
within the window; whoever has seen all of it goes on to the one below. So a page costs the same in
a project with a thousand annotations and in one with ten million, and every disagreement is met.
"""

import base64
import binascii
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db.models import Exists, OuterRef
from django.db.models.functions import Left

from common.errors import Invalid
from labelling.difference import Difference, difference
from labelling.models import Adjudication, Annotation
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from labelling.spoken import Statement, statements
from projects.models import Project
from reviews.members import reviews_in
from reviews.models import Dataset, Review

#: How many annotations below a place are looked through, and how many reviews are compared.
SCANNED = 50_000
COMPARED = 1_000

SIZE = 50
#: Who stands against whom; a model's predictions will be a source of their own.
SOURCES = ("people",)
_EXCERPT = 160


@dataclass(frozen=True, slots=True)
class Asked:
    """Which disagreements: all, or only those about a question, of a person, in a data set."""

    question: str = ""
    #: An annotator's id: what they said differs from what somebody else said.
    person: int | None = None
    dataset: int | None = None
    source: str = "people"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One review about which people differ."""

    review_id: int
    dataset_id: int
    excerpt: str
    score: float
    questions: tuple[str, ...]
    #: The ids of those who have answered, oldest answer first, and of those who differ.
    people: tuple[int, ...]
    differing: frozenset[int]

    @property
    def place(self) -> tuple[float, int]:
        """Return what the order goes by: most different first, newer reviews before older."""
        return (-self.score, -self.review_id)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: behind a place in the window below an annotation (None: the newest)."""

    below: int | None = None
    place: tuple[float, int] | None = None

    def __str__(self) -> str:
        raw = json.dumps([self.below, *(self.place or ())]).encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Page:
    """Some disagreements, and how the list goes on (None: not at all)."""

    rows: list[Disagreement]
    #: How many there are in the window, and how many reviews with several answers it has.
    count: int
    compared_count: int
    #: Whether there are answers older than those of the window.
    has_older: bool
    previous: Cursor | None
    next: Cursor | None


def read_cursor(raw: str) -> Cursor:
    """Return the cursor that was written so; raise Invalid for anything else."""
    if not raw:
        return Cursor()
    try:
        decoded = base64.urlsafe_b64decode(raw.encode() + b"=" * (-len(raw) % 4))
        below, *place = json.loads(decoded)
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise _no_cursor() from None
    if not (below is None or _is_id(below)):
        raise _no_cursor()
    if not place:
        return Cursor(below)
    is_place = len(place) == 2 and isinstance(place[0], int | float) and _is_id(-place[1])
    if not is_place or not math.isfinite(place[0]):
        raise _no_cursor()
    return Cursor(below, (float(place[0]), place[1]))


def _is_id(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _no_cursor() -> Invalid:
    return Invalid.of("cursor", "This cursor is none of ours. Follow next and previous as given.")


def read_asked(project: Project, given: Mapping[str, str]) -> Asked:
    """Return what an address asks for; raise Invalid naming what makes no sense."""
    question, source = given.get("question", ""), given.get("source", "") or "people"
    if question and current_schema(project).question(question) is None:
        raise Invalid.of("question", f"This project has no question {question[:50]!r}.")
    if source not in SOURCES:
        raise Invalid.of("source", f"{source[:30]!r} is no source. Known: {', '.join(SOURCES)}.")
    dataset = _number(given, "dataset")
    if dataset is not None and not Dataset.objects.filter(project=project, pk=dataset).exists():
        raise Invalid.of("dataset", f"This project has no data set {dataset}.")
    return Asked(question, _number(given, "person"), dataset, source)


def _number(given: Mapping[str, str], name: str) -> int | None:
    raw = given.get(name, "")
    if not raw:
        return None
    if not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        raise Invalid.of(name, f"{name} is an id, not {raw[:30]!r}.")
    return int(raw)


# --- The list -------------------------------------------------------------------------------------


def page_of(project: Project, asked: Asked, cursor: Cursor, *, size: int = SIZE) -> Page:
    """Return a page of disagreements, most different first."""
    window = _window(project, cursor.below)
    found = _compared(project, asked, window.review_ids)
    start = 0
    if cursor.place is not None:
        behind = cursor.place
        start = sum(1 for each in found if each.place <= behind)
    rows = found[start : start + size]
    following: Cursor | None = None
    if start + size < len(found):
        following = replace(cursor, place=rows[-1].place)
    elif window.oldest is not None:
        following = Cursor(below=window.oldest)
    previous: Cursor | None = None
    if start > 0:
        place = found[start - size - 1].place if start > size else None
        previous = replace(cursor, place=place)
    return Page(
        rows=_with_excerpts(rows),
        count=len(found),
        compared_count=len(window.review_ids),
        has_older=window.oldest is not None,
        previous=previous,
        next=following,
    )


def next_after(project: Project, asked: Asked, cursor: Cursor) -> tuple[int, Cursor] | None:
    """Return the review behind a place and its own place, looking into older windows; or None."""
    while True:
        page = page_of(project, asked, cursor, size=1)
        if page.rows:
            return page.rows[0].review_id, replace(cursor, place=page.rows[0].place)
        if page.next is None:
            return None
        cursor = page.next


def shared_reviews(project: Project) -> list[int]:
    """Return the newest reviews that several people have answered, newest answer first."""
    return _window(project, None).review_ids


@dataclass(frozen=True, slots=True)
class _Window:
    review_ids: list[int]
    #: The annotation below which the next window begins; None at the end.
    oldest: int | None


def _window(project: Project, below: int | None) -> _Window:
    """Return the reviews with several answers among the newest annotations below one."""
    rows = Annotation.objects.filter(project=project).order_by("-pk")
    if below is not None:
        rows = rows.filter(pk__lt=below)
    floor = rows.values_list("pk", flat=True)[SCANNED - 1 : SCANNED].first()
    if floor is not None:
        rows = rows.filter(pk__gte=floor)
    said = Annotation.objects.filter(review=OuterRef("review"), is_check=False)
    # Each review is met once, at its latest answer.
    shared = rows.filter(
        Exists(said.filter(pk__lt=OuterRef("pk"))),
        ~Exists(said.filter(pk__gt=OuterRef("pk"))),
        is_check=False,
        review__dataset__is_ready=True,
    )
    found = list(shared.values_list("pk", "review_id")[:COMPARED])
    oldest = found[-1][0] if len(found) == COMPARED else floor
    return _Window([review_id for _, review_id in found], oldest)


def _compared(project: Project, asked: Asked, review_ids: Collection[int]) -> list[Disagreement]:
    if asked.dataset is not None:
        dataset = Dataset.objects.get(pk=asked.dataset, project=project)
        review_ids = list(
            reviews_in(dataset).filter(pk__in=review_ids).values_list("pk", flat=True)
        )
    schema = current_schema(project)
    decided = decided_questions(project, review_ids)
    found = []
    for review_id, said in statements(review_ids, schema).items():
        counted = [each for each in said if not each.is_check]
        questions = _open(schema, asked, decided.get(review_id, frozenset()))
        apart = difference(questions, [each.answers for each in counted])
        made = _made(review_id, counted, apart)
        if apart.questions and (asked.person is None or asked.person in made.differing):
            found.append(made)
    return sorted(found, key=lambda each: each.place)


def decided_questions(project: Project, review_ids: Collection[int]) -> dict[int, frozenset[str]]:
    """Return the keys of the questions that a reviewer has decided, by review."""
    rows = Adjudication.objects.filter(project=project, review__in=review_ids, ended_at=None)
    return {
        review_id: frozenset(answers)
        for review_id, answers in rows.values_list("review_id", "answers")
    }


def _open(
    schema: SchemaSnapshot, asked: Asked, decided: Collection[str]
) -> Sequence[QuestionSnapshot]:
    return [
        each
        for each in schema.questions
        if each.key not in decided and asked.question in {"", each.key}
    ]


def _made(review_id: int, said: Sequence[Statement], apart: Difference) -> Disagreement:
    return Disagreement(
        review_id=review_id,
        dataset_id=0,
        excerpt="",
        score=round(apart.score, 6),
        questions=apart.questions,
        people=tuple(each.annotator_id for each in said),
        differing=frozenset(said[at].annotator_id for at in apart.people),
    )


def _with_excerpts(rows: Sequence[Disagreement]) -> list[Disagreement]:
    found = Review.objects.filter(pk__in=[each.review_id for each in rows])
    texts = {
        pk: (dataset_id, excerpt)
        for pk, dataset_id, excerpt in found.annotate(excerpt=Left("text", _EXCERPT)).values_list(
            "pk", "dataset_id", "excerpt"
        )
    }
    return [
        replace(each, dataset_id=texts[each.review_id][0], excerpt=texts[each.review_id][1])
        for each in rows
        if each.review_id in texts
    ]
