"""Questions, the queue and annotations over REST."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiToken, User
from accounts.repeats import answered_once
from common.api import IDEMPOTENCY, CursorPagination, valid
from common.errors import Invalid
from labelling import answers as answers_json
from labelling import change_job, gold, schemas, selectors, services, versions
from labelling.answers import Answers
from labelling.change_json import from_json
from labelling.changes import Change, between
from labelling.models import Annotation, Assignment
from labelling.preview import as_json
from labelling.snapshot import OptionSnapshot, QuestionSnapshot, SchemaSnapshot
from projects.access import membership_for
from projects.api_base import ProjectAPIView, check_scope
from projects.models import Role


class OptionData(serializers.Serializer[Any]):
    """An allowed answer; the key is made from the name when left out."""

    key = serializers.CharField(max_length=100, required=False)
    name = serializers.CharField(max_length=100)
    colour = serializers.IntegerField(min_value=1, max_value=12, required=False)
    hot_key = serializers.CharField(max_length=1, required=False, allow_blank=True, default="")


class QuestionData(serializers.Serializer[Any]):
    """What is asked; the key is made from the name when left out."""

    key = serializers.CharField(max_length=50, required=False)
    name = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(choices=schemas.KINDS)
    instructions = serializers.CharField(required=False, allow_blank=True, default="")
    is_required = serializers.BooleanField(required=False, default=True)
    minimum = serializers.FloatField(required=False, allow_null=True, default=None)
    maximum = serializers.FloatField(required=False, allow_null=True, default=None)
    is_integer = serializers.BooleanField(required=False, default=False)
    has_polarity = serializers.BooleanField(required=False, default=False)
    allows_overlap = serializers.BooleanField(required=False, default=True)
    options = OptionData(many=True, required=False)


class SchemaIn(serializers.Serializer[Any]):
    """A new version; `version` is the one it starts from, to notice changes by others.

    Either all questions, whose keys then tell what becomes of answers, or `changes`, which say
    it. With `dry_run` nothing is changed: the answer says what would be.
    """

    version = serializers.IntegerField(required=False, min_value=0)
    guidelines = serializers.CharField(required=False, allow_blank=True)
    questions = QuestionData(many=True, required=False)
    changes = serializers.JSONField(required=False)
    dry_run = serializers.BooleanField(required=False, default=False)


class SchemaOut(serializers.Serializer[Any]):
    """A version of the questions."""

    version = serializers.IntegerField()
    guidelines = serializers.CharField()
    questions = QuestionData(many=True)


class SchemaApi(ProjectAPIView):
    """The questions of a project."""

    roles = {"GET": Role.VIEWER, "POST": Role.OWNER}

    @extend_schema(responses=SchemaOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Return the current version."""
        return Response(SchemaOut(selectors.current_schema(self.project)).data)

    @extend_schema(
        request=SchemaIn,
        responses={
            200: OpenApiResponse(description="What would be changed, with dry_run"),
            201: SchemaOut,
            202: OpenApiResponse(description="So much is moved that a job does it"),
        },
        parameters=[IDEMPOTENCY],
    )
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Make a new version; the same questions again make none."""
        data = valid(SchemaIn(data=request.data))
        before = selectors.current_schema(self.project)
        changes = _changes(before, data)
        if data["dry_run"]:
            versions.check_base(before, data.get("version"))
            seen = change_job.look(project=self.project, before=before, changes=changes)
            return Response(as_json(seen))
        return answered_once(request, lambda: self._create(data, changes))

    def _create(self, data: dict[str, Any], changes: tuple[Change, ...]) -> Response:
        if "questions" in data:
            schema = services.create_version(
                project=self.project,
                questions=_questions(data["questions"]),
                guidelines=data.get("guidelines"),
                based_on=data.get("version"),
                actor=self.user,
            )
            return Response(SchemaOut(schema).data, status=status.HTTP_201_CREATED)
        made = change_job.request_change(
            project=self.project,
            changes=changes,
            guidelines=data.get("guidelines"),
            based_on=data.get("version"),
            actor=self.user,
        )
        if made.job is not None:
            job = {"id": str(made.job.pk), "url": f"/api/v1/jobs/{made.job.pk}/"}
            return Response({"job": job}, status=status.HTTP_202_ACCEPTED)
        return Response(SchemaOut(made.schema).data, status=status.HTTP_201_CREATED)


def _changes(before: SchemaSnapshot, data: dict[str, Any]) -> tuple[Change, ...]:
    """Return what is to be changed, said or to be found out by the keys of all questions."""
    if ("questions" in data) == ("changes" in data):
        raise Invalid.of("changes", "Send either questions, all of them, or changes.")
    if "changes" in data:
        return from_json(data["changes"])
    questions = _questions(data["questions"])
    schemas.check(questions)
    return between(before.questions, tuple(questions))


def _questions(rows: list[dict[str, Any]]) -> list[QuestionSnapshot]:
    questions: list[QuestionSnapshot] = []
    for row in rows:
        taken = [question.key for question in questions]
        options = _options(row.get("options", []))
        key = row.get("key") or schemas.key_of(row["name"], taken)
        questions.append(QuestionSnapshot(**row | {"key": key, "options": options}))
    return questions


def _options(rows: list[dict[str, Any]]) -> tuple[OptionSnapshot, ...]:
    options: list[OptionSnapshot] = []
    for index, row in enumerate(rows):
        key = row.get("key") or schemas.key_of(row["name"], [option.key for option in options])
        colour = row.get("colour") or 1 + index % schemas.COLOURS
        options.append(OptionSnapshot(key, row["name"], colour, row.get("hot_key", "")))
    return tuple(options)


# --- The queue ----------------------------------------------------------------------------------


class AssignmentOut(serializers.Serializer[Any]):
    """A lease."""

    id = serializers.IntegerField()
    lease_until = serializers.DateTimeField()
    state = serializers.CharField()
    served_as = serializers.SerializerMethodField()
    ranked_by = serializers.IntegerField(allow_null=True)

    def get_served_as(self, assignment: Assignment) -> str:
        """Say why it was served; quality checks do not tell."""
        return selectors.shown_source(assignment)


class ReviewBrief(serializers.Serializer[Any]):
    """The review to label."""

    id = serializers.IntegerField()
    text = serializers.CharField()
    metadata = serializers.JSONField()


class NextOut(serializers.Serializer[Any]):
    """What to label next."""

    assignment = AssignmentOut()
    review = ReviewBrief()
    schema_version = serializers.IntegerField()
    suggestions = serializers.DictField()


def next_out(assignment: Assignment, schema_version: int) -> dict[str, Any]:
    """Return a lease as programs get it."""
    suggestions = selectors.suggestions_for(assignment)
    return {
        "assignment": AssignmentOut(assignment).data,
        "review": ReviewBrief(assignment.review).data,
        "schema_version": schema_version,
        "suggestions": {
            key: {
                "value": value,
                "confidence": confidence,
                "model_version": suggestions.model_version,
            }
            for key, (value, confidence) in suggestions.values.items()
        },
    }


class QueueNextApi(ProjectAPIView):
    """The next review for whoever asks."""

    roles = {"POST": Role.ANNOTATOR}

    @extend_schema(
        request=None, responses={200: NextOut, 204: OpenApiResponse(description="Nothing to do")}
    )
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Lease the next review, or return the one held already."""
        schema = selectors.schema_to_answer(self.project)
        assignment = services.next_assignment(
            project=self.project, annotator=self.user, schema=schema
        )
        if assignment is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(next_out(assignment, schema.version))


