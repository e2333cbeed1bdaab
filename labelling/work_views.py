"""The label page: one review, every question on one form, Enter brings the next.

A plain form is answered with a page or a redirect. The page's outbox sends the same forms in the
background: it gets 204 once they are kept, and else both versions side by side.
"""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from common.errors import Conflict, GlossError, Invalid, NotReady, NotVisible
from common.http import page
from labelling import answers as answers_json
from labelling import flags, form_page, gold, selectors, services
from labelling.comparing import compare
from labelling.models import Annotation, Assignment
from labelling.snapshot import SchemaSnapshot
from labelling.work_page import Work, frame, leased
from projects.access import enter
from projects.models import Membership, Project, Role
from projects.views import signed_in
from reviews.models import Review
from reviews.selectors import visible_reviews


@login_required
@require_GET
def label(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the review to label now."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    return _next(request, project)


def _membership(request: HttpRequest) -> Membership:
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    return membership


def _next(
    request: HttpRequest, project: Project, *, status: int = 200, notice: str = ""
) -> HttpResponse:
    user = signed_in(request)
    try:
        assignment = services.next_assignment(project=project, annotator=user)
    except NotReady as error:
        return _nothing(request, notice=error.detail, status=200)
    if assignment is None:
        return _nothing(request, notice=notice, status=status)
    schema = selectors.schema_to_answer(project)
    return _show(request, leased(project, assignment, schema), status=status, notice=notice)


def _show(request: HttpRequest, work: Work, *, status: int = 200, notice: str = "") -> HttpResponse:
    context = work.context(_membership(request)) | {"notice": notice}
    response = page(request, "labelling/label.html", context, fragment="labelling/_work.html")
    response.status_code = status
    # A review shown again from the browser's memory would be one that is done.
    response["Cache-Control"] = "no-store"
    return response


def _nothing(request: HttpRequest, *, notice: str, status: int) -> HttpResponse:
    membership = _membership(request)
    schema = selectors.current_schema(membership.project)
    context = frame(membership, schema) | {
        "notice": notice,
        "has_questions": bool(schema.questions),
    }
    response = page(request, "labelling/label.html", context, fragment="labelling/_nothing.html")
    response.status_code = status
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def ahead(request: HttpRequest, slug: str) -> HttpResponse:
    """Lease the reviews that come next and send those that the page does not have yet.

    `have` names the assignments that it has; what it has and is not named in the answer is lost.
    """
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    membership = _membership(request)
    try:
        held = services.fetch_ahead(project=project, annotator=signed_in(request))
    except NotReady:
        held = []
    schema = selectors.current_schema(project)
    have = set(request.POST.getlist("have"))
    works = [leased(project, each, schema) for each in held if str(each.pk) not in have]
    sent = [
        (work, render_to_string("labelling/_work.html", work.context(membership), request))
        for work in works
    ]
    context = frame(membership, schema) | {"sent": sent, "held": held}
    response = render(request, "labelling/_ahead.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _assignment(project: Project, user: User, assignment_id: int) -> Assignment:
    assignment = (
        Assignment.objects.select_related("review", "project")
        .filter(project=project, annotator=user, pk=assignment_id)
        .first()
    )
    if assignment is None:
        raise NotVisible
    return assignment


# --- What a form sent -----------------------------------------------------------------------------


def _asked(request: HttpRequest, project: Project) -> SchemaSnapshot:
    """Return the questions that a form answers, which may not be the current ones any more."""
    try:
        version = int(request.POST.get("schema_version", ""))
    except ValueError:
        raise Invalid.of("schema_version", "The form has no version. Reload the page.") from None
    known = selectors.schema_version(project, version) if 0 < version < 2**31 else None
    return known or replace(selectors.schema_to_answer(project), version=version)


def _sent(request: HttpRequest, schema: SchemaSnapshot) -> dict[str, Any]:
    """Return what a form sent, as the services take it."""
    return {
        "schema_version": schema.version,
        "answers": answers_json.from_form(schema, request.POST),
        "note": request.POST.get("note", ""),
    }


def _seconds(request: HttpRequest) -> float | None:
    try:
        return float(request.POST.get("seconds", ""))
    except ValueError:
        return None


def _number(request: HttpRequest, name: str) -> int | None:
    said = request.POST.get(name, "")
    return int(said) if said.isdecimal() and len(said) < 10 else None


# --- How it is answered ---------------------------------------------------------------------------


def _is_outbox(request: HttpRequest) -> bool:
    return request.headers.get("Gloss-Outbox") == "1"


def _go_on(request: HttpRequest, project: Project) -> HttpResponse:
    """Tell the outbox that it is kept, bring a script the next review, redirect a plain form."""
    if _is_outbox(request):
        return HttpResponse(status=204)
    if getattr(request, "htmx", False):
        return _next(request, project)
    return redirect("labelling:label", slug=project.slug)


def _refused(
    request: HttpRequest, work: Work, asked: SchemaSnapshot, error: GlossError
) -> HttpResponse:
    """Show why answers were not kept: to the outbox both versions, in a page the form again."""
    sent = _sent(request, asked)
    annotation = services.annotation_by(work.review, signed_in(request))
    comparison = compare(asked, sent["answers"], sent["note"], annotation)
    status = 409 if isinstance(error, Conflict) else 422
    shown = work.refused(sent, error)
    if not _is_outbox(request):
        if isinstance(error, Conflict):
            # The form is made up on what is kept now: whoever sends it again has seen both.
            shown = replace(shown, comparison=comparison, annotation=annotation or work.annotation)
        return _show(request, shown, status=status)
    context = {
        "error": error,
        "work": work,
        "comparison": comparison,
        "can_keep": annotation is not None and asked.version == work.schema.version,
    }
    return render(request, "labelling/_refused.html", context, status=status)


# --- Views of one review --------------------------------------------------------------------------


@login_required
@require_GET
def held(request: HttpRequest, slug: str, assignment_id: int) -> HttpResponse:
    """Show the review of one assignment again, as long as nobody else has it."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    user = signed_in(request)
    assignment = _assignment(project, user, assignment_id)
    try:
        services.heartbeat(assignment=assignment, annotator=user)
    except Conflict as error:
        return _next(request, project, status=409, notice=error.detail)
    return _show(request, leased(project, assignment, selectors.schema_to_answer(project)))


@login_required
@require_POST
def submit(request: HttpRequest, slug: str, assignment_id: int) -> HttpResponse:
    """Keep the answers and bring the next review."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    user = signed_in(request)
    assignment = _assignment(project, user, assignment_id)
    asked = _asked(request, project)
    suggested_by = _number(request, "suggested_by")
    try:
        services.submit(
            assignment=assignment,
            annotator=user,
            seconds=_seconds(request),
            saw_suggestions=suggested_by is not None if "suggested_by" in request.POST else None,
            suggested_by=suggested_by,
            **_sent(request, asked),
        )
    except (Invalid, Conflict) as error:
        if isinstance(error, Conflict) and not _is_outbox(request):
            return _next(request, project, status=409, notice=error.detail)
        work = leased(project, assignment, selectors.schema_to_answer(project))
        return _refused(request, work, asked, error)
    return _go_on(request, project)


@login_required
@require_POST
def skip(request: HttpRequest, slug: str, assignment_id: int) -> HttpResponse:
    """Pass the review on, with a reason if there is one, and bring the next."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    user = signed_in(request)
    assignment = _assignment(project, user, assignment_id)
    reason = request.POST.get("reason") or request.POST.get("own_reason", "")
    try:
        services.skip(assignment=assignment, annotator=user, reason=reason)
    except Conflict as error:
        if _is_outbox(request):
            return HttpResponse(status=204)  # it is answered: nothing is left to pass on
        return _next(request, project, status=409, notice=error.detail)
    return _go_on(request, project)


@login_required
@require_POST
def flag(request: HttpRequest, slug: str, review_id: int) -> HttpResponse:
    """Tell reviewers that somebody should look at a review, and go back to where one was."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    user = signed_in(request)
    review = _review(project, review_id)
    is_from_review = request.POST.get("from") == "review"
    try:
        flags.flag_review(
            project=project, review=review, person=user, note=request.POST.get("note", "")
        )
    except Invalid as error:
        if _is_outbox(request):
            return HttpResponse(error.detail, status=422, content_type="text/plain; charset=utf-8")
        if not is_from_review:
            return _next(request, project, status=422, notice=error.detail)
        messages.error(request, error.detail)
    else:
        if not is_from_review:
            return _go_on(request, project)
        messages.success(request, "Flagged: reviewers see it in their list.")
    return redirect(f"{reverse('reviews:detail', args=[slug, review.pk])}#flags")


def _review(project: Project, review_id: int) -> Review:
    review = visible_reviews(project).filter(pk=review_id).first()
    if review is None:
        raise NotVisible
    return review


@login_required
@require_POST
def heartbeat(request: HttpRequest, slug: str, assignment_id: int) -> HttpResponse:
    """Renew the lease while the page is open; 409 with a sentence when it is gone."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    user = signed_in(request)
    assignment = _assignment(project, user, assignment_id)
    try:
        services.heartbeat(assignment=assignment, annotator=user)
    except Conflict as error:
        return HttpResponse(error.detail, status=409, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)


# --- What was answered before ---------------------------------------------------------------------


@login_required
@require_GET
def last(request: HttpRequest, slug: str) -> HttpResponse:
    """Reopen what one submitted or skipped last: undo."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    user = signed_in(request)
    newest = Annotation.objects.filter(project=project, annotator=user).order_by("-id").first()
    skipped = (
        Assignment.objects.filter(project=project, annotator=user, state=Assignment.State.SKIPPED)
        .order_by("-ended_at", "-id")
        .first()
    )
    if skipped is not None and (newest is None or _is_later(skipped, newest)):
        return _taken_up(request, project, skipped)
    if newest is None:
        return _next(request, project, notice="There is nothing to reopen yet.")
    return redirect("labelling:edit", slug=slug, annotation_id=newest.pk)


def _is_later(skipped: Assignment, newest: Annotation) -> bool:
    return skipped.ended_at is not None and skipped.ended_at > newest.created_at


def _taken_up(request: HttpRequest, project: Project, skipped: Assignment) -> HttpResponse:
    try:
        services.take_up_again(assignment=skipped, annotator=signed_in(request))
    except Conflict as error:
        return _next(request, project, status=409, notice=error.detail)
    return redirect("labelling:held", slug=project.slug, assignment_id=skipped.pk)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, slug: str, annotation_id: int) -> HttpResponse:
    """Show one's own annotation and keep changes to it."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    user = signed_in(request)
    annotation = selectors.annotations(project, by=user).filter(pk=annotation_id).first()
    if annotation is None:
        raise NotVisible
    work = _edited(project, annotation)
    if request.method != "POST":
        return _show(request, work)
    asked = _asked(request, project)
    try:
        services.edit(
            annotation=annotation,
            annotator=user,
            revision=_number(request, "revision"),
            **_sent(request, asked),
        )
    except (Invalid, Conflict) as error:
        return _refused(request, work, asked, error)
    return _go_on(request, project)


def _edited(project: Project, annotation: Annotation) -> Work:
    schema = selectors.schema_to_answer(project)
    return Work(
        project=project,
        review=annotation.review,
        schema=schema,
        action=reverse("labelling:edit", args=[project.slug, annotation.pk]),
        annotation=annotation,
        raw=form_page.as_raw(gold.read_answers(annotation, schema), schema),
        note=annotation.note,
    )


@login_required
@require_http_methods(["GET", "POST"])
def second_opinion(request: HttpRequest, slug: str, review_id: int) -> HttpResponse:
    """Let a reviewer answer about a review that others may have answered, without seeing them."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    user = signed_in(request)
    review = _review(project, review_id)
    mine = services.annotation_by(review, user)
    if mine is not None and request.method != "POST":
        return redirect("labelling:edit", slug=slug, annotation_id=mine.pk)
    schema = selectors.schema_to_answer(project)
    action = reverse("labelling:second_opinion", args=[slug, review_id])
    work = Work(project=project, review=review, schema=schema, action=action)
    if request.method != "POST":
        return _show(request, work)
    asked = _asked(request, project)
    sent = _sent(request, asked)
    try:
        services.check_version(project, sent["schema_version"])
        services.record_annotation(
            review=review, annotator=user, answers=sent["answers"], seconds=_seconds(request)
        )
    except (Invalid, Conflict) as error:
        return _refused(request, work, asked, error)
    return _go_on(request, project)
