"""Trainings and model versions over REST."""

from typing import Any

from django.http import FileResponse, Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import IDEMPOTENCY, CursorPagination, idempotency_key, valid
from jobs.api import JobOut, job_link
from ml import selectors, services
from ml.checkpoints import READABLE, readable_file
from ml.core.config import BESIDE
from ml.core.space import MOST_TRIALS
from ml.evaluation_files import CONTENT_TYPES, evaluation_response
from ml.models import Evaluation, ModelVersion, Tier, TrainingRun
from ml.planning import plan_training
from ml.searching import USUAL_TRIALS, start_search
from ml.wishes import (
    MOST_MINUTES,
    MOST_STEPS,
    MOST_TEXTS,
    MOST_TOKENS,
    OF_HEADS,
    ORDINALS,
    POOLINGS,
    PRECISIONS,
    TRUNCATIONS,
    HeadWish,
    Wishes,
)
from projects.api_base import ProjectAPIView
from projects.models import Role
from reviews.api import JobLinkOut

MAX_NUMBER = 2**31 - 1


def _between(name: str) -> dict[str, Any]:
    low, high = OF_HEADS[name]
    return {"min_value": low, "max_value": high}


class TrainingRunOut(serializers.Serializer[TrainingRun]):
    """A training as programs see it."""

    id = serializers.IntegerField(source="number")
    tier = serializers.CharField()
    encoder = serializers.CharField()
    config = serializers.DictField()
    schema_version = serializers.IntegerField()
    snapshot_sha256 = serializers.CharField(source="snapshot_hash")
    counts = serializers.DictField()
    curve = serializers.ListField()
    seconds = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.SerializerMethodField()
    model_version = serializers.SerializerMethodField()
    job = serializers.SerializerMethodField()

    def get_created_by(self, run: TrainingRun) -> str | None:
        """Name the person, if one did it."""
        return run.created_by.get_username() if run.created_by else None

    def get_model_version(self, run: TrainingRun) -> int | None:
        """Return the number of the version that the training has left."""
        version: ModelVersion | None = getattr(run, "model_version", None)
        return version.number if version else None

    def get_job(self, run: TrainingRun) -> dict[str, Any] | None:
        """Return the job with its progress."""
        return dict(JobOut(run.job).data) if run.job else None


class HeadIn(serializers.Serializer[Any]):
    """What one question wants; what is left out is as for all."""

    weight = serializers.FloatField(
        **_between("weight"), required=False, help_text="Share in the joint loss; 1 otherwise."
    )
    hidden = serializers.IntegerField(
        **_between("hidden"), required=False, help_text="Width of the hidden layer; 0: none."
    )
    dropout = serializers.FloatField(**_between("dropout"), required=False)


class TrainingRunIn(serializers.Serializer[Any]):
    """How to train; what is left out is chosen by the tier."""

    tier = serializers.ChoiceField(choices=Tier.values, required=False)
    encoder = serializers.CharField(max_length=200, required=False)
    questions = serializers.ListField(
        child=serializers.CharField(max_length=50), required=False, min_length=1, max_length=100
    )
    epochs = serializers.IntegerField(min_value=1, max_value=1000, required=False)
    batch_size = serializers.IntegerField(min_value=1, max_value=4096, required=False)
    learning_rate = serializers.FloatField(min_value=1e-9, max_value=1.0, required=False)
    max_tokens = serializers.IntegerField(
        min_value=0,
        max_value=MOST_TOKENS,
        required=False,
        help_text="How much of a review is read; left out or 0, as much as most reviews are long.",
    )
    max_samples = serializers.IntegerField(min_value=1, max_value=MAX_NUMBER, required=False)
    seed = serializers.IntegerField(min_value=0, max_value=MAX_NUMBER, required=False)
    beside = serializers.MultipleChoiceField(choices=sorted(BESIDE), required=False)
    truncation = serializers.ChoiceField(choices=list(TRUNCATIONS), required=False)
    class_weights = serializers.BooleanField(
        required=False, help_text="Whether rare options, and rare marks of spans, weigh more."
    )
    hidden = serializers.IntegerField(
        min_value=0, max_value=4096, required=False, help_text="Width of the hidden layer; 0: none."
    )
    dropout = serializers.FloatField(min_value=0, max_value=0.95, required=False)
    projection = serializers.IntegerField(
        min_value=1,
        max_value=4096,
        required=False,
        help_text="Width of a linear layer that all questions share, before their own.",
    )
    normalise = serializers.BooleanField(
        required=False, help_text="Whether the vector that heads read is scaled to length one."
    )
    ordinal = serializers.ChoiceField(
        choices=list(ORDINALS), required=False, help_text="How scales of whole numbers are learned."
    )
    unfreeze = serializers.IntegerField(
        min_value=1, max_value=100, required=False, help_text="Layers that learn, from the last."
    )
    layer_decay = serializers.FloatField(min_value=0.1, max_value=1.0, required=False)
    accumulate = serializers.IntegerField(min_value=1, max_value=256, required=False)
    precision = serializers.ChoiceField(choices=list(PRECISIONS), required=False)
    pooling = serializers.ChoiceField(
        choices=list(POOLINGS), required=False, help_text="What of a review's tokens heads read."
    )
    heads = serializers.DictField(
        child=HeadIn(), required=False, help_text="Settings of single questions, by their keys."
    )
    pretraining_texts = serializers.IntegerField(
        min_value=1,
        max_value=MOST_TEXTS,
        required=False,
        help_text="Texts without labels, none of a test review, that an encoder to be fine-tuned "
        "reads before, guessing masked words.",
    )
    pretraining_steps = serializers.IntegerField(
        min_value=1,
        max_value=MOST_STEPS,
        required=False,
        help_text="Steps of that reading at most; three passes over the texts otherwise.",
    )
    pretraining_minutes = serializers.FloatField(
        min_value=0.1,
        max_value=MOST_MINUTES,
        required=False,
        help_text="Minutes of that reading at most; 30 otherwise.",
    )


