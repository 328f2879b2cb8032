"""gunicorn's configuration of the service, with the CPU time of its parts: ``bench.service.profile`` runs it.

Each thread's CPU clock is read around the functions below, so time in which a thread waits, also for the interpreter's
lock, does not count. A part's time is without that of the parts that it calls.
"""

import json
import os
import threading
from collections import Counter
from collections.abc import Callable
from time import thread_time
from typing import Any

import flask
import pg8000.core
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

import app.api.operations
from app.database.connector import _TlsSocket
from app.database.pool import Database
from app.logs import JsonFormatter
from app.server.config import *  # noqa: F403 - gunicorn's settings
from app.server.worker import _Client
from bench.service import MARK

_PARTS: dict[str, tuple[tuple[Any, str], ...]] = {
    "gunicorn: parse, dispatch, send": (
        (ThreadWorker, "handle"),
        (_Client, "flush"),
        (ThreadWorker, "finish_request"),
        (ThreadWorker, "enqueue_req"),
        (_Client, "receive"),
    ),
    "Flask and Werkzeug": ((flask.Flask, "wsgi_app"),),
    "IDs and response headers": ((flask.Flask, "preprocess_request"), (flask.Flask, "process_response")),
    "log line": ((JsonFormatter, "format"),),
    "validation": ((app.api.operations, "parse_query"),),
    "ETag": ((app.api.operations, "conditional"),),
    "pool": ((Database, "run"),),
    "pg8000": ((pg8000.core.CoreConnection, "execute_named"),),
    "TLS and the socket of PostgreSQL": ((_TlsSocket, "recv_into"), (_TlsSocket, "send")),
}

_seconds: Counter[str] = Counter()
_lock = threading.Lock()
_running = threading.local()


def _measured(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        outer, _running.inner, started_at = getattr(_running, "inner", 0.0), 0.0, thread_time()
        try:
            return function(*arguments, **options)
        finally:
            seconds = thread_time() - started_at
            with _lock:
                _seconds[part] += seconds - _running.inner
            _running.inner = outer + seconds

    return call


for _part, _functions in _PARTS.items():
    for _owner, _name in _functions:
        setattr(_owner, _name, _measured(_part, getattr(_owner, _name)))


def worker_exit(_server: Any, _worker: Any) -> None:
    """Write the CPU times of this worker to the log, with its total since it was forked."""
    print(MARK + json.dumps({**_seconds, "total": sum(os.times()[:2])}), flush=True)
