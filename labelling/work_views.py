"""The label page: one review, every question on one form, Enter brings the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from common.errors import Conflict, FieldError, Invalid, NotReady, NotVisible
from common.http import page
from labelling import answers as answers_json
from labelling import form_page, gold, selectors, services
from labelling.form_page import NO_SUGGESTIONS, Suggestions
from labelling.models import Annotation, Assignment
from labelling.snapshot import SchemaSnapshot
from projects.access import enter
from projects.models import Project, Role
from projects.views import signed_in
from reviews.models import Review
from reviews.selectors import visible_reviews


@dataclass(frozen=True)
class Work:
    """One review in front of one person."""

    project: Project
    review: Review
    schema: SchemaSnapshot
    action: str
    assignment: Assignment | None = None
    annotation: Annotation | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    suggestions: Suggestions = NO_SUGGESTIONS
    errors: tuple[FieldError, ...] = ()

    def context(self, user: User) -> dict[str, Any]:
        """Return what the templates show."""
        said = form_page.errors_by_question(self.errors)
        return {
            "work": self,
            "blocks": form_page.blocks(
                self.schema, self.raw, suggestions=self.suggestions, errors=said
            ),
            "span_data": form_page.span_data(
                self.schema, self.review.text, self.raw, self.suggestions
            ),
            "form_error": next((e.message for e in self.errors if not _is_shown(e, said)), ""),
            "progress": selectors.progress(self.project, user),
            "shortcuts": user.shortcuts,
        }


def _is_shown(error: FieldError, said: Mapping[str, str]) -> bool:
    return error.field.removeprefix("answers.") in said and error.field != "answers"


@login_required
@require_GET
def label(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the review to label now."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    return _next(request, project)


def _next(
    request: HttpRequest, project: Project, *, status: int = 200, notice: str = ""
) -> HttpResponse:
    user = signed_in(request)
    try:
        assignment = services.next_assignment(project=project, annotator=user)
    except NotReady as error:
        return _nothing(request, project, user, notice=error.detail, status=200)
    if assignment is None:
        return _nothing(request, project, user, notice=notice, status=status)
    return _show(request, _leased(project, assignment), status=status, notice=notice)


def _leased(project: Project, assignment: Assignment) -> Work:
    schema = selectors.schema_to_answer(project)
    review = assignment.review
    imported = selectors.imported_answers(project, schema, review)
    return Work(
        project=project,
        review=review,
        schema=schema,
        action=reverse("labelling:submit", args=[project.slug, assignment.pk]),
        assignment=assignment,
        raw=form_page.as_raw(imported, schema),
        suggestions=selectors.suggestions_for(assignment),
    )


def _show(request: HttpRequest, work: Work, *, status: int = 200, notice: str = "") -> HttpResponse:
    context = work.context(signed_in(request)) | {"notice": notice}
    response = page(request, "labelling/label.html", context, fragment="labelling/_work.html")
    response.status_code = status
    # A review shown again from the browser's memory would be one that is done.
    response["Cache-Control"] = "no-store"
    return response


def _nothing(
    request: HttpRequest, project: Project, user: User, *, notice: str, status: int
) -> HttpResponse:
    context = {
        "notice": notice,
        "progress": selectors.progress(project, user),
        "has_questions": bool(selectors.current_schema(project).questions),
    }
    response = page(request, "labelling/label.html", context, fragment="labelling/_nothing.html")
    response.status_code = status
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


def _sent(request: HttpRequest, schema: SchemaSnapshot) -> dict[str, Any]:
    """Return what a form sent, as the services take it."""
    try:
        version = int(request.POST.get("schema_version", ""))
    except ValueError:
        raise Invalid.of("schema_version", "The form has no version. Reload the page.") from None
    return {
        "schema_version": version,
        "answers": answers_json.from_form(schema, request.POST),
        "note": request.POST.get("note", ""),
    }


def _seconds(request: HttpRequest) -> float | None:
    try:
        return float(request.POST.get("seconds", ""))
    except ValueError:
        return None


@login_required
@require_POST
def submit(request: HttpRequest, slug: str, assignment_id: int) -> HttpResponse:
    """Keep the answers and bring the next review."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    user = signed_in(request)
    assignment = _assignment(project, user, assignment_id)
    schema = selectors.schema_to_answer(project)
    sent = _sent(request, schema)
    try:
        services.submit(assignment=assignment, annotator=user, seconds=_seconds(request), **sent)
    except Invalid as error:
        work = _leased(project, assignment)
        return _show(request, _with(work, sent, error), status=422)
    except Conflict as error:
        return _next(request, project, status=409, notice=error.detail)
    return _go_on(request, project)


