"""Exports over REST."""

from typing import Any

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import IDEMPOTENCY, CursorPagination, idempotency_key, valid
from common.errors import Invalid, NotVisible
from jobs.api import JobOut, job_link
from projects.api_base import ProjectAPIView
from projects.models import Role
from reviews import export_services as services
from reviews.api import JobLinkOut
from reviews.filters import check_kept
from reviews.formats import FORMATS
from reviews.models import Export
from reviews.wanted import NONE, TOKENS, Wanted, format_of

_MAX_NUMBER = 2**63 - 1
_MAX_FILTERS = 50


class ExportOut(serializers.Serializer[Export]):
    """An export as programs see it."""

    id = serializers.IntegerField()
    format = serializers.CharField()
    labels = serializers.SerializerMethodField()
    params = serializers.DictField()
    file_name = serializers.CharField()
    file = serializers.SerializerMethodField()
    byte_count = serializers.IntegerField()
    sha256 = serializers.CharField()
    review_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    created_by = serializers.SerializerMethodField()
    job = serializers.SerializerMethodField()

    def get_labels(self, export: Export) -> str:
        """Return whose labels are in it."""
        return str(export.params.get("labels", NONE))

    def get_file(self, export: Export) -> str | None:
        """Return where the file is, once it is there."""
        if not export.file:
            return None
        return f"/api/v1/projects/{export.project.slug}/exports/{export.pk}/file/"

    def get_created_by(self, export: Export) -> str | None:
        """Name the person, if one did it."""
        return export.created_by.get_username() if export.created_by else None

    def get_job(self, export: Export) -> dict[str, Any] | None:
        """Return the job with its progress."""
        return dict(JobOut(export.job).data) if export.job else None


class ExportIn(serializers.Serializer[Any]):
    """Which reviews, whose labels, in which format.

    `filters` are those of the list of reviews; a name that is asked several times has a list.
    """

    format = serializers.ChoiceField(choices=list(FORMATS))
    labels = serializers.CharField(max_length=50, default=NONE)
    model_version = serializers.IntegerField(required=False, min_value=1, max_value=_MAX_NUMBER)
    dataset = serializers.IntegerField(required=False, min_value=1, max_value=_MAX_NUMBER)
    version = serializers.IntegerField(required=False, min_value=1, max_value=_MAX_NUMBER)
    filters = serializers.DictField(required=False)
    columns = serializers.ListField(
        child=serializers.CharField(max_length=250), required=False, max_length=1_000
    )
    question = serializers.CharField(max_length=50, required=False)
    tokens = serializers.ChoiceField(choices=TOKENS, required=False)


class ExportPageOut(serializers.Serializer[Any]):
    """Some exports, and where the next ones are."""

    results = ExportOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class ExportAcceptedOut(serializers.Serializer[Any]):
    """An export that waits for its worker."""

    export = ExportOut()
    job = JobLinkOut()


class ExportListApi(ProjectAPIView):
    """The exports of a project."""

    roles = {"GET": Role.ANALYST, "POST": Role.ANALYST}

    @extend_schema(operation_id="exports_list", responses=ExportPageOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List exports, newest first."""
        pages = CursorPagination()
        exports = services.exports_of(self.project).select_related("project")
        page: Any = pages.paginate_queryset(exports, request, view=self)
        return pages.get_paginated_response(ExportOut(page, many=True).data)

    @extend_schema(request=ExportIn, responses={202: ExportAcceptedOut}, parameters=[IDEMPOTENCY])
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Export reviews in a job; repeating a request with its key changes nothing."""
        key = idempotency_key(request)
        export = services.export_of_key(project=self.project, actor=self.user, key=key)
        if export is None:
            wish = _wish(valid(ExportIn(data=request.data)))
            export = services.request_export(
                project=self.project, wish=wish, actor=self.user, idempotency_key=key
            )
        assert export.job is not None  # noqa: S101  (it was made with one)
        body = {"export": ExportOut(export).data, "job": job_link(export.job)}
        return Response(body, status=status.HTTP_202_ACCEPTED)


def _wish(data: dict[str, Any]) -> Wanted:
    version = data.get("model_version")
    if version is not None and data["labels"] != "model":
        raise Invalid.of("model_version", 'A model version goes with {"labels": "model"}.')
    return Wanted(
        format=data["format"],
        labels=data["labels"],
        label_settings={"version": str(version)} if version else {},
        filters=tuple(_filters(data.get("filters", {}))),
        dataset=data.get("dataset"),
        version=data.get("version"),
        columns=tuple(data["columns"]) if "columns" in data else None,
        question=data.get("question", ""),
        tokens=data.get("tokens", TOKENS[0]),
    )


def _filters(raw: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    for name, value in raw.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, bool) or not isinstance(each, str | int):
                raise Invalid.of(f"filters.{name[:100]}", "A filter's value is a string.")
            found.append((name, str(each)))
    if len(found) > _MAX_FILTERS:
        raise Invalid.of("filters", f"At most {_MAX_FILTERS} filters are taken.")
    check_kept(found)
    return found


class ExportApi(ProjectAPIView):
    """One export."""

    roles = {"GET": Role.ANALYST}

    @extend_schema(responses=ExportOut)
    def get(self, request: Request, slug: str, export_id: int) -> Response:  # noqa: ARG002
        """Return the export with its job."""
        export = services.export_of(self.project, _numbered(export_id))
        return Response(ExportOut(export).data)


class ExportFileApi(ProjectAPIView):
    """The file of an export."""

    roles = {"GET": Role.ANALYST}

    @extend_schema(
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            409: OpenApiResponse(description="There will be no file any more."),
            503: OpenApiResponse(description="The file is still being made."),
        }
    )
    def get(self, request: Request, slug: str, export_id: int) -> FileResponse:  # noqa: ARG002
        """Send the file as an attachment."""
        export = services.export_of(self.project, _numbered(export_id))
        return file_response(export, services.download(export=export, actor=self.user))


def _numbered(export_id: int) -> int:
    """Return an id that a database can hold; raise NotVisible for any other."""
    if export_id > _MAX_NUMBER:
        raise NotVisible
    return export_id


def file_response(export: Export, path: Any) -> FileResponse:
    """Send a file as an attachment that no browser takes for anything else."""
    response = FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=export.file_name,
        content_type=format_of(export.format).content_type,
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
