"""What every API view shares: the error shape, cursors, idempotent creation.

Errors are RFC 9457 problem documents with our `request_id` and a list of field errors.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter
from rest_framework import (
    exceptions,
    negotiation,
    pagination,
    parsers,
    renderers,
    serializers,
)
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

    def get_page_size(self, request: Request) -> int:
        """Return the size asked for, cut to the largest; raise Invalid for what is no size."""
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return self.page_size
        if not _is_row_number(asked) or int(asked) < 1:
            raise Invalid.of(
                "page_size", f"page_size is a number from 1 to {self.max_page_size}, not {asked!r}."
            )
        return min(int(asked), self.max_page_size)

    def decode_cursor(self, request: Request) -> Any:
        """Return where to go on; raise Invalid for a cursor that no answer has given."""
        if self.cursor_query_param not in request.query_params:
            return None
        try:
            cursor: Any = super().decode_cursor(request)
        except exceptions.NotFound:
            cursor = None
        if cursor is None or cursor == pagination.Cursor(0, False, None):
            raise _no_cursor()
        # DRF would hand the position to the database whatever it is.
        if cursor.position is not None and not _is_row_number(cursor.position):
            raise _no_cursor()
        return cursor


def _no_cursor() -> Invalid:
    return Invalid.of("cursor", "This cursor is none of ours. Follow next and previous as given.")


def _is_row_number(text: str) -> bool:
    # Databases hold ids in 63 bits.
    return text.isascii() and text.isdigit() and len(text) < 19


class OneRenderer(negotiation.DefaultContentNegotiation):
    """Answer in the one format there is, whatever `Accept` says: files are no JSON either."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        """Return the only renderer, or negotiate where there are several."""
        if len(renderers) == 1:
            return renderers[0], renderers[0].media_type
        return super().select_renderer(request, renderers, format_suffix)


class JSONRenderer(renderers.JSONRenderer):
    """DRF's renderer, which cannot write the lone surrogates that a request may have named."""

    def render(self, *args: Any, **kwargs: Any) -> bytes:
        """Write UTF-8, or escapes where a letter has no UTF-8."""
        try:
            written: bytes = super().render(*args, **kwargs)
        except UnicodeEncodeError:
            written = _EscapingRenderer().render(*args, **kwargs)
        return written


class _EscapingRenderer(renderers.JSONRenderer):
    ensure_ascii = True


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
    elif isinstance(error, RequestDataTooBig):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return problem(
            status=413,
            title="Too large",
            detail=f"At most {limit:,} bytes are taken beside files. Send less at a time.",
        )
    elif isinstance(error, SuspiciousOperation):
        error = exceptions.ParseError(f"The request cannot be read: {error}")
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


#: The highest number of a row: databases take none that is higher.
MAX_ID = 2**63 - 1
#: How the API's description names the header of `idempotency_key`.
IDEMPOTENCY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)


def idempotency_key(request: Request) -> str | None:
    """Return the request's Idempotency-Key; raise Invalid when it cannot be one."""
    key: str | None = request.headers.get("Idempotency-Key")
    if key is not None and not (1 <= len(key) <= 128 and key.isprintable()):
        raise Invalid.of("Idempotency-Key", "An Idempotency-Key has 1 to 128 visible characters.")
    return key


def valid(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    """Return validated data; refuse fields that nobody declared, however deep."""
    data = serializer.initial_data
    if not isinstance(data, dict) and not hasattr(data, "keys"):
        raise Invalid("Send a JSON object.")
    for path, name in _unknown(serializer, data):
        raise Invalid.of(path, f"There is no field {name[:100]!r} here.")
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _unknown(field: Any, data: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and name of every field that no serializer has declared."""
    if isinstance(field, serializers.ListSerializer) and isinstance(data, list):
        for index, each in enumerate(data):
            yield from _unknown(field.child, each, f"{path}[{index}]")
    elif isinstance(field, serializers.Serializer) and hasattr(data, "keys"):
        for name in data:
            at = f"{path}.{name}".lstrip(".")
            if name not in field.fields:
                yield at, name
            else:
                yield from _unknown(field.fields[name], data[name], at)