class AssignmentAPIView(APIView):
    """An API view of one's own assignment: `self.assignment` is set before the handler runs."""

    assignment: Assignment

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, find the assignment, then open the door of its project."""
        super().initial(request, *args, **kwargs)
        assignment = selectors.own_assignment(request.user.pk or 0, kwargs["assignment_id"])
        if assignment is None:
            raise Http404
        slug = assignment.project.slug
        membership = membership_for(request.user, slug, at_least=Role.ANNOTATOR)
        assignment.project = membership.project
        check_scope(request, project_id=assignment.project_id, scope=ApiToken.Scope.WRITE)
        self.assignment = assignment

    @property
    def user(self) -> User:
        """The person behind the request."""
        assert isinstance(self.request.user, User)  # noqa: S101  (IsAuthenticated saw to it)
        return self.request.user


class SubmitIn(serializers.Serializer[Any]):
    """Answers to one version of the questions; `seconds` is the time they took."""

    schema_version = serializers.IntegerField()
    answers = serializers.JSONField()
    seconds = serializers.FloatField(required=False, allow_null=True, min_value=0)
    note = serializers.CharField(required=False, allow_blank=True, max_length=1000, default="")


class AnnotationOut(serializers.Serializer[Any]):
    """What one person said about one review."""

    id = serializers.IntegerField()
    review = serializers.IntegerField()
    annotator = serializers.CharField()
    is_external = serializers.BooleanField(
        help_text="Known from an imported file only; a member may have the same name."
    )
    schema_version = serializers.IntegerField()
    answers = serializers.DictField()
    seconds = serializers.FloatField(allow_null=True)
    note = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class AnnotationPageOut(serializers.Serializer[Any]):
    """Some annotations, and where the next ones are."""

    results = AnnotationOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


def _annotation_out(annotation: Annotation) -> dict[str, Any]:
    schema: SchemaSnapshot = selectors.schema_of(annotation)
    return _out(annotation, schema, gold.read_answers(annotation, schema))


def _out(annotation: Annotation, schema: SchemaSnapshot, answers: Answers) -> dict[str, Any]:
    return {
        "id": annotation.pk,
        "review": annotation.review_id,
        "annotator": annotation.annotator.shown_name,
        "is_external": annotation.annotator.is_external,
        "schema_version": schema.version,
        "answers": answers_json.to_json(answers, schema),
        "seconds": annotation.seconds,
        "note": annotation.note,
        "created_at": annotation.created_at,
        "updated_at": annotation.updated_at,
    }


class SubmitApi(AssignmentAPIView):
    """Answers for a leased review."""

    @extend_schema(request=SubmitIn, responses=AnnotationOut)
    def post(self, request: Request, assignment_id: int) -> Response:  # noqa: ARG002
        """Keep the answers; the same ones again change nothing."""
        data = valid(SubmitIn(data=request.data))
        kept = services.submit_and_read(assignment=self.assignment, annotator=self.user, **data)
        out = _out(kept.annotation, kept.schema, kept.answers)
        return Response(AnnotationOut(out).data)


class SkipIn(serializers.Serializer[Any]):
    """Why a review is passed on."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class SkipApi(AssignmentAPIView):
    """Pass a review on."""

    @extend_schema(request=SkipIn, responses=AssignmentOut)
    def post(self, request: Request, assignment_id: int) -> Response:  # noqa: ARG002
        """Skip; it is not served to the same person again."""
        data = valid(SkipIn(data=request.data))
        assignment = services.skip(
            assignment=self.assignment, annotator=self.user, reason=data["reason"]
        )
        return Response(AssignmentOut(assignment).data)


class HeartbeatApi(AssignmentAPIView):
    """Keep a review."""

    @extend_schema(request=None, responses=AssignmentOut)
    def post(self, request: Request, assignment_id: int) -> Response:  # noqa: ARG002
        """Renew the lease."""
        assignment = services.heartbeat(assignment=self.assignment, annotator=self.user)
        return Response(AssignmentOut(assignment).data)


class _OldestFirst(CursorPagination):
    ordering = "id"


class AnnotationListApi(ProjectAPIView):
    """What people said, oldest first; annotators see their own."""

    roles = {"GET": Role.ANNOTATOR}

    @extend_schema(operation_id="annotations_list", responses=AnnotationPageOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List annotations."""
        annotations = selectors.annotations(
            self.project, by=None if self.membership.can_review else self.user
        )
        pages = _OldestFirst()
        rows = pages.paginate_queryset(annotations, request, view=self) or []
        out = AnnotationOut([_annotation_out(row) for row in rows], many=True)
        return pages.get_paginated_response(out.data)
