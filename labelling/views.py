"""Pages around labelling: where to start, what one did, what comes next."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from common.http import page
from labelling import comments, open_flags, selectors
from labelling.outlook import outlook
from labelling.tabs import tabs
from projects.access import enter
from projects.models import Membership, Role
from projects.views import signed_in


@login_required
@require_GET
def home(request: HttpRequest, slug: str) -> HttpResponse:
    """Show where to start, one's own last work and, for reviewers, what comes next."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    user = signed_in(request)
    schema = selectors.current_schema(project)
    context = {
        "schema": schema,
        "progress": selectors.progress(project, user),
        "mine": selectors.annotations(project, by=user).order_by("-id")[:20],
        "queue": selectors.queue_preview(project) if membership.can_review else None,
        "unseen_count": comments.unseen_count(membership),
        "open_flag_count": open_flags.open_count(membership) if membership.can_review else 0,
        "outlook": outlook(project) if membership.can_review else None,
        "tabs": tabs(membership, "home"),
    }
    return page(request, "labelling/home.html", context)
