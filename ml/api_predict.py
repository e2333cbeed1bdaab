"""Predictions over REST: some at once, many in a job."""

import re
from typing import Any

from django.conf import settings
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiToken
from common.api import IDEMPOTENCY, CursorPagination, idempotency_key, valid
from common.errors import FieldError, Invalid
from jobs.api import JobOut, job_link
from labelling.selectors import current_schema
from ml import results, selectors, services, serving, shapes
from ml.api import MAX_NUMBER, numbered
from ml.inputs import MAX_CHARS
from ml.models import PredictionJob
from ml.services import Source
from projects.api_base import ProjectAPIView
from projects.models import Role
from reviews.api import JobLinkOut
from reviews.selectors import dataset_of

MAX_TEXTS = 256

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class PredictIn(serializers.Serializer[Any]):
    """Texts, or reviews with ids of the caller's; the model version is the champion by default."""

    texts = serializers.ListField(required=False, max_length=MAX_TEXTS, min_length=1)
    reviews = serializers.ListField(
        child=serializers.DictField(), required=False, max_length=MAX_TEXTS, min_length=1
    )
    model_version = serializers.IntegerField(min_value=1, max_value=MAX_NUMBER, required=False)


class PredictOut(serializers.Serializer[Any]):
    """One prediction a text, in the order given: its id and a key for every question."""

    model_version = serializers.IntegerField()
    predictions = serializers.ListField(child=serializers.DictField())


