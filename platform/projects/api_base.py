"""The base of every project-scoped API view: through the door, with the token's scope."""

from typing import Any

from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import ApiToken, User
from common.errors import NotAllowed, NotVisible
from projects.access import membership_for
from projects.models import Membership, Project, Role

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def check_scope(request: Request, *, project_id: int, scope: ApiToken.Scope) -> None:
    """Hold a token to its project (404) and its scope (403); sessions carry every scope."""
    token = request.auth
    if not isinstance(token, ApiToken):
        return
    if token.project_id != project_id:
        raise NotVisible
    if not token.allows(scope):
        raise NotAllowed(f"This token lacks the scope {scope.value!r}. Create one that has it.")


class ProjectAPIView(APIView):
    """An API view below /projects/{slug}/: `self.project` is set before the handler runs.

    `roles` names the lowest role per HTTP method; a method that is missing there is refused.
    """

    roles: dict[str, Role] = {}
    #: What a token needs; None means read for GET and write for the rest.
    scope: ApiToken.Scope | None = None

    project: Project
    membership: Membership

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, then open the door."""
        super().initial(request, *args, **kwargs)
        method = request.method or ""
        if method not in self.roles:
            if method == "OPTIONS":
                return
            self.http_method_not_allowed(request)
        self.membership = membership_for(
            request.user, str(kwargs["slug"]), at_least=self.roles[method]
        )
        self.project = self.membership.project
        check_scope(request, project_id=self.project.pk, scope=self._scope(method))

    @property
    def user(self) -> User:
        """The person behind the request."""
        assert isinstance(self.request.user, User)  # noqa: S101  (IsAuthenticated saw to it)
        return self.request.user

    def _scope(self, method: str) -> ApiToken.Scope:
        if self.scope is not None:
            return self.scope
        return ApiToken.Scope.READ if method in _READS else ApiToken.Scope.WRITE
