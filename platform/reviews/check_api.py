"""Dry runs over REST: what an import of an upload would do."""

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.repeats import answered_once
from common.api import IDEMPOTENCY, valid
from common.errors import Invalid
from jobs.api import job_link
from projects.api_base import ProjectAPIView
from projects.models import Role
from reviews import drafts, rejects
from reviews.checks import columns_of, refused_rows, start_check
from reviews.mapping import from_json
from reviews.models import ImportCheck
from reviews.services import MAX_DATASET_NAME


class CheckIn(serializers.Serializer[ImportCheck]):
    """How the file reads and which column is what; guessed when left out."""

    name = serializers.CharField(max_length=MAX_DATASET_NAME, required=False, default="")
    mapping = serializers.JSONField(required=False)
    format = serializers.JSONField(required=False)


class CheckOut(serializers.Serializer[ImportCheck]):
    """A dry run; `result` is null until its job has ended."""

    id = serializers.IntegerField()
    upload = serializers.IntegerField(source="upload_id")
    name = serializers.CharField(source="dataset_name")
    format = serializers.JSONField(source="read_as")
    mapping = serializers.JSONField()
    created_at = serializers.DateTimeField()
    result = serializers.JSONField()


class CheckLinkOut(serializers.Serializer[Any]):
    """Where to ask how far a job is."""

    id = serializers.UUIDField()
    url = serializers.CharField()


class CheckAcceptedOut(serializers.Serializer[Any]):
    """A check and the job that runs it."""

    check = CheckOut()
    job = CheckLinkOut()


class CheckListApi(ProjectAPIView):
    """The dry runs of an upload."""

    roles = {"POST": Role.ANALYST}

    @extend_schema(request=CheckIn, responses={202: CheckAcceptedOut}, parameters=[IDEMPOTENCY])
    def post(self, request: Request, slug: str, upload_id: int) -> Response:  # noqa: ARG002
        """Start a dry run: nothing is written but what would become of the rows."""
        return answered_once(request, lambda: self._start(request, upload_id))

    def _start(self, request: Request, upload_id: int) -> Response:
        upload = drafts.whole_upload_of(self.project, self.user, upload_id)
        data = valid(CheckIn(data=request.data))
        read_as = data.get("format") or {}
        if not isinstance(read_as, dict):
            raise Invalid.of("format", 'The format is a JSON object such as {"kind": "csv"}.')
        check = start_check(
            project=self.project,
            dataset_name=data["name"],
            upload=upload,
            mapping=from_json(data["mapping"]) if "mapping" in data else None,
            read_as=read_as,
            actor=self.user,
        )
        assert check.job is not None  # noqa: S101  (it was made a moment ago)
        body = {"check": CheckOut(check).data, "job": job_link(check.job)}
        return Response(body, status=status.HTTP_202_ACCEPTED)


class CheckApi(ProjectAPIView):
    """One dry run."""

    roles = {"GET": Role.ANALYST}

    @extend_schema(operation_id="checks_retrieve", responses=CheckOut)
    def get(self, request: Request, slug: str, check_id: int) -> Response:  # noqa: ARG002
        """Return what an import would do."""
        return Response(CheckOut(drafts.check_of(self.project, check_id)).data)


class CheckRejectsApi(ProjectAPIView):
    """The rows that an import would refuse."""

    roles = {"GET": Role.ANALYST}

    @extend_schema(responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR)})
    def get(self, request: Request, slug: str, check_id: int) -> StreamingHttpResponse:  # noqa: ARG002
        """Stream them as CSV, with line and error."""
        check = drafts.check_of(self.project, check_id)
        return rejects.stream(
            columns_of(check), refused_rows(check), name=f"check-{check.pk}-rejects.csv"
        )
