"""The project's wiring: settings, URLs, and the three ways in (WSGI, ASGI, Celery).

The repository root goes on the path here, so that starting from `platform/` finds the packages
beside it as well.
"""

import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[2])
if _ROOT not in sys.path:
    sys.path.append(_ROOT)

from config.celery import app as celery_app  # noqa: E402  (the path comes first)

__all__ = ("celery_app",)