class TrainingAcceptedOut(serializers.Serializer[Any]):
    """A training that waits for its worker."""

    training_run = TrainingRunOut()
    job = JobLinkOut()


class TrainingRunPageOut(serializers.Serializer[Any]):
    """Some trainings, and where the next ones are."""

    results = TrainingRunOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class TrainingRunListApi(ProjectAPIView):
    """The trainings of a project."""

    roles = {"GET": Role.VIEWER, "POST": Role.OWNER}

    @extend_schema(operation_id="training_runs_list", responses=TrainingRunPageOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List trainings, newest first."""
        pages = CursorPagination()
        page: Any = pages.paginate_queryset(selectors.runs_of(self.project), request, view=self)
        return pages.get_paginated_response(TrainingRunOut(page, many=True).data)

    @extend_schema(
        request=TrainingRunIn, responses={202: TrainingAcceptedOut}, parameters=[IDEMPOTENCY]
    )
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Start a training; 409 while another one is under way."""
        data = valid(TrainingRunIn(data=request.data))
        run = services.start_training(
            project=self.project,
            plan=plan_training(self.project, wishes_of(data)),
            actor=self.user,
            idempotency_key=idempotency_key(request),
        )
        assert run.job is not None  # noqa: S101  (it was made with one)
        body = {"training_run": TrainingRunOut(run).data, "job": job_link(run.job)}
        return Response(body, status=status.HTTP_202_ACCEPTED)


def wishes_of(data: dict[str, Any]) -> Wishes:
    """Return what checked input asks for."""
    questions = data.get("questions")
    asked = {
        "beside": tuple(sorted(data.get("beside") or ())),
        "heads": {key: HeadWish(**own) for key, own in data.get("heads", {}).items()},
        "class_weights": data.get("class_weights") or None,
        "normalise": data.get("normalise") or None,
    }
    return Wishes(**data | asked | {"questions": tuple(questions) if questions else None})


class SearchIn(serializers.Serializer[Any]):
    """How many settings to try, on which questions and encoder."""

    count = serializers.IntegerField(min_value=2, max_value=MOST_TRIALS, default=USUAL_TRIALS)
    encoder = serializers.CharField(max_length=200, required=False)
    questions = serializers.ListField(
        child=serializers.CharField(max_length=50), required=False, min_length=1, max_length=100
    )


class SearchAcceptedOut(serializers.Serializer[Any]):
    """A search that waits for its worker; its job's result will hold the trials."""

    job = JobLinkOut()


class SearchListApi(ProjectAPIView):
    """Searches of settings."""

    roles = {"POST": Role.OWNER}

    @extend_schema(request=SearchIn, responses={202: SearchAcceptedOut}, parameters=[IDEMPOTENCY])
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Try settings of the heads on a frozen encoder; 409 while another search is under way."""
        data = valid(SearchIn(data=request.data))
        questions = data.get("questions")
        job = start_search(
            project=self.project,
            actor=self.user,
            count=data["count"],
            wishes=Wishes(
                encoder=data.get("encoder"), questions=tuple(questions) if questions else None
            ),
            idempotency_key=idempotency_key(request),
        )
        return Response({"job": job_link(job)}, status=status.HTTP_202_ACCEPTED)


class TrainingRunApi(ProjectAPIView):
    """One training."""

    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=TrainingRunOut)
    def get(self, request: Request, slug: str, number: int) -> Response:  # noqa: ARG002
        """Return the training with its curve and its job."""
        return Response(TrainingRunOut(selectors.run_of(self.project, numbered(number))).data)


class StopApi(ProjectAPIView):
    """End a training early."""

    roles = {"POST": Role.ANALYST}

    @extend_schema(request=None, responses=TrainingRunOut)
    def post(self, request: Request, slug: str, number: int) -> Response:  # noqa: ARG002
        """End the training now and keep the best so far; 409 unless an epoch is done."""
        run = selectors.run_of(self.project, numbered(number))
        services.stop_early(run=run, actor=self.user)
        return Response(TrainingRunOut(selectors.run_of(self.project, run.number)).data)


class ModelVersionOut(serializers.Serializer[ModelVersion]):
    """A model version as lists show it."""

    id = serializers.IntegerField(source="number")
    tier = serializers.CharField()
    encoder = serializers.CharField()
    state = serializers.CharField()
    is_champion = serializers.BooleanField()
    training_run = serializers.IntegerField(source="training_run.number")
    created_at = serializers.DateTimeField()
    promoted_at = serializers.DateTimeField(allow_null=True)
    headlines = serializers.SerializerMethodField()

    def get_headlines(self, version: ModelVersion) -> dict[str, Any]:
        """Return the main figure of every question, with its interval and n."""
        return {
            row.question_key: (row.metrics.get("model") or {}).get("headline")
            for row in selectors.evaluations_of(version)
        }


class ModelVersionDetailOut(ModelVersionOut):
    """A model version with everything that was measured."""

    questions = serializers.SerializerMethodField()
    snapshot_sha256 = serializers.CharField(source="training_run.snapshot_hash")
    counts = serializers.DictField(source="training_run.counts")
    config = serializers.DictField(source="training_run.config")
    manifest_sha256 = serializers.CharField()

    def get_questions(self, version: ModelVersion) -> dict[str, Any]:
        """Return the metrics of every question: model, baselines, confusion, note."""
        return {row.question_key: _measured(row) for row in selectors.evaluations_of(version)}


def _measured(row: Evaluation) -> dict[str, Any]:
    metrics: dict[str, Any] = row.metrics
    return metrics


class ModelVersionPageOut(serializers.Serializer[Any]):
    """Some versions, and where the next ones are."""

    results = ModelVersionOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class ModelVersionListApi(ProjectAPIView):
    """The model versions of a project."""

    roles = {"GET": Role.VIEWER}

    @extend_schema(operation_id="model_versions_list", responses=ModelVersionPageOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List versions, newest first."""
        pages = CursorPagination()
        page: Any = pages.paginate_queryset(selectors.versions_of(self.project), request, view=self)
        return pages.get_paginated_response(ModelVersionOut(page, many=True).data)


class ModelVersionApi(ProjectAPIView):
    """One model version."""

    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=ModelVersionDetailOut)
    def get(self, request: Request, slug: str, number: int) -> Response:  # noqa: ARG002
        """Return the version with its metrics, intervals, baselines and confusion matrices."""
        version = selectors.version_of(self.project, numbered(number))
        return Response(ModelVersionDetailOut(version).data)


