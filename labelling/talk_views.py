"""Pages: comments and mentions, and the flags that wait for a reviewer."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from common.errors import Invalid
from labelling import comments, open_flags
from labelling.tabs import tabs
from projects.access import enter
from projects.models import Membership, Role
from reviews.selectors import review_of

#: What a list shows; what is older is found on the reviews themselves.
SHOWN = 100


def _enter(request: HttpRequest, slug: str, at_least: Role = Role.ANNOTATOR) -> Membership:
    enter(request, slug, at_least=at_least, section="label")
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    return membership


def _to_review(slug: str, review_id: int, part: str) -> HttpResponse:
    return redirect(f"{reverse('reviews:detail', args=[slug, review_id])}#{part}")


# --- Comments -------------------------------------------------------------------------------------


@login_required
@require_POST
def comment_add(request: HttpRequest, slug: str, review_id: int) -> HttpResponse:
    """Write a comment on a review."""
    membership = _enter(request, slug)
    review = review_of(membership.project, review_id)
    try:
        comments.say(membership=membership, review=review, body=request.POST.get("body", ""))
    except Invalid as error:
        messages.error(request, error.detail)
    return _to_review(slug, review.pk, "comments")


@login_required
@require_POST
def comment_remove(request: HttpRequest, slug: str, comment_id: int) -> HttpResponse:
    """Take one's own comment back."""
    membership = _enter(request, slug)
    comment = comments.comment_of(membership, comment_id)
    comments.remove(membership=membership, comment=comment)
    messages.success(request, "Your comment was removed.")
    return _to_review(slug, comment.review_id, "comments")


@login_required
@require_GET
def mentions(request: HttpRequest, slug: str) -> HttpResponse:
    """List the comments that call this person by name."""
    membership = _enter(request, slug)
    rows = list(comments.mentions_of(membership)[:SHOWN])
    context = {
        "mentions": [(row, comments.pieces_of(row.comment)) for row in rows],
        "unseen_count": comments.unseen_count(membership),
        "limit": SHOWN,
        "tabs": tabs(membership, "mentions"),
    }
    return render(request, "labelling/mentions.html", context)


@login_required
@require_POST
def mentions_seen(request: HttpRequest, slug: str) -> HttpResponse:
    """Note that all mentions, or the one that is named, were seen."""
    membership = _enter(request, slug)
    named = request.POST.get("mention", "")
    if named and not (named.isascii() and named.isdigit() and len(named) < 19):
        raise Invalid.of("mention", "A mention is named by its number.")
    comments.see(membership=membership, mention_ids=[int(named)] if named else None)
    return redirect("labelling:mentions", slug=slug)


# --- Flags ----------------------------------------------------------------------------------------


@login_required
@require_GET
def flag_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List what was flagged: what is open first, then what was settled lately."""
    membership = _enter(request, slug, Role.REVIEWER)
    context = {
        "open_flags": open_flags.flags_for(membership, is_open=True)[:SHOWN],
        "settled_flags": open_flags.flags_for(membership, is_open=False)[:20],
        "limit": SHOWN,
        "tabs": tabs(membership, "flags"),
    }
    return render(request, "labelling/flags.html", context)


@login_required
@require_POST
def flag_resolve(request: HttpRequest, slug: str, flag_id: int) -> HttpResponse:
    """Settle a flag."""
    membership = _enter(request, slug, Role.REVIEWER)
    flag = open_flags.flag_of(membership, flag_id)
    open_flags.resolve(membership=membership, flag=flag)
    messages.success(request, f"The flag on review {flag.review_id} is settled.")
    if request.POST.get("from") == "review":
        return _to_review(slug, flag.review_id, "flags")
    return redirect("labelling:flags", slug=slug)
