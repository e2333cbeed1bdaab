"""Data sets and reviews over REST."""

import json
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import IDEMPOTENCY, CursorPagination, idempotency_key, valid
from common.errors import GlossError, Invalid
from jobs.api import job_link
from projects.api_base import ProjectAPIView
from projects.models import Role
from reviews import rejects, selectors, services
from reviews.filters import apply_filters
from reviews.mapping import from_json
from reviews.models import Dataset, ImportJob, Review


class ImportOut(serializers.Serializer[ImportJob]):
    """What became of the rows of a file."""

    file = serializers.CharField(source="upload.original_name")
    sha256 = serializers.CharField(source="upload.sha256")
    read = serializers.IntegerField(source="read_count")
    accepted = serializers.IntegerField(source="accepted_count")
    rejected = serializers.IntegerField(source="rejected_count")
    duplicates = serializers.IntegerField(source="duplicate_count")
    mapping = serializers.JSONField()


class DatasetOut(serializers.Serializer[Dataset]):
    """A data set as programs see it."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    is_ready = serializers.BooleanField()
    review_count = serializers.IntegerField()
    split_counts = serializers.DictField(child=serializers.IntegerField())
    created_at = serializers.DateTimeField()
    created_by = serializers.SerializerMethodField()
    imports = ImportOut(many=True)

    def get_created_by(self, dataset: Dataset) -> str | None:
        """Name the person, if one did it."""
        return dataset.created_by.get_username() if dataset.created_by else None


class DatasetIn(serializers.Serializer[Dataset]):
    """A file, what to call its reviews, and which column is what (guessed when left out)."""

    file = serializers.FileField(allow_empty_file=True)
    name = serializers.CharField(max_length=services.MAX_DATASET_NAME)
    mapping = serializers.CharField(required=False, trim_whitespace=False)
    encoding = serializers.CharField(required=False)
    delimiter = serializers.CharField(required=False, trim_whitespace=False)


class JobLinkOut(serializers.Serializer[Any]):
    """Where to ask how far a job is."""

    id = serializers.UUIDField()
    url = serializers.CharField()


class AcceptedOut(serializers.Serializer[Any]):
    """A data set that is being imported, and the job that does it."""

    dataset = DatasetOut()
    job = JobLinkOut()


class DatasetPageOut(serializers.Serializer[Any]):
    """Some data sets, and where the next ones are."""

    results = DatasetOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class DatasetListApi(ProjectAPIView):
    """The data sets of a project; a new one is imported from a file."""

    roles = {"GET": Role.VIEWER, "POST": Role.ANALYST}

    @extend_schema(operation_id="datasets_list", responses=DatasetPageOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List data sets, newest first."""
        pages = CursorPagination()
        page: Any = pages.paginate_queryset(selectors.datasets_of(self.project), request, view=self)
        return pages.get_paginated_response(DatasetOut(page, many=True).data)

    @extend_schema(
        request={"multipart/form-data": DatasetIn},
        responses={202: AcceptedOut},
        parameters=[IDEMPOTENCY],
    )
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Take a file and start its import; repeating a request with its key changes nothing."""
        key = idempotency_key(request)
        before = services.started_before(project=self.project, actor=self.user, key=key)
        started = before or self._start(valid(DatasetIn(data=request.data)), key)
        dataset = selectors.dataset_of(self.project, started.dataset.pk)
        body = {"dataset": DatasetOut(dataset).data, "job": job_link(started.job)}
        return Response(body, status=status.HTTP_202_ACCEPTED)

    def _start(self, data: dict[str, Any], key: str | None) -> services.Started:
        mapping = _mapping(data["mapping"]) if "mapping" in data else None
        upload = services.receive_upload(project=self.project, file=data["file"], actor=self.user)
        try:
            started = services.start_import(
                project=self.project,
                dataset_name=data["name"],
                upload=upload,
                mapping=mapping,
                encoding=data.get("encoding"),
                delimiter=data.get("delimiter"),
                actor=self.user,
                idempotency_key=key,
            )
        except GlossError:
            services.discard_upload(upload=upload)
            raise
        if not started.is_new:  # the file came twice at once; the first one is in use
            services.discard_upload(upload=upload)
        return started


def _mapping(raw: str) -> Any:
    try:
        return from_json(json.loads(raw))
    except (ValueError, RecursionError) as error:
        raise Invalid.of("mapping", f"The mapping is not JSON: {error}.") from error


class DatasetApi(ProjectAPIView):
    """One data set."""

    roles = {"GET": Role.VIEWER}

    @extend_schema(operation_id="datasets_retrieve", responses=DatasetOut)
    def get(self, request: Request, slug: str, dataset_id: int) -> Response:  # noqa: ARG002
        """Return the data set with what became of its file."""
        return Response(DatasetOut(selectors.dataset_of(self.project, dataset_id)).data)


class RejectsApi(ProjectAPIView):
    """The rows of a file that could not be taken."""

    roles = {"GET": Role.VIEWER}

    @extend_schema(responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR)})
    def get(self, request: Request, slug: str, dataset_id: int) -> StreamingHttpResponse:  # noqa: ARG002
        """Stream them as CSV, with line and error."""
        return rejects.response(selectors.dataset_of(self.project, dataset_id))


class ReviewOut(serializers.Serializer[Review]):
    """A review as programs see it."""

    id = serializers.IntegerField()
    dataset = serializers.IntegerField(source="dataset_id")
    text = serializers.CharField()
    metadata = serializers.DictField()
    product = serializers.CharField()
    author = serializers.CharField()
    reviewed_at = serializers.DateField(allow_null=True)
    split = serializers.ChoiceField(choices=Review.Split.values)
    is_control = serializers.BooleanField()
    is_labelled = serializers.BooleanField()
    priority = serializers.FloatField()


class ReviewPageOut(serializers.Serializer[Any]):
    """Some reviews, and where the next ones are."""

    results = ReviewOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


_FILTERS = [
    OpenApiParameter("dataset", int),
    OpenApiParameter("q", str, description="Words that the text contains, in any case."),
    OpenApiParameter("split", str, enum=Review.Split.values),
    OpenApiParameter("min_length", int, description="Characters."),
    OpenApiParameter("control", bool, description="Whether it is of the random slice."),
    OpenApiParameter("cursor", str),
    OpenApiParameter("page_size", int),
]


class ReviewListApi(ProjectAPIView):
    """The reviews of a project's data sets."""

    roles = {"GET": Role.VIEWER}

    @extend_schema(operation_id="reviews_list", parameters=_FILTERS, responses=ReviewPageOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List reviews, newest first, narrowed by filters; an unknown filter is refused."""
        pages = CursorPagination()
        own = {pages.cursor_query_param, pages.page_size_query_param}
        asked = [
            (name, value)
            for name, values in request.query_params.lists()
            if name not in own
            for value in values
        ]
        reviews = apply_filters(selectors.visible_reviews(self.project), self.project, asked)
        page: Any = pages.paginate_queryset(reviews, request, view=self)
        return pages.get_paginated_response(ReviewOut(page, many=True).data)


class ReviewApi(ProjectAPIView):
    """One review."""

    roles = {"GET": Role.VIEWER}

    @extend_schema(operation_id="reviews_retrieve", responses=ReviewOut)
    def get(self, request: Request, slug: str, review_id: int) -> Response:  # noqa: ARG002
        """Return the review."""
        return Response(ReviewOut(selectors.review_of(self.project, review_id)).data)
