"""What every API view shares: the error shape, cursors, idempotent creation.

Errors are RFC 9457 problem documents with our `request_id` and a list of field errors.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, pagination, parsers, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from common.errors import GlossError, Invalid

PROBLEM = "application/problem+json"


class CursorPagination(pagination.CursorPagination):
    """Keyset pages: `results`, `next`, `previous`; the last column of `ordering` is unique."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering = "-id"


class JSONParser(parsers.JSONParser):
    """DRF's parser, which lets a body nested beyond all reason pass as a defect of ours."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        """Parse a body; raise ParseError for whatever is no JSON that anybody needs."""
        try:
            return super().parse(*args, **kwargs)
        except RecursionError as error:
            raise exceptions.ParseError("The JSON is nested too deeply.") from error


def problem(
    *, status: int, title: str, detail: str, errors: list[dict[str, str]] | None = None
) -> Response:
    """Build a problem document."""
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": structlog.contextvars.get_contextvars().get("request_id", ""),
        "errors": errors or [],
    }
    return Response(body, status=status, content_type=PROBLEM)


def problem_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn what a view raised into a problem document; None means a defect (500)."""
    if isinstance(error, GlossError):
        fields = error.errors if isinstance(error, Invalid) else ()
        return problem(
            status=error.status,
            title=error.title,
            detail=error.detail,
            errors=[{"field": each.field, "message": each.message} for each in fields],
        )
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    # DRF's own handler marks the transaction and finds the headers (Retry-After, Allow).
    response = exception_handler(error, dict(context))
    if response is None or not isinstance(error, exceptions.APIException):
        return response
    answer = _from_drf(error)
    for name, value in response.items():
        if name.lower() not in {"content-type", "content-length"}:
            answer[name] = value
    return answer


def _from_drf(error: exceptions.APIException) -> Response:
    if isinstance(error, exceptions.ValidationError):
        errors = list(_flatten(error.detail))
        first = errors[0] if errors else {"field": "", "message": "The input is not valid."}
        detail = f"{first['field']}: {first['message']}" if first["field"] else first["message"]
        return problem(status=400, title=Invalid.title, detail=detail, errors=errors)
    return problem(
        status=error.status_code, title=str(error.default_detail), detail=str(error.detail)
    )


def _flatten(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            name = "" if key == "non_field_errors" else str(key)
            yield from _flatten(value, f"{path}.{name}".strip("."))
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            nested = isinstance(value, Mapping)
            yield from _flatten(value, f"{path}[{index}]" if nested else path)
    else:
        yield {"field": path, "message": str(detail)}


def idempotency_key(request: Request) -> str | None:
    """Return the request's Idempotency-Key; raise Invalid when it cannot be one."""
    key: str | None = request.headers.get("Idempotency-Key")
    if key is not None and not (1 <= len(key) <= 128 and key.isprintable()):
        raise Invalid.of("Idempotency-Key", "An Idempotency-Key has 1 to 128 visible characters.")
    return key


def valid(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    """Return validated data; refuse fields that nobody declared."""
    data = serializer.initial_data
    if not isinstance(data, dict) and not hasattr(data, "keys"):
        raise Invalid("Send a JSON object.")
    unknown = sorted(set(data) - set(serializer.fields))
    if unknown:
        raise Invalid.of(unknown[0], f"There is no field {unknown[0]!r} here.")
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
