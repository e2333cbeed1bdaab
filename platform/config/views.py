"""Pages of the wiring itself."""

from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularSwaggerSplitView


@method_decorator(csp_update({"style-src": [SELF, UNSAFE_INLINE]}), name="dispatch")
class ApiDocs(SpectacularSwaggerSplitView):  # type: ignore[misc]  # drf-spectacular is untyped
    """The readable API; Swagger UI writes inline styles, here and nowhere else allowed."""

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Serve the page or, with ?script, its script."""
        return super().get(request, *args, **kwargs)
