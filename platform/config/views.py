"""Pages of the wiring itself."""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import defaults
from drf_spectacular.views import SpectacularSwaggerSplitView

from common.api import PROBLEM, JSONRenderer, problem


@method_decorator(csp_update({"style-src": [SELF, UNSAFE_INLINE]}), name="dispatch")
class ApiDocs(SpectacularSwaggerSplitView):
    """The readable API; Swagger UI writes inline styles, here and nowhere else allowed."""


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that a request cannot be read: to programs as a problem document."""
    if not _is_program(request):
        return defaults.bad_request(request, exception)
    return _said(400, "Bad request", "The request cannot be read.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that there is nothing at this address: to programs as a problem document."""
    if not _is_program(request):
        return defaults.page_not_found(request, exception)
    return _said(404, "Not found", "There is nothing at this address. /api/docs/ lists what is.")


def defect(request: HttpRequest) -> HttpResponse:
    """Say that the fault is ours: to programs as a problem document."""
    if not _is_program(request):
        return defaults.server_error(request)
    return _said(500, "Defect", "Something went wrong here. The log has it under the request_id.")


def _is_program(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _said(status: int, title: str, detail: str) -> HttpResponse:
    answer = problem(status=status, title=title, detail=detail)
    return HttpResponse(JSONRenderer().render(answer.data), status=status, content_type=PROBLEM)
