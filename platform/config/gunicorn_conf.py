"""gunicorn's settings: one process by default, so that its local cache is the only cache."""

import os

wsgi_app = "config.wsgi:application"
bind = os.environ.get("GLOSS_BIND", f"127.0.0.1:{os.environ.get('PORT', '8000')}")
workers = int(os.environ.get("GLOSS_WEB_PROCESSES", "1"))
worker_class = "gthread"
threads = int(os.environ.get("GLOSS_WEB_THREADS", "8"))
timeout = 120
graceful_timeout = 10
accesslog = None
loglevel = "warning"
# gunicorn 27 would open a socket in the home folder, which may be read-only.
control_socket_disable = True
