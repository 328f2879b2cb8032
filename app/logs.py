"""Logs as JSON lines on standard output, one line for each request; and the request's IDs.

Messages are constant and details are fields, so that logs can be searched and counted. Bodies, query strings, headers
and client addresses are never logged. Every line written during a request has its IDs.

A request belongs to the trace of its ``traceparent`` (https://www.w3.org/TR/trace-context/), else to the load
balancer's (``X-Amzn-Trace-Id``), else to a new one.
"""

import json
import logging
import random
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, g, has_app_context, request

# All waits of a request end by then, except for its wait for a thread (3 s) and name resolution (4 s in the image).
REQUEST_SECONDS = 12.0

# Probes, every few seconds, are logged only if they fail.
_QUIET_ROUTES = frozenset({"/livez", "/startupz", "/readyz"})
_FIRST_ERROR_STATUS = 400
_REQUEST_ID = re.compile(r"[A-Za-z0-9=;:.,_-]{1,128}")
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_XRAY_ROOT = re.compile(r"Root=1-([0-9a-f]{8})-([0-9a-f]{24})(?:;|$)")

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
            **_ids(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = self.formatException(record.exc_info)
        return _JSON.encode(line)


def configure_logging(level: str) -> None:
    """Log everything at ``level`` and above to standard output as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # At DEBUG, botocore logs AWS's responses, including the values of secrets.
    logging.getLogger("botocore").setLevel(logging.WARNING)


def request_deadline() -> float:
    """Return the time on the monotonic clock by which the current request must be answered, or work that begins now."""
    started_at: float = g.started_at if has_app_context() and "started_at" in g else time.monotonic()
    return started_at + REQUEST_SECONDS


@contextmanager
def database_time() -> Iterator[None]:
    """Add the duration of the block, including the wait for a connection, to the current request's database time."""
    started_at = time.monotonic()
    try:
        yield
    finally:
        if has_app_context():
            g.database_seconds = g.get("database_seconds", 0.0) + time.monotonic() - started_at


def _ids() -> dict[str, str]:
    """Return the IDs of the current request, if there is one."""
    if not has_app_context() or "trace_id" not in g:
        return {}
    return {"request_id": g.request_id, "trace_id": g.trace_id}


def sql_comment() -> str:
    """Return the request's IDs as a comment for a statement (https://google.github.io/sqlcommenter/spec/).

    Empty unless the request's caller records its trace: a statement with such a comment is different for each request,
    so it cannot be prepared.
    """
    if not has_app_context() or not g.get("is_sampled"):
        return ""
    return f" /*request_id='{quote(g.request_id, safe='')}',traceparent='{g.traceparent}'*/"


def _trace(traceparent: str, xray: str) -> tuple[str, bool]:
    """Return the ID of the request's trace, and whether its caller records it."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match:
        version, trace_id, parent_id, flags, rest = match.groups()
        # Only later versions can append fields.
        if version != "ff" and int(trace_id, 16) and int(parent_id, 16) and not (version == "00" and rest):
            return trace_id, bool(int(flags, 16) & 1)
    root = _XRAY_ROOT.search(xray)
    return ("".join(root.groups()) if root else _random_id(32)), False


def _random_id(digits: int) -> str:
    """Return an ID of hexadecimal digits, without a system call, which would switch threads. It is not a secret."""
    return f"{random.getrandbits(4 * digits):0{digits}x}"


def log_requests(app: Flask) -> None:
    """Give each request of ``app`` an ID and a trace, returned as X-Request-Id and traceparent, and log one line."""

    @app.before_request
    def start() -> None:
        g.started_at = time.monotonic()
        xray = request.headers.get("X-Amzn-Trace-Id", "")
        g.request_id = xray if _REQUEST_ID.fullmatch(xray) else _random_id(32)
        g.trace_id, g.is_sampled = _trace(request.headers.get("traceparent", ""), xray)
        g.traceparent = f"00-{g.trace_id}-{_random_id(16)}-{g.is_sampled:02x}"

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers.add("X-Request-Id", g.request_id)
        response.headers.add("traceparent", g.traceparent)
        response.headers.add("X-Content-Type-Options", "nosniff")
        route = request.url_rule.rule if request.url_rule else None
        if route not in _QUIET_ROUTES or response.status_code >= _FIRST_ERROR_STATUS:
            fields = {
                "method": request.method,
                "route": route,
                "status": response.status_code,
                "duration_ms": round((time.monotonic() - g.started_at) * 1000, 2),
                "database_ms": round(g.get("database_seconds", 0.0) * 1000, 2),
            }
            _log.info("Request", extra={"fields": fields})
        return response