class PredictApi(ProjectAPIView):
    """Answers at once."""

    roles = {"POST": Role.ANALYST}
    scope = ApiToken.Scope.PREDICT

    @extend_schema(request=PredictIn, responses=PredictOut)
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Answer every question of the project for up to 256 texts."""
        _check_size(request)
        data = valid(PredictIn(data=request.data))
        ids, texts = _texts(data)
        version = selectors.version_to_ask(self.project, data.get("model_version"))
        answers = serving.predict(version, texts)
        # One key for every question, also for one that the version has not learned.
        unlearned = {each.key: None for each in current_schema(self.project).questions}
        predictions = [
            {"id": own_id, **shapes.named(unlearned | answer)}
            for own_id, answer in zip(ids, answers, strict=True)
        ]
        return Response({"model_version": version.number, "predictions": predictions})


def _check_size(request: Request) -> None:
    """Refuse a body before it is read into memory."""
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if length > limit:
        raise Invalid(
            f"The request has {length:,} bytes, at most {limit:,} are taken. Send fewer texts at a "
            "time, or start a prediction job."
        )


def _texts(data: dict[str, Any]) -> tuple[list[Any], list[str]]:
    """Return ids and texts; raise Invalid naming every text that cannot be used."""
    if ("texts" in data) == ("reviews" in data):
        raise Invalid("Send either texts or reviews.")
    given: list[tuple[Any, Any]]
    if "texts" in data:
        given = list(enumerate(data["texts"]))
        names = [f"texts[{index}]" for index in range(len(given))]
    else:
        given = [(each.get("id"), each.get("text")) for each in data["reviews"]]
        names = [f"reviews[{index}].text" for index in range(len(given))]
    pairs = zip(names, given, strict=True)
    errors = [
        FieldError(name, fault) for name, (_, text) in pairs if (fault := _fault(text)) is not None
    ]
    errors += [
        FieldError(f"reviews[{index}].id", "An id is a string or a number.")
        for index, (own_id, _) in enumerate(given)
        if not isinstance(own_id, str | int | None)
    ]
    if errors:
        raise Invalid(f"{errors[0].field}: {errors[0].message}", errors=tuple(errors))
    return [own_id for own_id, _ in given], [readable(text) for _, text in given]


def _fault(text: Any) -> str | None:
    if not isinstance(text, str):
        return "This is not a text."
    if not text.strip():
        return "There is no text."
    if len(text) > MAX_CHARS:
        return f"The text has {len(text):,} characters, at most {MAX_CHARS:,} are taken."
    return None


def readable(text: str) -> str:
    """Replace halves of surrogate pairs, which no encoding can write, one for one."""
    return _LONE_SURROGATE.sub("\ufffd", text)


# --- Prediction jobs ------------------------------------------------------------------------------


class PredictionJobOut(serializers.Serializer[PredictionJob]):
    """A bulk prediction as programs see it."""

    id = serializers.IntegerField()
    model_version = serializers.IntegerField(source="model_version.number")
    dataset = serializers.IntegerField(source="dataset_id", allow_null=True)
    file = serializers.SerializerMethodField()
    text = serializers.CharField(source="text_column")
    row_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    job = serializers.SerializerMethodField()
    results = serializers.SerializerMethodField()

    def get_file(self, work: PredictionJob) -> str | None:
        """Return the name of the file as it was sent."""
        return work.upload.original_name if work.upload else None

    def get_job(self, work: PredictionJob) -> dict[str, Any] | None:
        """Return the job with its progress."""
        return dict(JobOut(work.job).data) if work.job else None

    def get_results(self, work: PredictionJob) -> str | None:
        """Return where the results are, once they are there."""
        if not work.result_file:
            return None
        return f"/api/v1/projects/{work.project.slug}/prediction-jobs/{work.pk}/results/"


class PredictionJobIn(serializers.Serializer[Any]):
    """A file with the column of its text, or a data set of the project."""

    file = serializers.FileField(required=False, allow_empty_file=True)
    text = serializers.CharField(
        required=False, max_length=200, trim_whitespace=False, allow_blank=True
    )
    dataset = serializers.IntegerField(required=False, min_value=1, max_value=MAX_NUMBER)
    model_version = serializers.IntegerField(required=False, min_value=1, max_value=MAX_NUMBER)


class PredictionJobPageOut(serializers.Serializer[Any]):
    """Some bulk predictions, and where the next ones are."""

    results = PredictionJobOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class PredictionAcceptedOut(serializers.Serializer[Any]):
    """A bulk prediction that waits for its worker."""

    prediction_job = PredictionJobOut()
    job = JobLinkOut()


class PredictionJobListApi(ProjectAPIView):
    """The bulk predictions of a project."""

    roles = {"GET": Role.ANALYST, "POST": Role.ANALYST}

    @extend_schema(operation_id="prediction_jobs_list", responses=PredictionJobPageOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List bulk predictions, newest first."""
        pages = CursorPagination()
        works = selectors.predictions_of(self.project)
        page: Any = pages.paginate_queryset(works, request, view=self)
        return pages.get_paginated_response(PredictionJobOut(page, many=True).data)

    @extend_schema(
        request={
            "multipart/form-data": PredictionJobIn,
            "application/json": PredictionJobIn,
        },
        responses={202: PredictionAcceptedOut},
        parameters=[IDEMPOTENCY],
    )
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Predict a data set or a file in a job; repeating it with its key changes nothing."""
        key = idempotency_key(request)
        work = services.prediction_of_key(project=self.project, actor=self.user, key=key)
        if work is None:
            work = self._start(valid(PredictionJobIn(data=request.data)), key)
        assert work.job is not None  # noqa: S101  (it was made with one)
        body = {"prediction_job": PredictionJobOut(work).data, "job": job_link(work.job)}
        return Response(body, status=status.HTTP_202_ACCEPTED)

    def _start(self, data: dict[str, Any], key: str | None) -> PredictionJob:
        if ("file" in data) == ("dataset" in data):
            raise Invalid("Send either a file or a dataset.")
        version = selectors.version_to_ask(self.project, data.get("model_version"))
        if "dataset" in data:
            return services.start_prediction(
                project=self.project,
                version=version,
                source=Source(dataset=dataset_of(self.project, data["dataset"])),
                actor=self.user,
                idempotency_key=key,
            )
        return services.start_file_prediction(
            project=self.project,
            version=version,
            file=data["file"],
            column=data.get("text", ""),
            actor=self.user,
            idempotency_key=key,
        )


class PredictionJobApi(ProjectAPIView):
    """One bulk prediction."""

    roles = {"GET": Role.ANALYST}

    @extend_schema(responses=PredictionJobOut)
    def get(self, request: Request, slug: str, prediction_id: int) -> Response:  # noqa: ARG002
        """Return the bulk prediction with its job."""
        work = selectors.prediction_of(self.project, numbered(prediction_id))
        return Response(PredictionJobOut(work).data)


class ResultsApi(ProjectAPIView):
    """The answers of a bulk prediction."""

    roles = {"GET": Role.ANALYST}

    @extend_schema(
        responses={
            (200, kind.partition(";")[0]): OpenApiTypes.BINARY
            for kind in results.CONTENT_TYPES.values()
        },
        parameters=[OpenApiParameter("format", str, enum=list(results.CONTENT_TYPES))],
    )
    def get(
        self,
        request: Request,
        slug: str,  # noqa: ARG002
        prediction_id: int,
    ) -> StreamingHttpResponse:
        """Stream one row for every row of the input, in its order: csv, jsonl or parquet."""
        work = selectors.prediction_of(self.project, numbered(prediction_id))
        return results_response(work, request.query_params.get("format", "csv"))


def results_response(work: PredictionJob, chosen: str) -> StreamingHttpResponse:
    """Send the results as an attachment under a name of ours."""
    stream = results.stream(work, chosen)
    response = StreamingHttpResponse(stream, content_type=results.CONTENT_TYPES[chosen])
    response["Content-Disposition"] = f'attachment; filename="predictions-{work.pk}.{chosen}"'
    return response
