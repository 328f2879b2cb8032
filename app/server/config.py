"""gunicorn's configuration: ``gunicorn --config python:app.server.config "app:create_app()"``.

Every lower-case name below is a setting of gunicorn (https://docs.gunicorn.org/en/stable/settings.html).
"""

import os
from pathlib import Path

from app.database.credentials import CredentialError
from app.database.pool import open_database
from app.server.capacity import capacity, worker_count
from app.server.worker import JsonLogger, use_own_forms
from app.settings import Settings, SettingsError

try:
    _SETTINGS = Settings.from_environment()
    # Each worker makes its own. This one shows what is wrong before there are any, in one sentence; it connects to
    # nothing.
    open_database(_SETTINGS)
except (SettingsError, CredentialError) as _error:
    raise SystemExit(f"error: {_error}") from None

use_own_forms()

bind = f"{_SETTINGS.host}:{_SETTINGS.port}"
workers = _SETTINGS.worker_count or worker_count(capacity(_SETTINGS.task_metadata_uri))
worker_class = "app.server.bounded_worker.BoundedWorker"
# More threads than connections to the database, so that the liveness probe is answered while all of those are busy.
# Without a pool it is the threads that bound the connections.
threads = (_SETTINGS.pool_size or Settings.pool_size) + 3

# The heartbeat file must lie in memory: a slow disk would look like a hung worker, and the root may be read-only.
_MEMORY = Path("/dev/shm")  # noqa: S108
worker_tmp_dir = str(_MEMORY) if os.access(_MEMORY, os.W_OK) else None
control_socket_disable = True

# A worker is replaced now and then, and not all of them at once: whatever it may have lost on the way comes back.
max_requests = 200_000
max_requests_jitter = 50_000

# For a worker that hangs; a request is bounded long before (app.server.bounded_worker, app.database.pool).
timeout = 30
# What is in flight has to be finished before ECS sends SIGKILL: 60 seconds after SIGTERM in the task definition.
graceful_timeout = 25
# Longer than the load balancer's idle timeout (60 s): were it shorter, the load balancer would now and then send a
# request into a connection that is just being closed, and answer 502.
keepalive = 75

# Nobody in front is believed: no address, scheme or path is taken from a header.
forwarded_allow_ips = ""

logger_class = JsonLogger
loglevel = _SETTINGS.log_level.lower()
accesslog = None
