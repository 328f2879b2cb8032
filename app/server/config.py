"""gunicorn's configuration: ``gunicorn --config python:app.server.config "app:create_app()"``.

Every lower-case name below is a gunicorn setting (https://docs.gunicorn.org/en/stable/settings.html).
"""

import gc
import os
from pathlib import Path
from typing import Any

from app.aws import SecretError
from app.database.connector import connector_for
from app.server.worker import JsonLogger, patch_gunicorn
from app.settings import Settings, SettingsError

try:
    _SETTINGS = Settings.from_environment()
    # Each worker opens its own. This one reports invalid settings in one sentence before any worker starts; it does not
    # connect.
    connector_for(_SETTINGS)
except (SettingsError, SecretError) as _error:
    raise SystemExit(f"error: {_error}") from None

patch_gunicorn()

bind = f"{_SETTINGS.host}:{_SETTINGS.port}"
workers = _SETTINGS.web_concurrency
worker_class = "app.server.worker.BoundedWorker"
# Workers are forked from a process that has the application, with its modules and the startup latch: they start faster.
preload_app = True
# It would bypass the worker's own sending.
sendfile = False
# More threads than database connections, so that the liveness probe is answered while all of those are busy. Without a
# pool, the threads limit the connections.
threads = (_SETTINGS.database_pool_size or Settings.database_pool_size) + 3

# The heartbeat file must be in memory: a slow disk would look like a hung worker, and the root may be read-only.
_MEMORY = Path("/dev/shm")  # noqa: S108
worker_tmp_dir = str(_MEMORY) if os.access(_MEMORY, os.W_OK) else None
control_socket_disable = True

# Workers are replaced now and then, not all at once, which bounds any leak.
max_requests = 200_000
max_requests_jitter = 50_000

# For a worker that hangs; requests time out long before (app.server.worker, app.database.pool).
timeout = 30
# Requests in flight must finish before ECS sends SIGKILL: 30 seconds after SIGTERM (stopTimeout).
graceful_timeout = 25
# Longer than the load balancer's idle timeout (60 s). Otherwise, the load balancer would sometimes send a request into
# a connection that is being closed, and answer 502.
keepalive = 75

# No proxy is trusted: no address, scheme or path is taken from a header.
forwarded_allow_ips = ""

logger_class = JsonLogger
loglevel = _SETTINGS.log_level.lower()
accesslog = None


def when_ready(_server: Any) -> None:
    """Leave what the master has loaded out of all garbage collections, before it forks its workers.

    A collection writes to every object, which copies the memory that a worker shares with the master. Python collects
    when a worker exits, at the latest (https://docs.python.org/3/library/gc.html#gc.freeze).
    """
    gc.collect()
    gc.freeze()