def _with(work: Work, sent: Mapping[str, Any], error: Invalid) -> Work:
    errors = error.errors or (FieldError("", error.detail),)
    return replace(work, raw=sent["answers"], note=sent["note"], errors=errors)


def _go_on(request: HttpRequest, project: Project) -> HttpResponse:
    """Answer a script with the next review at once, a plain form with a redirect."""
    if getattr(request, "htmx", False):
        return _next(request, project)
    return redirect("labelling:label", slug=project.slug)


@login_required
@require_POST
def skip(request: HttpRequest, slug: str, assignment_id: int) -> HttpResponse:
    """Pass the review on and bring the next."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    user = signed_in(request)
    assignment = _assignment(project, user, assignment_id)
    try:
        services.skip(assignment=assignment, annotator=user, reason=request.POST.get("reason", ""))
    except Conflict as error:
        return _next(request, project, status=409, notice=error.detail)
    return _go_on(request, project)


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


@login_required
@require_GET
def last(request: HttpRequest, slug: str) -> HttpResponse:
    """Reopen what one submitted last: undo."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    newest = (
        Annotation.objects.filter(project=project, annotator=signed_in(request))
        .order_by("-id")
        .first()
    )
    if newest is None:
        return _next(request, project, notice="There is nothing to reopen yet.")
    return redirect("labelling:edit", slug=slug, annotation_id=newest.pk)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, slug: str, annotation_id: int) -> HttpResponse:
    """Show one's own annotation and keep changes to it."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    user = signed_in(request)
    annotation = selectors.annotations(project, by=user).filter(pk=annotation_id).first()
    if annotation is None:
        raise NotVisible
    schema = selectors.schema_to_answer(project)
    work = Work(
        project=project,
        review=annotation.review,
        schema=schema,
        action=reverse("labelling:edit", args=[slug, annotation.pk]),
        annotation=annotation,
        raw=form_page.as_raw(gold.read_answers(annotation, schema), schema),
        note=annotation.note,
    )
    if request.method != "POST":
        return _show(request, work)
    sent = _sent(request, schema)
    try:
        services.edit(annotation=annotation, annotator=user, **sent)
    except Invalid as error:
        return _show(request, _with(work, sent, error), status=422)
    except Conflict as error:
        return _show(request, work, status=409, notice=error.detail)
    return _go_on(request, project)


@login_required
@require_http_methods(["GET", "POST"])
def second_opinion(request: HttpRequest, slug: str, review_id: int) -> HttpResponse:
    """Let a reviewer answer about a review that others may have answered, without seeing them."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    user = signed_in(request)
    review = visible_reviews(project).filter(pk=review_id).first()
    if review is None:
        raise NotVisible
    mine = services.annotation_by(review, user)
    if mine is not None:
        return redirect("labelling:edit", slug=slug, annotation_id=mine.pk)
    schema = selectors.schema_to_answer(project)
    action = reverse("labelling:second_opinion", args=[slug, review_id])
    work = Work(project=project, review=review, schema=schema, action=action)
    if request.method != "POST":
        return _show(request, work)
    sent = _sent(request, schema)
    try:
        services.check_version(project, sent["schema_version"])
        services.record_annotation(
            review=review, annotator=user, answers=sent["answers"], seconds=_seconds(request)
        )
    except Invalid as error:
        return _show(request, _with(work, sent, error), status=422)
    except Conflict as error:
        return _show(request, work, status=409, notice=error.detail)
    return _go_on(request, project)
