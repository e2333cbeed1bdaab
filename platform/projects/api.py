"""Projects and their members over REST."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiToken, User
from accounts.repeats import answered_once
from common.api import IDEMPOTENCY, CursorPagination, valid
from common.errors import NotAllowed
from projects import services
from projects.api_base import ProjectAPIView, check_scope
from projects.models import Project, Role


class ProjectOut(serializers.Serializer[Any]):
    """A project as programs see it."""

    slug = serializers.CharField()
    name = serializers.CharField()
    preset = serializers.CharField()


class ProjectIn(serializers.Serializer[Any]):
    """What makes a project."""

    slug = serializers.CharField(max_length=50)
    name = serializers.CharField(max_length=100, required=False, default="")
    preset = serializers.CharField(max_length=50, required=False, default="blank")


class ProjectPageOut(serializers.Serializer[Any]):
    """Some projects, and where the next ones are."""

    results = ProjectOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class ProjectListApi(APIView):
    """The projects one may enter; a new one makes its maker the owner."""

    @extend_schema(operation_id="projects_list", responses=ProjectPageOut)
    def get(self, request: Request) -> Response:
        """List projects, newest first (a token sees its own only)."""
        projects = Project.objects.filter(memberships__user=request.user.pk)
        if isinstance(request.auth, ApiToken):
            own = request.auth.project_id
            check_scope(request, project_id=own, scope=ApiToken.Scope.READ)
            projects = projects.filter(pk=own)
        pages = CursorPagination()
        page: Any = pages.paginate_queryset(projects, request, view=self)
        return pages.get_paginated_response(ProjectOut(page, many=True).data)

    @extend_schema(request=ProjectIn, responses={201: ProjectOut}, parameters=[IDEMPOTENCY])
    def post(self, request: Request) -> Response:
        """Create a project; tokens are bound to one project and cannot."""
        return answered_once(request, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        if isinstance(request.auth, ApiToken):
            raise NotAllowed("A token belongs to one project; sign in to create another.")
        data = valid(ProjectIn(data=request.data))
        assert isinstance(request.user, User)  # noqa: S101
        project = services.create_project(owner=request.user, **data)
        return Response(ProjectOut(project).data, status=status.HTTP_201_CREATED)


class RenameIn(serializers.Serializer[Any]):
    """What people see; the slug stays."""

    name = serializers.CharField(max_length=100)


class ProjectApi(ProjectAPIView):
    """One project."""

    roles = {"GET": Role.VIEWER, "PATCH": Role.OWNER}

    @extend_schema(responses=ProjectOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Return the project."""
        return Response(ProjectOut(self.project).data)

    @extend_schema(request=RenameIn, responses=ProjectOut)
    def patch(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Rename the project."""
        data = valid(RenameIn(data=request.data))
        project = services.rename_project(project=self.project, actor=self.user, **data)
        return Response(ProjectOut(project).data)


class MemberOut(serializers.Serializer[Any]):
    """A member as programs see it."""

    username = serializers.CharField(source="user.username")
    role = serializers.CharField(source="get_role_display")


class MemberIn(serializers.Serializer[Any]):
    """Who, and as what."""

    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=[role.label for role in Role])


class MemberPageOut(serializers.Serializer[Any]):
    """Some members, and where the next ones are."""

    results = MemberOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class _OldestFirst(CursorPagination):
    ordering = "id"


class MemberListApi(ProjectAPIView):
    """The members of a project."""

    roles = {"GET": Role.REVIEWER, "POST": Role.OWNER}

    @extend_schema(operation_id="members_list", responses=MemberPageOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List members, the first to come first."""
        members = self.project.memberships.select_related("user")
        pages = _OldestFirst()
        page: Any = pages.paginate_queryset(members, request, view=self)
        return pages.get_paginated_response(MemberOut(page, many=True).data)

    @extend_schema(request=MemberIn, responses={201: MemberOut}, parameters=[IDEMPOTENCY])
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Add a member or change a role."""
        return answered_once(request, lambda: self._set(request))

    def _set(self, request: Request) -> Response:
        data = valid(MemberIn(data=request.data))
        member = services.set_role(
            project=self.project,
            username=data["username"],
            role=Role.named(data["role"]),
            actor=self.user,
        )
        return Response(MemberOut(member).data, status=status.HTTP_201_CREATED)
