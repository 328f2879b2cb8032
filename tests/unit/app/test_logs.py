"""The IDs of requests: W3C Trace Context, log lines and comments of statements."""

import json
import logging
import re

import pytest
from flask import Flask

from app.logs import JsonFormatter, log_requests, sql_comment

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
XRAY = "Root=1-67891233-abcdef012345678912345678"


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    log_requests(app)

    @app.get("/")
    def answer() -> str:
        logging.getLogger(__name__).warning("Answered")
        return sql_comment()

    return app


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-01", "01"),
        (f"00-{TRACE}-{SPAN}-00", "00"),
        (f"00-{TRACE}-{SPAN}-03", "01"),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", "01"),
    ],
)
def test_a_request_continues_its_caller_s_trace(
    app: Flask, given: str, flags: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.setFormatter(JsonFormatter())
    caplog.set_level(logging.INFO)
    response = app.test_client().get("/", headers={"traceparent": given, "X-Amzn-Trace-Id": XRAY})
    sent = re.fullmatch(f"00-{TRACE}-([0-9a-f]{{16}})-{flags}", response.headers["traceparent"])
    assert sent
    assert sent[1] != SPAN
    lines = [json.loads(line) for line in caplog.text.splitlines()]
    assert [(line["message"], line["trace_id"], line["request_id"]) for line in lines] == [
        ("Answered", TRACE, XRAY),
        ("Request", TRACE, XRAY),
    ]
    comment = f" /*request_id='{XRAY.replace('=', '%3D')}',traceparent='{sent[0]}'*/"
    assert response.text == (comment if flags == "01" else "")


@pytest.mark.parametrize(
    "given",
    [
        "",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01 */ DROP TABLE beers",
    ],
)
def test_a_traceparent_that_is_not_valid_is_replaced(app: Flask, given: str) -> None:
    first, second = (app.test_client().get("/", headers={"traceparent": given}) for _ in range(2))
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", first.headers["traceparent"])
    assert TRACE not in first.headers["traceparent"]
    assert first.headers["traceparent"][:35] != second.headers["traceparent"][:35]
    assert first.text == ""


def test_a_request_without_a_traceparent_belongs_to_the_load_balancer_s_trace(app: Flask) -> None:
    response = app.test_client().get("/", headers={"X-Amzn-Trace-Id": f"Self=1-1-1;{XRAY}"})
    assert response.headers["traceparent"].startswith("00-67891233abcdef012345678912345678-")
