"""Pages for reviewers: where people disagree, and the page on which one review is decided."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from common.errors import Conflict, FieldError, Invalid, NotVisible
from labelling import adjudication, decision_page, disagreements, form_page, selectors
from labelling.disagreements import Asked, Cursor
from labelling.gold_policy import change_gold_policy
from labelling.models import Adjudication
from labelling.tabs import tabs
from projects.access import enter
from projects.models import GoldPolicy, Membership, Project, Role
from projects.views import signed_in
from reviews.models import Review
from reviews.selectors import datasets_in_brief, review_of


def _membership(request: HttpRequest) -> Membership:
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    return membership


def _address(name: str, project: Project, asked: Asked, *args: object, **more: object) -> str:
    """Return the address of a page with the filters, and more, behind it."""
    known: dict[str, object] = {
        "question": asked.question,
        "person": asked.person,
        "dataset": asked.dataset,
        **more,
    }
    query = urlencode({name: value for name, value in known.items() if value not in {None, ""}})
    return reverse(f"labelling:{name}", args=[project.slug, *args]) + (f"?{query}" if query else "")


def _asked(request: HttpRequest, project: Project) -> tuple[Asked, Cursor]:
    asked = disagreements.read_asked(project, request.GET.dict())
    return asked, disagreements.read_cursor(request.GET.get("cursor", ""))


# --- The list -------------------------------------------------------------------------------------


@login_required
@require_GET
def list_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the reviews about which people differ, most different first."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    asked, cursor = _asked(request, project)
    page = disagreements.page_of(project, asked, cursor)
    schema = selectors.current_schema(project)
    names = _names(project, page)
    questions = {question.key: question.name for question in schema.questions}
    context = {
        "page": page,
        "rows": [
            {
                "row": row,
                "url": _row_url(project, asked, cursor, row),
                "questions": [questions[key] for key in row.questions],
                "people": [(names[each], each in row.differing) for each in row.people],
            }
            for row in page.rows
        ],
        "asked": asked,
        "questions": schema.questions,
        "people": sorted(names.items(), key=lambda each: each[1].casefold()),
        "datasets": datasets_in_brief(project, limit=200),
        "next_url": page.next and _address("disagreements", project, asked, cursor=page.next),
        "previous_url": page.previous
        and _address("disagreements", project, asked, cursor=page.previous),
        "first_url": _address("disagreement_next", project, asked),
        "policies": GoldPolicy.choices,
        "tabs": tabs(_membership(request), "disagreements"),
    }
    return render(request, "labelling/disagreements.html", context)


def _row_url(
    project: Project, asked: Asked, cursor: Cursor, row: disagreements.Disagreement
) -> str:
    here = Cursor(cursor.below, row.place)
    return _address("disagreement", project, asked, row.review_id, cursor=here)


def _names(project: Project, page: disagreements.Page) -> dict[int, str]:
    """Return the names of everybody on the page and of those whom one may filter by."""
    shown = {each for row in page.rows for each in row.people}
    people = User.objects.filter(pk__in=shown) | User.objects.filter(
        memberships__project=project, memberships__role__gte=Role.ANNOTATOR
    )
    return {each.pk: each.shown_name for each in people.distinct()}


@login_required
@require_GET
def next_one(request: HttpRequest, slug: str) -> HttpResponse:
    """Go to the disagreement behind a place in the list, or back to the list."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    asked, cursor = _asked(request, project)
    return _to_next(request, project, asked, cursor, decided=request.GET.get("decided", ""))


def _to_next(
    request: HttpRequest, project: Project, asked: Asked, cursor: Cursor, *, decided: str
) -> HttpResponse:
    found = disagreements.next_after(project, asked, cursor)
    if found is None:
        messages.info(request, "That was the last one of this list.")
        return redirect(_address("disagreements", project, asked))
    review_id, place = found
    return redirect(
        _address("disagreement", project, asked, review_id, cursor=place, decided=decided)
    )


