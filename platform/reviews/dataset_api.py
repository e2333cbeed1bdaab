"""Splits and versions of a data set over REST."""

from typing import Any

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.repeats import answered_once
from common.api import IDEMPOTENCY, CursorPagination, idempotency_key, valid
from jobs.api import job_link
from projects.api_base import ProjectAPIView
from projects.models import Role
from reviews import selectors, snapshots, splitting
from reviews.api import JobLinkOut
from reviews.dataset_views import since_of, snapshots_response
from reviews.models import Dataset, DatasetVersion
from reviews.splitting import DEFAULT_SHARES, Wishes


class SplitsIn(serializers.Serializer[Any]):
    """How to draw: a question of null is the first that is answered, "" is none."""

    question = serializers.CharField(max_length=50, allow_blank=True, allow_null=True, default=None)
    by_product = serializers.BooleanField(default=False)
    shares = serializers.ListField(
        child=serializers.FloatField(), min_length=3, max_length=3, default=list(DEFAULT_SHARES)
    )
    seed = serializers.IntegerField(default=0, min_value=0, max_value=2**31 - 1)


class SplitsOut(serializers.Serializer[Dataset]):
    """How a data set was drawn, and what came of it."""

    split_counts = serializers.DictField(child=serializers.IntegerField())
    split_plan = serializers.DictField()
    splits_frozen_at = serializers.DateTimeField(allow_null=True)
    compared_at = serializers.DateTimeField(allow_null=True)
    near_duplicate_count = serializers.IntegerField()


class JobOnlyOut(serializers.Serializer[Any]):
    """The job that does what was asked."""

    job = JobLinkOut()


class VersionIn(serializers.Serializer[Any]):
    """A note on the version."""

    note = serializers.CharField(
        max_length=snapshots.MAX_NOTE, allow_blank=True, required=False, default=""
    )


class VersionOut(serializers.Serializer[DatasetVersion]):
    """A version as programs see it; `file` is null until it is there."""

    number = serializers.IntegerField()
    note = serializers.CharField()
    created_at = serializers.DateTimeField()
    created_by = serializers.SerializerMethodField()
    review_count = serializers.IntegerField()
    byte_count = serializers.IntegerField()
    sha256 = serializers.CharField(help_text="Of the content, whatever file it is in.")
    file_sha256 = serializers.CharField()
    file = serializers.SerializerMethodField()

    def get_created_by(self, version: DatasetVersion) -> str | None:
        """Name the person, if one did it."""
        return version.created_by.get_username() if version.created_by else None

    def get_file(self, version: DatasetVersion) -> str | None:
        """Return where the file is, once it is there."""
        if not version.file:
            return None
        dataset = version.dataset
        place = f"projects/{dataset.project.slug}/datasets/{dataset.pk}/versions/{version.number}"
        return f"/api/v1/{place}/file/"


class VersionPageOut(serializers.Serializer[Any]):
    """Some versions, and where the next ones are."""

    results = VersionOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class VersionAcceptedOut(serializers.Serializer[Any]):
    """A version that is being made, and the job that does it."""

    version = VersionOut()
    job = JobLinkOut()


class ChangesOut(serializers.Serializer[snapshots.Changes]):
    """How many reviews are different in the later of two versions."""

    added = serializers.IntegerField(source="added_count")
    removed = serializers.IntegerField(source="removed_count")
    changed = serializers.IntegerField(source="changed_count")


class SplitsApi(ProjectAPIView):
    """The splits of a data set."""

    roles = {"GET": Role.VIEWER, "POST": Role.ANALYST}

    @extend_schema(operation_id="splits_retrieve", responses=SplitsOut)
    def get(self, request: Request, slug: str, dataset_id: int) -> Response:  # noqa: ARG002
        """Return how they were drawn and whether they are frozen."""
        return Response(SplitsOut(selectors.dataset_of(self.project, dataset_id)).data)

    @extend_schema(
        request=SplitsIn,
        responses={202: JobOnlyOut, 409: OpenApiResponse(description="They are frozen.")},
        parameters=[IDEMPOTENCY],
    )
    def post(self, request: Request, slug: str, dataset_id: int) -> Response:  # noqa: ARG002
        """Have them drawn anew; refused once a training has frozen them."""
        return answered_once(request, lambda: self._redraw(request, dataset_id))

    def _redraw(self, request: Request, dataset_id: int) -> Response:
        dataset = selectors.dataset_of(self.project, dataset_id)
        data = valid(SplitsIn(data=request.data))
        train, validation, test = data["shares"]
        wishes = Wishes(
            question=data["question"],
            by_product=data["by_product"],
            shares=(train, validation, test),
            seed=data["seed"],
        )
        job = splitting.redraw(dataset=dataset, wishes=wishes, actor=self.user)
        return Response({"job": job_link(job)}, status=status.HTTP_202_ACCEPTED)


class VersionListApi(ProjectAPIView):
    """The versions of a data set."""

    roles = {"GET": Role.VIEWER, "POST": Role.ANALYST}

    @extend_schema(operation_id="versions_list", responses=VersionPageOut)
    def get(self, request: Request, slug: str, dataset_id: int) -> Response:  # noqa: ARG002
        """List versions, newest first."""
        dataset = selectors.dataset_of(self.project, dataset_id)
        pages = CursorPagination()
        rows = snapshots.versions_of(dataset).order_by("-pk")
        page: Any = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(VersionOut(page, many=True).data)

    @extend_schema(request=VersionIn, responses={202: VersionAcceptedOut}, parameters=[IDEMPOTENCY])
    def post(self, request: Request, slug: str, dataset_id: int) -> Response:  # noqa: ARG002
        """Make a version; repeating a request with its key changes nothing."""
        version = snapshots.request_version(
            dataset=selectors.dataset_of(self.project, dataset_id),
            note=valid(VersionIn(data=request.data))["note"],
            actor=self.user,
            idempotency_key=idempotency_key(request),
        )
        assert version.job is not None  # noqa: S101  (it was made with one)
        body = {"version": VersionOut(version).data, "job": job_link(version.job)}
        return Response(body, status=status.HTTP_202_ACCEPTED)


class VersionFileApi(ProjectAPIView):
    """The file of a version."""

    roles = {"GET": Role.ANALYST}

    @extend_schema(responses={(200, "application/vnd.apache.parquet"): OpenApiTypes.BINARY})
    def get(self, request: Request, slug: str, dataset_id: int, number: int) -> FileResponse:  # noqa: ARG002
        """Send the file as an attachment."""
        version = snapshots.version_of(selectors.dataset_of(self.project, dataset_id), number)
        path = snapshots.file_of(version, actor=self.user)
        return snapshots_response(path.open("rb"), snapshots.file_name(version))


class VersionChangesApi(ProjectAPIView):
    """What is different in a version since an earlier one."""

    roles = {"GET": Role.VIEWER}

    @extend_schema(
        parameters=[OpenApiParameter("since", int, description="By default the one before.")],
        responses=ChangesOut,
    )
    def get(self, request: Request, slug: str, dataset_id: int, number: int) -> Response:  # noqa: ARG002
        """Count the reviews that came, went or changed."""
        dataset = selectors.dataset_of(self.project, dataset_id)
        since = since_of(request.query_params.get("since"), number)
        later, earlier = (snapshots.version_of(dataset, each) for each in (number, since))
        return Response(ChangesOut(snapshots.compare(earlier, later)).data)
