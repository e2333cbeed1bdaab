"""Quality checks: what a reviewer has decided, served unmarked, and how people do on it."""

import random
from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts import audit
from accounts.models import User
from common.errors import Invalid
from labelling import gold
from labelling.models import Adjudication, Annotation, GoldSource, OpenReview, QualityCheck
from labelling.selectors import current_schema
from labelling.shares import wilson
from projects.models import Project

#: Fewer answers than these say nothing about a person.
FEW = 10
MOST = 1000


@transaction.atomic
def add_checks(*, project: Project, actor: User, review_ids: Collection[int]) -> int:
    """Make adjudicated reviews quality checks; return how many are new.

    Raises Invalid, naming some, for reviews that nobody has adjudicated.
    """
    wanted = sorted(set(review_ids))
    if not 1 <= len(wanted) <= MOST:
        raise Invalid.of("reviews", f"Choose 1 to {MOST:,} reviews, not {len(wanted):,}.")
    decided = set(
        _adjudicated(project).filter(review__in=wanted).values_list("review_id", flat=True)
    )
    missing = [each for each in wanted if each not in decided]
    if missing:
        some = ", ".join(map(str, missing[:5]))
        raise Invalid.of(
            "reviews",
            f"Nobody has adjudicated {some}{' and others' if len(missing) > 5 else ''}: "
            "only what a reviewer has decided can check others.",
        )
    return _add(project, actor, wanted)


@transaction.atomic
def draw_checks(*, project: Project, actor: User, count: int) -> int:
    """Make so many adjudicated reviews, drawn at random, quality checks; return how many."""
    if not 1 <= count <= MOST:
        raise Invalid.of("count", f"Draw 1 to {MOST:,} reviews, not {count:,}.")
    known = QualityCheck.objects.filter(review=OuterRef("review"))
    ids = list(_adjudicated(project).filter(~Exists(known)).values_list("review_id", flat=True))
    return _add(project, actor, random.sample(ids, min(count, len(ids))))


@transaction.atomic
def remove_check(*, project: Project, actor: User, review_id: int) -> bool:
    """Serve a review no more as a quality check; what people answered stays. False: it was none."""
    count, _ = QualityCheck.objects.filter(project=project, review=review_id).delete()
    if count:
        _audit(project, actor, "check.removed", f"review {review_id}")
    return bool(count)


def candidate_count(project: Project) -> int:
    """Return how many adjudicated reviews could become quality checks."""
    known = QualityCheck.objects.filter(review=OuterRef("review"))
    return _adjudicated(project).filter(~Exists(known)).count()


# --- How people do --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many checks somebody answered as the reviewer had decided."""

    username: str
    right_count: int
    count: int

    @property
    def is_few(self) -> bool:
        """Tell that the figure says nothing yet."""
        return self.count < FEW

    @property
    def share(self) -> float:
        """Return the share that was right."""
        return self.right_count / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the share."""
        share = wilson(self.right_count, self.count)
        return share.low or 0.0, share.high or 0.0


def outcomes(project: Project) -> list[Outcome]:
    """Return how people did, by name; an answer is right when every decided question is.

    Compared with what holds now, as answers to the current questions.
    """
    schema = current_schema(project)
    said = list(
        Annotation.objects.filter(project=project, is_check=True)
        .select_related("annotator")
        .prefetch_related(
            "answers__question", "answers__option", "spans__question", "spans__option"
        )
    )
    ids = {each.review_id for each in said}
    decided = gold.held(project, schema, ids, source=GoldSource.ADJUDICATED) if ids else {}
    counts: dict[str, list[bool]] = {}
    for each in said:
        answers = gold.read_answers(each, schema)
        true = decided.get(each.review_id)
        if true:
            is_right = all(answers.get(key) == value for key, value in true.items())
            counts.setdefault(each.annotator.username, []).append(is_right)
    return [Outcome(name, sum(right), len(right)) for name, right in sorted(counts.items())]


# --- Helpers --------------------------------------------------------------------------------------


def _adjudicated(project: Project) -> QuerySet[Adjudication]:
    return Adjudication.objects.filter(
        project=project, ended_at=None, review__dataset__is_ready=True
    )


def _add(project: Project, actor: User, review_ids: Collection[int]) -> int:
    before = QualityCheck.objects.filter(project=project).count()
    QualityCheck.objects.bulk_create(
        [
            QualityCheck(project=project, review_id=review_id, created_by=actor)
            for review_id in review_ids
        ],
        ignore_conflicts=True,
    )
    # What is decided wants nobody's opinion any more, except to see how they do.
    OpenReview.objects.filter(review__in=review_ids, cause=OpenReview.Cause.OVERLAP).delete()
    count = QualityCheck.objects.filter(project=project).count() - before
    _audit(project, actor, "checks.added", f"{count} reviews")
    return count


def _audit(project: Project, actor: User, action: str, subject: str) -> None:
    audit.record(actor=actor, project_id=project.pk, action=action, subject=subject)
