"""Requests that create something and carry an Idempotency-Key: done once, answered alike.

For whatever is made within one transaction. Work that a job does keeps the key in its job.
"""

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import KeptAnswer, User
from common.api import idempotency_key
from common.errors import Conflict

#: Whoever has not heard of an answer asks again within minutes.
KEEP = timedelta(days=2)


def answered_once(request: Request, act: Callable[[], Response]) -> Response:
    """Act and keep the answer, or return the one that the same person's same request got.

    Of two that come at once the slower one waits for the faster one. What fails is not kept.
    Raises Conflict where the key was used for another address.
    """
    key = idempotency_key(request)
    if key is None:
        return act()
    assert isinstance(request.user, User)  # noqa: S101  (IsAuthenticated saw to it)
    with transaction.atomic():
        kept, is_new = KeptAnswer.objects.get_or_create(
            user=request.user, key=key, defaults={"path": request.path}
        )
        if not is_new:
            return _again(kept, request.path)
        response = act()
        kept.status, kept.body, kept.headers = response.status_code, response.data, _said(response)
        kept.save(update_fields=["status", "body", "headers"])
        KeptAnswer.objects.filter(user=request.user, created_at__lt=timezone.now() - KEEP).delete()
    return response


def _again(kept: KeptAnswer, path: str) -> Response:
    if kept.path != path:
        raise Conflict("This Idempotency-Key was used for something else. Choose another.")
    return Response(kept.body, status=kept.status, headers=kept.headers)


def _said(response: Response) -> dict[str, str]:
    return dict(response.items())
