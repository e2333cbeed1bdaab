"""Everything that is known about one review beside its text: where it came from, what befell it."""

from dataclasses import dataclass

from projects.models import Membership, Project
from reviews import bulk, panels
from reviews.models import BulkAction, BulkChange, Dataset, Review, ReviewChange
from reviews.panels import TextPiece
from reviews.selectors import visible_reviews

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class About:
    """What the page of one review shows of it."""

    pieces: list[TextPiece]
    length: int
    original: Review | None
    near: list[Review]
    selections: list[Dataset]
    changes: list[ReviewChange]
    actions: list[tuple[BulkAction, str]]


def review(project: Project, shown: Review, membership: Membership) -> About:
    """Return what is known about a review of the project."""
    visible = visible_reviews(project)
    near = visible.filter(group_key=shown.group_key).exclude(pk=shown.pk)
    return About(
        pieces=panels.pieces_for(project, shown, membership),
        length=len(shown.text),
        original=visible.filter(pk=shown.derived_from_id or 0).first(),
        near=list(near.order_by("pk")[:_SHOWN]) if shown.group_key is not None else [],
        selections=list(
            Dataset.objects.filter(
                project=project, is_ready=True, selected_reviews__review=shown
            ).order_by("-pk")[:_SHOWN]
        ),
        changes=list(
            ReviewChange.objects.filter(review=shown)
            .select_related("import_job__upload", "import_job__dataset")
            .order_by("-pk")[:_SHOWN]
        ),
        actions=_actions(project, shown),
    )


def _actions(project: Project, shown: Review) -> list[tuple[BulkAction, str]]:
    changes = (
        BulkChange.objects.filter(review=shown, action__project=project)
        .select_related("action__created_by")
        .order_by("-pk")[:_SHOWN]
    )
    return [(each.action, bulk.doer_of(each.action.kind).words(each.action)) for each in changes]
