"""Data sets and reviews over REST."""

import json
from collections.abc import Mapping
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
from reviews import drafts, rejects, selectors, services, undo
from reviews.mapping import ColumnMapping, from_json
from reviews.models import Dataset, ImportJob, Upload


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
    kind = serializers.ChoiceField(choices=Dataset.Kind.choices)
    # The one data set that it was made of, and how; the recipe is what derive takes.
    made_of = serializers.IntegerField(source="parent_id", allow_null=True)
    recipe = serializers.DictField()
    imports = ImportOut(many=True)

    def get_created_by(self, dataset: Dataset) -> str | None:
        """Name the person, if one did it."""
        return dataset.created_by.get_username() if dataset.created_by else None


class DatasetIn(serializers.Serializer[Dataset]):
    """A file or an upload, what to call its reviews, how it reads, and which column is what.

    What is left out is guessed. `format` and `mapping` are JSON objects.
    """

    file = serializers.FileField(allow_empty_file=True, required=False)
    upload = serializers.IntegerField(
        required=False, min_value=1, help_text="An upload that has arrived in pieces."
    )
    name = serializers.CharField(max_length=services.MAX_DATASET_NAME)
    mapping = serializers.CharField(required=False, trim_whitespace=False)
    format = serializers.CharField(
        required=False,
        help_text="kind, encoding, delimiter, quote, has_header, sheet; all may be left out.",
    )
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


class RemovedOut(serializers.Serializer[Any]):
    """The job that removes a data set."""

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
        data = valid(DatasetIn(data=request.data))
        before = services.started_before(project=self.project, actor=self.user, key=key)
        if before is not None:
            services.check_repeated(
                before, name=data["name"], file=data.get("file"), upload_id=data.get("upload")
            )
        started = before or self._start(data, key)
        dataset = selectors.dataset_of(self.project, started.dataset.pk)
        body = {"dataset": DatasetOut(dataset).data, "job": job_link(started.job)}
        return Response(body, status=status.HTTP_202_ACCEPTED)

    def _start(self, data: dict[str, Any], key: str | None) -> services.Started:
        mapping = parsed_mapping(data["mapping"]) if "mapping" in data else None
        read_as = parsed_format(data)
        upload, is_ours = self._upload(data)
        try:
            started = services.start_import(
                project=self.project,
                dataset_name=data["name"],
                upload=upload,
                mapping=mapping,
                read_as=read_as,
                actor=self.user,
                idempotency_key=key,
            )
        except GlossError:
            if is_ours:
                services.discard_upload(upload=upload)
            raise
        if is_ours and not started.is_new:  # the file came twice at once; the first one is in use
            services.discard_upload(upload=upload)
        return started

    def _upload(self, data: dict[str, Any]) -> tuple[Upload, bool]:
        """Return the file to import, and whether this request brought it."""
        if ("file" in data) == ("upload" in data):
            raise Invalid.of("file", "Send either a file or the id of an upload that has arrived.")
        if "upload" in data:
            upload = drafts.whole_upload_of(self.project, self.user, data["upload"])
            return upload, False
        file = data["file"]
        return services.receive_upload(project=self.project, file=file, actor=self.user), True


def parsed_mapping(raw: str) -> ColumnMapping:
    """Read the mapping of a form; raise Invalid when it is none."""
    return from_json(_json(raw, "mapping"))


def parsed_format(data: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a form says about the format; raise Invalid when it is no object."""
    read_as = _json(data["format"], "format") if "format" in data else {}
    if not isinstance(read_as, dict):
        raise Invalid.of("format", 'The format is a JSON object such as {"kind": "csv"}.')
    has_header = read_as.get("has_header")
    if has_header is not None and not isinstance(has_header, bool):
        raise Invalid.of("format.has_header", "has_header is true or false.")
    words = {name: data[name] for name in ("encoding", "delimiter") if name in data}
    return {**read_as, **words}


def _json(raw: str, name: str) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Invalid.of(name, f"The {name} is not JSON: {error}.") from error


class DatasetApi(ProjectAPIView):
    """One data set."""

    roles = {"GET": Role.VIEWER, "DELETE": Role.ANALYST}

    @extend_schema(operation_id="datasets_retrieve", responses=DatasetOut)
    def get(self, request: Request, slug: str, dataset_id: int) -> Response:  # noqa: ARG002
        """Return the data set with what became of its file."""
        return Response(DatasetOut(selectors.dataset_of(self.project, dataset_id)).data)

    @extend_schema(
        operation_id="datasets_destroy",
        responses={202: RemovedOut},
        parameters=[
            OpenApiParameter(
                "name",
                str,
                description="The data set's name; needed when annotations would be lost with it.",
            )
        ],
    )
    def delete(self, request: Request, slug: str, dataset_id: int) -> Response:  # noqa: ARG002
        """Undo what made the data set: it is hidden at once and removed by a job."""
        dataset = selectors.dataset_of(self.project, dataset_id)
        typed = request.query_params.get("name", "")
        job = undo.start_undo(
            project=self.project, dataset=dataset, actor=self.user, typed_name=typed
        )
        return Response({"job": job_link(job)}, status=status.HTTP_202_ACCEPTED)


class RejectsApi(ProjectAPIView):
    """The rows of a file that could not be taken."""

    roles = {"GET": Role.VIEWER}

    @extend_schema(responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR)})
    def get(self, request: Request, slug: str, dataset_id: int) -> StreamingHttpResponse:  # noqa: ARG002
        """Stream them as CSV, with line and error."""
        return rejects.response(selectors.dataset_of(self.project, dataset_id))
