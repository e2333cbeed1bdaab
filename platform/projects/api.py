"""Projects and their members over REST."""

from typing import Any

from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiToken, User
from common.api import valid
from common.errors import NotAllowed
from projects import services
from projects.api_base import ProjectAPIView
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


class ProjectListApi(APIView):
    """The projects one may enter; a new one makes its maker the owner."""

    def get(self, request: Request) -> Response:
        """List projects (a token sees its own only)."""
        projects = Project.objects.filter(memberships__user=request.user.pk).order_by("slug")
        if isinstance(request.auth, ApiToken):
            projects = projects.filter(pk=request.auth.project_id)
        results = ProjectOut(projects[:200], many=True).data
        return Response({"results": results, "next": None, "previous": None})

    def post(self, request: Request) -> Response:
        """Create a project; tokens are bound to one project and cannot."""
        if isinstance(request.auth, ApiToken):
            raise NotAllowed("A token belongs to one project; sign in to create another.")
        data = valid(ProjectIn(data=request.data))
        assert isinstance(request.user, User)  # noqa: S101
        project = services.create_project(owner=request.user, **data)
        return Response(ProjectOut(project).data, status=status.HTTP_201_CREATED)


class ProjectApi(ProjectAPIView):
    """One project."""

    roles = {"GET": Role.VIEWER, "PATCH": Role.OWNER}

    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Return the project."""
        return Response(ProjectOut(self.project).data)

    def patch(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Rename the project."""
        data = valid(_RenameIn(data=request.data))
        project = services.rename_project(project=self.project, actor=self.user, **data)
        return Response(ProjectOut(project).data)


class _RenameIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)


class MemberOut(serializers.Serializer[Any]):
    """A member as programs see it."""

    username = serializers.CharField(source="user.username")
    role = serializers.CharField(source="get_role_display")


class MemberIn(serializers.Serializer[Any]):
    """Who, and as what."""

    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=[role.label for role in Role])


class MemberListApi(ProjectAPIView):
    """The members of a project."""

    roles = {"GET": Role.REVIEWER, "POST": Role.OWNER}

    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List members."""
        members = self.project.memberships.select_related("user").order_by("user__username")
        results = MemberOut(members[:1000], many=True).data
        return Response({"results": results, "next": None, "previous": None})

    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Add a member or change a role."""
        data = valid(MemberIn(data=request.data))
        member = services.set_role(
            project=self.project,
            username=data["username"],
            role=Role.named(data["role"]),
            actor=self.user,
        )
        return Response(MemberOut(member).data, status=status.HTTP_201_CREATED)
