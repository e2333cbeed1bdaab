"""Agreement of a project, worked out once and kept until an answer changes."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import chain
from typing import Final, TypeVar

from django.core.cache import cache
from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from labelling import agreement_report as report
from labelling import agreement_table as table
from labelling.agreement_report import OfOption
from labelling.agreement_rows import Chosen, Person, Shared, people_of, shared_answers
from labelling.agreement_table import Pair, QuestionRow
from labelling.models import Annotation
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from projects.models import Project
from reviews.models import Dataset, SelectedReview

#: Nobody asks for figures of a state that has passed; this is when they are forgotten.
KEPT_SECONDS: Final = 24 * 3600

Found = TypeVar("Found")


class Agreement:
    """Figures of what several people answered about the same reviews, and how many that are.

    Tens of thousands of answers are read for them, so they are kept under the state of the
    project's answers, which every new, changed or removed answer moves on. Names are read anew.
    """

    def __init__(self, project: Project, schema: SchemaSnapshot, chosen: Chosen) -> None:
        self._project = project
        self._schema = schema
        self._chosen = chosen
        self._state = _state(project, chosen)
        self._is_settled = True

    @property
    def review_count(self) -> int:
        """Return how many reviews count."""
        return self._brief[0]

    @property
    def is_cut(self) -> bool:
        """Tell whether there are older reviews that were left out."""
        return self._brief[1]

    @cached_property
    def people(self) -> tuple[Person, ...]:
        """Return who answered, those with most such reviews first."""
        return people_of(Counter(dict(self._brief[2])))

    def rows(self, questions: Iterable[QuestionSnapshot]) -> list[QuestionRow]:
        """Return agreement per question."""
        return [self._row(question) for question in questions]

    def _row(self, question: QuestionSnapshot) -> QuestionRow:
        (row,) = self._kept(("row", question.key), lambda: table.rows(self._shared, [question]))
        return row

    def options(self, question: QuestionSnapshot) -> list[OfOption]:
        """Return agreement on each option of a question."""
        return self._kept(("options", question.key), lambda: table.options(self._shared, question))

    def pairs(self, question: QuestionSnapshot, measure: str, *, limit: int) -> list[Pair]:
        """Return agreement of each two of the people with most shared reviews."""
        people = {person.id: person for person in self.people[:limit]}
        found = self._kept(
            ("pairs", question.key, measure, *people),
            lambda: report.of_pairs(
                question, self._shared.answered(question.key), list(people), measure
            ),
        )
        return [
            Pair(people[one], people[other], each) for (one, other), each in sorted(found.items())
        ]

    @cached_property
    def _brief(self) -> tuple[int, bool, tuple[tuple[int, int], ...]]:
        """Return how many reviews count, whether there are more, and each person's number."""

        def count() -> tuple[int, bool, tuple[tuple[int, int], ...]]:
            said = self._shared.said
            shares = Counter(chain.from_iterable(said.values()))
            return len(said), self._shared.is_cut, tuple(shares.items())

        return self._kept(("brief",), count)

    @cached_property
    def _shared(self) -> Shared:
        shared = shared_answers(self._project, self._schema, self._chosen)
        # Somebody may have answered while these were read: then they are of no one state.
        self._is_settled = _state(self._project, self._chosen) == self._state
        return shared

    def _kept(self, what: tuple[object, ...], find: Callable[[], Found]) -> Found:
        key = self._key(what)
        known: Found | None = cache.get(key)
        if known is None:
            known = find()
            if self._is_settled:
                cache.set(key, known, KEPT_SECONDS)
        return known

    def _key(self, what: tuple[object, ...]) -> str:
        chosen = self._chosen
        asked = (
            self._state,
            (self._schema.id, self._schema.made_at),
            chosen.dataset.pk if chosen.dataset is not None else None,
            sorted(chosen.people),
            # A day begins when it does for whoever asks.
            (chosen.since, timezone.get_current_timezone_name()),
            what,
        )
        return "labelling.agreement." + hashlib.sha256(repr(asked).encode()).hexdigest()


def _state(project: Project, chosen: Chosen) -> tuple[object, ...]:
    """Return what changes with every answer of a project that is given, changed or taken back.

    A new annotation has the highest id, a change counts its revision up, a removal leaves fewer.
    """
    said = Annotation.objects.filter(project=project).aggregate(
        count=Count("pk"),
        newest=Max("pk"),
        revisions=Sum("revision"),
        changed_at=Max("updated_at"),
        bulk=Count("bulk_action"),
        checks=Count("pk", filter=Q(is_check=True)),
    )
    shown = Dataset.objects.filter(project=project, is_ready=True).order_by("pk")
    selected = SelectedReview.objects.filter(dataset=chosen.dataset) if chosen.dataset else None
    return (
        project.pk,
        *said.values(),
        tuple(shown.values_list("pk", flat=True)),
        selected.count() if selected is not None else 0,
    )
