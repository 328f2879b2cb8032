"""Logs as JSON lines on standard output; one line for each request.

Messages are constant and details are fields, so that logs can be searched and counted. Bodies, query strings, headers
and client addresses are never logged.
"""

import json
import logging
import logging.config
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, has_app_context, request

# Probes, every few seconds, are logged only if they fail.
_QUIET_ROUTES = frozenset({"/livez", "/startupz", "/readyz"})
_FIRST_ERROR_STATUS = 400
_TRACE_ID = re.compile(r"[A-Za-z0-9=;:.,_-]{1,128}")

_log = logging.getLogger(__name__)
_JSON = json.JSONEncoder(default=str)


class JsonFormatter(logging.Formatter):
    """Formats a log record as one line of JSON; ``extra={"fields": {...}}`` adds fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for ``record``."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = self.formatException(record.exc_info)
        return _JSON.encode(line)


def configure_logging(level: str) -> None:
    """Log everything at ``level`` and above to standard output as JSON."""
    logging.config.dictConfig(logging_configuration(level))


def logging_configuration(level: str) -> dict[str, Any]:
    """Return the same as a dictionary for ``logging.config``."""
    stdout = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"stdout": stdout},
        "root": {"level": level, "handlers": ["stdout"]},
        # At DEBUG, botocore logs AWS's responses, including the values of secrets.
        "loggers": {"botocore": {"level": "WARNING"}},
    }


@contextmanager
def database_time() -> Iterator[None]:
    """Add the duration of the block, including the wait for a connection, to the current request's database time."""
    started_at = time.perf_counter()
    try:
        yield
    finally:
        if has_app_context():
            g.database_seconds = g.get("database_seconds", 0.0) + time.perf_counter() - started_at


def log_requests(app: Flask) -> None:
    """Give each request of ``app`` an ID, returned as X-Request-Id, and log one line for it."""

    @app.before_request
    def start() -> None:
        g.started_at = time.perf_counter()
        trace = request.headers.get("X-Amzn-Trace-Id", "")
        g.request_id = trace if _TRACE_ID.fullmatch(trace) else uuid.uuid4().hex

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers.add("X-Request-Id", g.request_id)
        response.headers.add("X-Content-Type-Options", "nosniff")
        route = request.url_rule.rule if request.url_rule else None
        if route not in _QUIET_ROUTES or response.status_code >= _FIRST_ERROR_STATUS:
            fields = {
                "method": request.method,
                "route": route,
                "status": response.status_code,
                "duration_ms": round((time.perf_counter() - g.started_at) * 1000, 2),
                "database_ms": round(g.get("database_seconds", 0.0) * 1000, 2),
                "request_id": g.request_id,
            }
            _log.info("Request", extra={"fields": fields})
        return response
