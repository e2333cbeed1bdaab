"""`Authorization: Bearer TOKEN` for programs."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services import digest_of
from common import compiled

USE_IS_NOTED_EVERY = timedelta(minutes=1)


class TokenAuthentication(authentication.BaseAuthentication):
    """Find the person and the token behind a Bearer header."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return (user, token), None without a Bearer header; raise on a bad one."""
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        now = timezone.now()
        digest = digest_of(secret.strip())
        token = compiled.first(_valid, related=("user",), digest=digest, now=now)
        if token is None or not token.user.is_active:
            raise exceptions.AuthenticationFailed(
                "The token is unknown, expired or revoked. Create a new one in Settings."
            )
        _note_use(token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        """Name the scheme, so that a missing token is 401 and not 403."""
        return "Bearer"


def _valid(*, digest: str, now: datetime) -> "QuerySet[ApiToken]":
    return ApiToken.objects.filter(digest=digest, revoked_at=None, expires_at__gt=now)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its own meta
    """Describe the header in the OpenAPI document."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:  # noqa: ARG002
        """Return a bearer scheme."""
        return {"type": "http", "scheme": "bearer", "description": "A token from Settings."}


def _note_use(token: ApiToken) -> None:
    """Note the use at most once a minute: a write a request would be a queue at the database."""
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_IS_NOTED_EVERY)
    if token.last_used_at is None or token.last_used_at < now - USE_IS_NOTED_EVERY:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