# --- One review -----------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def one(request: HttpRequest, slug: str, review_id: int) -> HttpResponse:
    """Show what people said about a review side by side; POST decides."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    asked, cursor = _asked(request, project)
    review = review_of(project, review_id)
    if request.method == "GET":
        return _show(request, project, review, asked, cursor)
    schema = selectors.schema_to_answer(project)
    sent = decision_page.from_form(schema, review.text, request.POST)
    try:
        adjudication.adjudicate(
            review=review,
            reviewer=signed_in(request),
            schema_version=_whole(request, "schema_version") or 0,
            answers=sent,
            reason=request.POST.get("reason", ""),
            replaces=_whole(request, "replaces"),
        )
    except Invalid as error:
        faults = error.errors or (FieldError("", error.detail),)
        return _show(request, project, review, asked, cursor, sent=sent, errors=faults, status=422)
    except Conflict as error:
        faults = (FieldError("", error.detail),)
        return _show(request, project, review, asked, cursor, sent=sent, errors=faults, status=409)
    return _to_next(request, project, asked, cursor, decided=str(review.pk))


def _whole(request: HttpRequest, name: str) -> int | None:
    """Return a number that a form's hidden field holds; None for an empty one."""
    raw = request.POST.get(name, "")
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else None


def _show(
    request: HttpRequest,
    project: Project,
    review: Review,
    asked: Asked,
    cursor: Cursor,
    *,
    sent: dict[str, Any] | None = None,
    errors: tuple[FieldError, ...] = (),
    status: int = 200,
) -> HttpResponse:
    schema = selectors.current_schema(project)
    said = adjudication.said_about(project, review)
    user = signed_in(request)
    voices = [
        decision_page.Voice(
            "you" if each.annotator_id == user.pk else each.annotator.shown_name, answers
        )
        for each, answers in said
    ]
    holding = adjudication.holding(project, review.pk)
    taken = request.GET.get("take", "")
    raw = sent
    if raw is None:
        own = {str(each.pk): answers for each, answers in said}
        if taken in own:
            raw = form_page.as_raw(own[taken], schema)
        elif holding is not None:
            raw = adjudication.decided_now(holding, schema, review.text)
        else:
            raw = decision_page.merged(schema, voices)
    about = form_page.errors_by_question(errors)
    here = {"cursor": cursor}
    context = {
        "review": review,
        "schema": schema,
        "rows": decision_page.rows(schema, voices, raw, about),
        "pieces": decision_page.painted(schema, voices, review.text),
        "voices": [
            {
                "name": voice.name,
                "annotation": each,
                "take_url": _address(
                    "disagreement", project, asked, review.pk, take=each.pk, **here
                ),
                "is_taken": taken == str(each.pk),
            }
            for voice, (each, _) in zip(voices, said, strict=True)
        ],
        "holding": holding,
        "reason": request.POST.get("reason", "") or (holding.reason if holding else ""),
        "form_error": next(
            (each.message for each in errors if not _is_beside(each, schema.questions)), ""
        ),
        "action": _address("disagreement", project, asked, review.pk, **here),
        "next_url": _address("disagreement_next", project, asked, **here),
        "list_url": _address("disagreements", project, asked),
        "undo": _decided_before(request, project),
        "tabs": tabs(_membership(request), "disagreements"),
    }
    return render(request, "labelling/disagreement.html", context, status=status)


def _is_beside(error: FieldError, questions: tuple[Any, ...]) -> bool:
    return error.field.removeprefix("answers.") in {each.key for each in questions}


def _decided_before(request: HttpRequest, project: Project) -> Adjudication | None:
    """Return the decision that this person has just made, to offer its undoing."""
    raw = request.GET.get("decided", "")
    if not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        return None
    found = adjudication.holding(project, int(raw))
    return found if found is not None and found.reviewer_id == request.user.pk else None


@login_required
@require_POST
def take_back(request: HttpRequest, slug: str, review_id: int) -> HttpResponse:
    """Take the decision about a review back, and show the review."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    review = review_of(project, review_id)
    try:
        adjudication.take_back(
            review=review,
            reviewer=signed_in(request),
            adjudication_id=_whole(request, "adjudication"),
        )
    except (Conflict, NotVisible) as error:
        messages.warning(request, error.detail)
    else:
        messages.success(
            request, "Taken back: what people said, or an import, makes the gold again."
        )
    return redirect("labelling:disagreement", slug=slug, review_id=review.pk)


# --- When gold comes by itself --------------------------------------------------------------------


@login_required
@require_POST
def gold_policy(request: HttpRequest, slug: str) -> HttpResponse:
    """Change when answers become gold; a job goes over what was said before."""
    project = enter(request, slug, at_least=Role.OWNER, section="label")
    try:
        job = change_gold_policy(
            project=project, policy=request.POST.get("policy", ""), actor=signed_in(request)
        )
    except (Conflict, Invalid) as error:
        messages.error(request, error.detail)
        return redirect("labelling:disagreements", slug=slug)
    return redirect("jobs:detail", slug=slug, job_id=job.pk)
