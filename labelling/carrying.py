"""Gold and proposals move to a new version of the questions, as far as they still stand.

In SQL what labelling.reading says of one answer. What stays behind trains nothing any more.
"""

from collections.abc import Mapping

from django.db.models import Exists, OuterRef, Q, QuerySet

from labelling.affected import Loss, fitting, proposed_now, suggestions
from labelling.models import Gold, GoldSpan, Suggestion
from labelling.reading import Step
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from projects.models import Project


def carry_gold(project: Project, before: SchemaSnapshot, after: SchemaSnapshot, step: Step) -> int:
    """Repoint gold to the questions and options that it has become; return how many rows moved."""
    moved = 0
    for old in before.questions:
        new = after.question(old.key)
        path = step.get(old.key)
        if new is not None and path is not None:
            moved += _Move(project, old, new, path.options).all()
    return moved


class _Move:
    """The gold of one question on its way to the next version."""

    def __init__(
        self,
        project: Project,
        old: QuestionSnapshot,
        new: QuestionSnapshot,
        options: Mapping[str, str | None],
    ) -> None:
        self._old = old
        self._new = new
        self._gold = Gold.objects.filter(project=project, question_id=old.id)
        self._spans = GoldSpan.objects.filter(project=project, question_id=old.id)
        known = {option.key: option.id for option in new.options}
        #: Option of today to those that become it; None: those that are needed again.
        self._sources: dict[int | None, list[int]] = {}
        for option in old.options:
            now = options.get(option.key)
            target = known[now] if now is not None else None
            self._sources.setdefault(target, []).append(option.id)

    def all(self) -> int:
        """Move what stands; return how many rows did."""
        if self._old.kind == "spans":
            return self._move_spans()
        # A person's answer is one, however many options it names: they move together or not.
        lost = self._sources.get(None)
        if self._old.kind == "multichoice" and lost:
            self._gold = self._gold.filter(~Exists(self._same_review(self._rows(lost))))
        moved = self._plain(self._gold.filter(option=None).filter(fitting(self._new)))
        for target, sources in self._sources.items():
            if target is not None:
                moved += self._move_option(target, sources)
        return moved

    def _move_option(self, target: int, sources: list[int]) -> int:
        if self._old.kind == "multichoice":
            for at in range(1, len(sources)):
                twice = self._same_review(self._rows(sources[:at]))
                self._gold.filter(Exists(twice), option_id=sources[at]).delete()
        return self._gold.filter(option_id__in=sources).update(
            question_id=self._new.id, option_id=target, slot=target
        )

    def _rows(self, option_ids: list[int]) -> QuerySet[Gold]:
        return Gold.objects.filter(question_id=self._old.id, option_id__in=option_ids)

    def _same_review(self, rows: QuerySet[Gold]) -> QuerySet[Gold]:
        return rows.filter(review=OuterRef("review_id"))

    def _plain(self, rows: QuerySet[Gold]) -> int:
        return rows.update(question_id=self._new.id)

    # --- Spans, and the empty row of gold beside them ---

    def _move_spans(self) -> int:
        spans = self._standing_spans()
        moved = 0
        for target, sources in self._sources.items():
            if target is None:
                continue
            for at in range(1, len(sources)):
                twice = self._same_place(sources[:at])
                spans.filter(Exists(twice), option_id=sources[at]).delete()
            changes = {} if self._new.has_polarity else {"polarity": ""}
            moved += spans.filter(option_id__in=sources).update(
                question_id=self._new.id, option_id=target, **changes
            )
        # Reviews of which spans are left behind are needed again.
        left = GoldSpan.objects.filter(question_id=self._old.id, review=OuterRef("review_id"))
        return moved + self._plain(self._gold.filter(~Exists(left)))

    def _standing_spans(self) -> QuerySet[GoldSpan]:
        """Return the spans of reviews all of whose spans stand."""
        faulty = self._faulty()
        if faulty is None:
            return self._spans
        beside = GoldSpan.objects.filter(question_id=self._old.id).filter(faulty)
        return self._spans.filter(~Exists(beside.filter(review=OuterRef("review_id"))))

    def _faulty(self) -> Q | None:
        """Match spans that cannot move, if there can be any."""
        faults: list[Q] = []
        lost = self._sources.get(None)
        if lost:
            faults.append(Q(option_id__in=lost))
        for target, sources in self._sources.items():
            if target is not None and len(sources) > 1 and self._new.has_polarity:
                clash = self._same_place(sources).exclude(polarity=OuterRef("polarity"))
                faults.append(Q(Exists(clash), option_id__in=sources))
        if self._old.allows_overlap and not self._new.allows_overlap:
            faults += self._overlaps()
        if not faults:
            return None
        found = faults[0]
        for each in faults[1:]:
            found |= each
        return found

    def _overlaps(self) -> list[Q]:
        faults: list[Q] = []
        for sources in self._sources.values():
            others = GoldSpan.objects.filter(
                question_id=self._old.id,
                review=OuterRef("review_id"),
                start__lt=OuterRef("end"),
                end__gt=OuterRef("start"),
            ).exclude(pk=OuterRef("pk"))
            # Those that become one share nothing with each other.
            others = others.exclude(
                start=OuterRef("start"), end=OuterRef("end"), option_id__in=sources
            )
            faults.append(Q(Exists(others), option_id__in=sources))
        return faults

    def _same_place(self, option_ids: list[int]) -> QuerySet[GoldSpan]:
        return GoldSpan.objects.filter(
            question_id=self._old.id,
            review=OuterRef("review_id"),
            start=OuterRef("start"),
            end=OuterRef("end"),
            option_id__in=option_ids,
        )


def carry_suggestions(project: Project, before: SchemaSnapshot, step: Step) -> None:
    """Write proposals as they read now, and take away those that name what is gone."""
    touched = [
        question.key
        for question in before.questions
        if question.key not in step or _is_touched(Loss(question, step[question.key]))
    ]
    if not touched:
        return
    gone: list[int] = []
    changed: list[Suggestion] = []
    for each in suggestions(project, touched):
        value = proposed_now(step, each)
        if value is None:
            gone.append(each.pk)
        elif value != each.value:
            each.value = value
            changed.append(each)
    Suggestion.objects.bulk_update(changed, ["value"], batch_size=500)
    for start in range(0, len(gone), 500):
        Suggestion.objects.filter(pk__in=gone[start : start + 500]).delete()


def _is_touched(loss: Loss) -> bool:
    """Tell whether a proposal can read otherwise than before."""
    path = loss.path
    if path is None or loss.question.kind == "number":
        return True
    return any(now != key for key, now in path.options.items())