class EvaluationApi(ProjectAPIView):
    """What was measured about a version, with what its charts show."""

    roles = {"GET": Role.VIEWER}

    @extend_schema(
        responses={
            (200, kind.partition(";")[0]): OpenApiTypes.BINARY for kind in CONTENT_TYPES.values()
        },
        parameters=[OpenApiParameter("format", str, enum=list(CONTENT_TYPES))],
    )
    def get(self, request: Request, slug: str, number: int) -> HttpResponse:  # noqa: ARG002
        """Send figures, curves, reliability, residuals and slices (json), or every figure (csv)."""
        version = selectors.version_of(self.project, numbered(number))
        return evaluation_response(version, request.query_params.get("format", "json"))


class FileApi(ProjectAPIView):
    """A file that explains a version: its card, its manifest, its metrics, its settings."""

    roles = {"GET": Role.VIEWER}

    @extend_schema(
        responses={
            (200, "text/markdown"): OpenApiTypes.BINARY,
            (200, "application/json"): OpenApiTypes.BINARY,
        },
        parameters=[OpenApiParameter("name", str, OpenApiParameter.PATH, enum=READABLE)],
    )
    def get(self, request: Request, slug: str, number: int, name: str) -> FileResponse:  # noqa: ARG002
        """Send the file, compared with what was recorded of it; the weights are never sent."""
        version = selectors.version_of(self.project, numbered(number))
        path = readable_file(version, name)
        sent_as = f"version-{number}-{name}"
        return FileResponse(path.open("rb"), as_attachment=True, filename=sent_as)


def numbered(number: int) -> int:
    """Return a number of an address that a database can hold; anything longer is not there."""
    if number > MAX_NUMBER:
        raise Http404
    return number
