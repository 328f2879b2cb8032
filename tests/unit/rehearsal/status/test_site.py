"""Whom the status page answers, and how."""

import pytest

from rehearsal.status.page import Site

SITE = Site(8180, lambda after: {"after": after})


@pytest.mark.parametrize("host", ["127.0.0.1:8180", "localhost:8180", "LOCALHOST:8180"])
def test_it_answers_at_its_address(host: str) -> None:
    answer = SITE.answer("GET", host, "/", "")
    headers = dict(answer.headers)
    assert (answer.status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")


@pytest.mark.parametrize("host", ["", "rebound.example:8180", "127.0.0.1", "127.0.0.1:8181", "127.0.0.1:8180.example"])
@pytest.mark.parametrize("path", ["/", "/state.json"])
def test_a_foreign_host_name_that_resolves_here_is_refused(host: str, path: str) -> None:
    assert SITE.answer("GET", host, path, "").status == 421


@pytest.mark.parametrize(
    ("status", "method", "path"),
    [
        *((405, method, "/state.json") for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS")),
        *((404, "GET", path) for path in ("/page.html", "/../page.py", "/%2e%2e/page.py", "/state")),
    ],
)
def test_it_only_shows_and_only_its_files(status: int, method: str, path: str) -> None:
    answer = SITE.answer(method, "localhost:8180", path, "")
    assert (answer.status, dict(answer.headers).get("Allow")) == (status, "GET" if status == 405 else None)


@pytest.mark.parametrize(("query", "after"), [("after=12", b"12"), ("", b"0"), ("after=-1", b"0"), ("after=x", b"0")])
def test_the_state_is_asked_for_from_the_last_call_that_was_seen(query: str, after: bytes) -> None:
    answer = SITE.answer("GET", "localhost:8180", "/state.json", query)
    assert after in answer.body
    assert "Content-Security-Policy" in dict(answer.headers)
