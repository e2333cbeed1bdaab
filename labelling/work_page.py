"""What the label page shows of one review in front of one person."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.urls import reverse

from accounts.models import User
from common.errors import FieldError, GlossError, Invalid
from labelling import form_page, gold, guidelines, hotkeys, own_keys, selectors
from labelling.comparing import Comparison
from labelling.form_page import NO_SUGGESTIONS, Suggestions
from labelling.models import Annotation, Assignment
from labelling.snapshot import SchemaSnapshot
from projects.models import Membership, Project
from reviews.models import Review

#: Why people pass a review on, each with the key that says so while the reasons are open.
SKIP_REASONS = tuple(
    enumerate(("Not clear", "Another language", "Not a review", "Needs an expert"), start=1)
)


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
    #: Set where what the person wants kept is not what is kept now.
    comparison: Comparison | None = None

    def context(self, membership: Membership) -> dict[str, Any]:
        """Return what the templates show."""
        said = form_page.errors_by_question(self.errors)
        blocks = form_page.blocks(
            self.schema,
            self.raw,
            suggestions=self.suggestions,
            errors=said,
            chosen=membership.keys,
        )
        return frame(membership, self.schema) | {
            "work": self,
            "blocks": blocks,
            "has_suggestions": bool(self._asked_suggestions()),
            "span_data": form_page.span_data(
                self.schema, self.review.text, self.raw, self.suggestions
            ),
            "form_error": next((e.message for e in self.errors if not _is_shown(e, said)), ""),
            "comparison": self.comparison,
            "skip_reasons": SKIP_REASONS,
        }

    def _asked_suggestions(self) -> set[str]:
        """Return the questions about which the page shows what a model proposes."""
        return {each.key for each in self.schema.questions} & set(self.suggestions.values)

    @property
    def source(self) -> str:
        """Why the review was served, as the person is told."""
        return selectors.shown_source(self.assignment) if self.assignment else ""

    @property
    def suggested_by(self) -> int | None:
        """The model version whose proposals are on the page."""
        return self.suggestions.model_version if self._asked_suggestions() else None

    def refused(self, sent: Mapping[str, Any], error: GlossError) -> "Work":
        """Return this with what was sent filled in and the reason why it was not kept."""
        errors = error.errors if isinstance(error, Invalid) else ()
        shown = errors or (FieldError("", error.detail),)
        return replace(self, raw=sent["answers"], note=sent["note"], errors=shown)


def frame(membership: Membership, schema: SchemaSnapshot) -> dict[str, Any]:
    """Return what is the same for every review: keys, guidelines and how far the work is."""
    user: User = membership.user
    return {
        "schema": schema,
        "guidelines_html": guidelines.as_html(schema.guidelines),
        "keys": hotkeys.actions(schema.questions, membership.keys),
        "modifier": membership.keys.get(own_keys.MODIFIER, ""),
        "progress": selectors.progress(membership.project, user),
        "shortcuts": user.shortcuts,
    }


def leased(project: Project, assignment: Assignment, schema: SchemaSnapshot) -> Work:
    """Return the work on an assignment: imported answers filled in, proposals beside them.

    Who is asked again starts from what of their own answers still stands.
    """
    review = assignment.review
    before = _before(assignment)
    known = selectors.imported_answers(project, schema, review)
    if before is not None:
        known = gold.read_answers(before, schema)
    return Work(
        project=project,
        review=review,
        schema=schema,
        action=reverse("labelling:submit", args=[project.slug, assignment.pk]),
        assignment=assignment,
        raw=form_page.as_raw(known, schema),
        note=before.note if before is not None else "",
        suggestions=selectors.suggestions_for(assignment),
    )


def _before(assignment: Assignment) -> Annotation | None:
    """Return what the person is asked to say again."""
    if assignment.source != Assignment.Source.AGAIN:
        return None
    said = gold.annotations_of([assignment.review_id])
    return next((each for each in said if each.annotator_id == assignment.annotator_id), None)


def _is_shown(error: FieldError, said: Mapping[str, str]) -> bool:
    return error.field.removeprefix("answers.") in said and error.field != "answers"
