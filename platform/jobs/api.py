"""Jobs over REST."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiToken, User
from common.errors import NotVisible
from jobs import services
from jobs.models import Job
from projects.access import project_for
from projects.api_base import check_scope
from projects.models import Role


class ProgressOut(serializers.Serializer[Job]):
    """How far a job is."""

    done = serializers.IntegerField(source="done_count")
    total = serializers.IntegerField(source="total_count")
    message = serializers.CharField()


class JobOut(serializers.Serializer[Job]):
    """A job as programs see it."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    state = serializers.ChoiceField(choices=Job.State.values)
    reason = serializers.CharField()
    attempt = serializers.IntegerField()
    progress = ProgressOut(source="*")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    result = serializers.DictField()


def job_link(job: Job) -> dict[str, str]:
    """Return how an answer of 202 names its job."""
    return {"id": str(job.pk), "url": f"/api/v1/jobs/{job.pk}/"}


def _visible_job(request: Request, job_id: UUID, *, at_least: Role, scope: ApiToken.Scope) -> Job:
    """Find a job through the door of its project."""
    job = Job.objects.select_related("project").filter(pk=job_id).first()
    if job is None:
        raise NotVisible
    project = project_for(request.user, job.project.slug, at_least=at_least)
    check_scope(request, project_id=project.pk, scope=scope)
    return job


class JobApi(APIView):
    """One job: state, progress, result."""

    @extend_schema(responses=JobOut)
    def get(self, request: Request, job_id: UUID) -> Response:
        """Return the job."""
        job = _visible_job(request, job_id, at_least=Role.VIEWER, scope=ApiToken.Scope.READ)
        return Response(JobOut(job).data)


class JobCancelApi(APIView):
    """Call a job off."""

    @extend_schema(request=None, responses=JobOut)
    def post(self, request: Request, job_id: UUID) -> Response:
        """Cancel what waits, ask what runs to stop; repeating it changes nothing."""
        job = _visible_job(request, job_id, at_least=Role.ANALYST, scope=ApiToken.Scope.WRITE)
        assert isinstance(request.user, User)  # noqa: S101
        return Response(JobOut(services.cancel(job=job, actor=request.user)).data)
