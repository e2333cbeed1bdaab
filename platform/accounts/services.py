"""Make and end the ways in: tokens, one-time links."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import ApiToken, SignInLink, User
from common.errors import Invalid

TOKEN_START = "gls_"  # noqa: S105  (a marker that secret scanners can find, not a secret)
MAX_TOKEN_DAYS = 365


def digest_of(secret: str) -> str:
    """Return what is kept of a secret; 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def create_token(
    *,
    user: User,
    project_id: int,
    name: str,
    scopes: Collection[str],
    days: int = 90,
    actor: User | None = None,
) -> tuple[ApiToken, str]:
    """Create a token and return it with its secret, which is shown this once.

    Raises Invalid for an unknown scope, no scope at all, more than a year, or an external person.
    """
    if user.is_external:
        raise Invalid.of("user", f"{user.shown_name!r} is known from a file only: no token.")
    unknown = set(scopes) - set(ApiToken.Scope.values)
    if unknown or not scopes:
        known = ", ".join(ApiToken.Scope.values)
        raise Invalid.of("scopes", f"Choose at least one of {known}; got {sorted(scopes)}.")
    if not 1 <= days <= MAX_TOKEN_DAYS:
        raise Invalid.of("days", f"A token lives 1 to {MAX_TOKEN_DAYS} days, not {days}.")
    secret = TOKEN_START + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        project_id=project_id,
        name=name,
        prefix=secret[:10],
        digest=digest_of(secret),
        can_read=ApiToken.Scope.READ in scopes,
        can_write=ApiToken.Scope.WRITE in scopes,
        can_predict=ApiToken.Scope.PREDICT in scopes,
        expires_at=timezone.now() + timedelta(days=days),
    )
    audit.record(
        actor=actor or user,
        project_id=project_id,
        action="token.created",
        subject=str(token),
        scopes=sorted(scopes),
    )
    return token, secret


@transaction.atomic
def revoke_token(*, token: ApiToken, actor: User) -> None:
    """End a token now; doing it twice changes nothing."""
    ended = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
    if ended:
        audit.record(
            actor=actor, project_id=token.project_id, action="token.revoked", subject=str(token)
        )


def create_sign_in_link(*, user: User, hours: int = 24) -> str:
    """Return the secret of a new one-time link for `user`."""
    secret = secrets.token_urlsafe(32)
    expires_at = timezone.now() + timedelta(hours=hours)
    SignInLink.objects.create(user=user, digest=digest_of(secret), expires_at=expires_at)
    return secret


@transaction.atomic
def use_sign_in_link(*, secret: str) -> User | None:
    """Return whom the link signs in, once; None when it is unknown, used or too old."""
    now = timezone.now()
    link = SignInLink.objects.select_related("user").filter(digest=digest_of(secret)).first()
    if link is None or not link.user.is_active:
        return None
    # Compare and swap: of two clicks at once one wins.
    used = SignInLink.objects.filter(pk=link.pk, used_at=None, expires_at__gt=now).update(
        used_at=now
    )
    if not used:
        return None
    audit.record(actor=link.user, action="account.signed_in", subject="one-time link")
    return link.user
