"""What members say to each other about a review, and who is called by name.

In a blind project annotators read only what they wrote themselves and what reviewers and above
address to them by name, so that nobody hears what another annotator thinks.
"""

from collections.abc import Collection

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import audit
from common.errors import Invalid, NotVisible
from common.text import normalise
from labelling import comment_text
from labelling.models import Comment, Mention
from projects.models import Membership, Project, Role
from reviews.models import Review

MAX_BODY = 4000


# --- Writing --------------------------------------------------------------------------------------


@transaction.atomic
def say(*, membership: Membership, review: Review, body: str) -> Comment:
    """Write a comment on a review of the member's project, and call those whom it names.

    Only members who may read it are called; any other @name is just words. Raises Invalid for an
    empty or overlong comment.
    """
    words = normalise(body)
    if not words or len(words) > MAX_BODY:
        raise Invalid.of("body", f"A comment has 1 to {MAX_BODY:,} characters.")
    comment = Comment.objects.create(
        project=membership.project, review=review, author=membership.user, body=words
    )
    called = {row.user.username: row.user for row in _who_may_read(membership)}
    names = comment_text.mentioned(words, called)
    Mention.objects.bulk_create(
        [Mention(comment=comment, person=called[name]) for name in sorted(names)]
    )
    audit.record(
        actor=membership.user,
        project_id=comment.project_id,
        action="comment.written",
        subject=f"review {review.pk}",
        comment=comment.pk,
    )
    return comment


def _who_may_read(author: Membership) -> list[Membership]:
    """Return the members to whom something that this one writes may be addressed."""
    rows = Membership.objects.filter(
        project=author.project, role__gte=Role.ANNOTATOR, user__is_active=True
    ).exclude(user=author.user)
    if author.project.is_blind and not author.can_review:
        rows = rows.filter(role__gte=Role.REVIEWER)
    return list(rows.select_related("user"))


@transaction.atomic
def remove(*, membership: Membership, comment: Comment) -> None:
    """Take one's own comment back; twice changes nothing. Raises NotVisible for another's."""
    if comment.author_id != membership.user_id:
        raise NotVisible("Only its author takes a comment back.")
    taken = Comment.objects.filter(pk=comment.pk, removed_at=None).update(removed_at=timezone.now())
    if taken:
        audit.record(
            actor=membership.user,
            project_id=comment.project_id,
            action="comment.removed",
            subject=f"review {comment.review_id}",
            comment=comment.pk,
        )


def see(*, membership: Membership, mention_ids: Collection[int] | None = None) -> int:
    """Note that this person has seen mentions of theirs (all, unless some are named)."""
    rows = mentions_of(membership).filter(seen_at=None)
    if mention_ids is not None:
        rows = rows.filter(pk__in=mention_ids)
    found = Mention.objects.filter(pk__in=list(rows.values_list("pk", flat=True)))
    return found.update(seen_at=timezone.now())


# --- Reading --------------------------------------------------------------------------------------


def comments_for(membership: Membership, review: Review) -> QuerySet[Comment]:
    """Return the comments on a review that this member may read, oldest first."""
    return _readable(membership).filter(review=review).order_by("id")


def comment_of(membership: Membership, comment_id: int) -> Comment:
    """Return one comment that this member may read; raise NotVisible without one."""
    comment = _readable(membership).filter(pk=comment_id).first()
    if comment is None:
        raise NotVisible
    return comment


def mentions_of(membership: Membership) -> QuerySet[Mention]:
    """Return the comments that call this member by name and may be read, newest first."""
    return (
        Mention.objects.filter(person=membership.user, comment__in=_readable(membership).order_by())
        .select_related("comment__author", "comment__review")
        .order_by("-id")
    )


def unseen_count(membership: Membership) -> int:
    """Return how many mentions this person has not seen."""
    return mentions_of(membership).filter(seen_at=None).order_by().count()


def pieces_of(comment: Comment) -> list[comment_text.Piece]:
    """Return a comment's words in pieces; its mentions should be loaded with their people."""
    names = [mention.person.username for mention in comment.mentions.all()]
    return comment_text.pieces(comment.body, names)


def _readable(membership: Membership) -> QuerySet[Comment]:
    if not membership.can_label:
        return Comment.objects.none()
    project = membership.project
    rows = Comment.objects.filter(project=project, review__dataset__is_ready=True, removed_at=None)
    if project.is_blind and not membership.can_review:
        mine = Q(author=membership.user)
        to_me = Q(mentions__person=membership.user, author__in=_reviewers(project))
        rows = rows.filter(mine | to_me).distinct()
    return rows.select_related("author", "review").prefetch_related("mentions__person")


def _reviewers(project: Project) -> "QuerySet[Membership, int]":
    rows = Membership.objects.filter(project=project, role__gte=Role.REVIEWER)
    return rows.values_list("user_id", flat=True)
