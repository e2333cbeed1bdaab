"""Page or fragment: what a view answers to a browser and to htmx."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def page(
    request: HttpRequest, template: str, context: dict[str, Any], *, fragment: str | None = None
) -> HttpResponse:
    """Render `fragment` for htmx (when there is one), else the whole page."""
    is_fragment = fragment is not None and bool(getattr(request, "htmx", False))
    chosen = fragment if is_fragment and fragment is not None else template
    response = render(request, chosen, context)
    response.headers["Vary"] = "HX-Request, Cookie"
    return response
