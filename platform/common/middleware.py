"""Turn the domain's errors into pages; the API has its own handler."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from common.errors import GlossError


class DomainErrorMiddleware:
    """Answer a GlossError raised by a page's view with its status and its sentence."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Render templates/error.html, or let Django handle what is not ours."""
        if not isinstance(error, GlossError):
            return None
        return render(request, "error.html", {"error": error}, status=error.status)
