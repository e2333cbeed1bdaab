"""Set up the environment of a test process before Django reads its settings.

Loaded as a pytest plugin by `-p tests.environment`, hence before pytest-django.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_home = tempfile.mkdtemp(prefix="gloss-test-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)

os.environ["GLOSS_HOME"] = _home
# whitenoise warns about a missing folder, and warnings are errors here.
(Path(_home) / "static").mkdir()
os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789" * 4)
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Test processes share the cores: threads of torch that spin while they wait take them from others.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Playwright's synchronous API keeps an event loop running in the thread that uses the ORM.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
