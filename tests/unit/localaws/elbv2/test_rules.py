"""The load balancer's rules, redirects and headers, without a socket."""

from typing import Any

import pytest

from localaws.elbv2.rules import (
    Answer,
    Forward,
    Request,
    Rule,
    check_emulated,
    forwarded_headers,
    route,
)

PAGES = Request("/pages/7", "name=Ale&page=2", "Pages.example.com")


def forward(arn: str) -> dict[str, Any]:
    return {"Type": "forward", "TargetGroupArn": arn}


def test_the_rule_with_the_lowest_priority_wins_and_the_default_comes_last() -> None:
    rules = [
        Rule(None, [forward("default")]),
        Rule(20, [forward("second")]),
        Rule(10, [{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": "first"}]}}]),
    ]
    assert route(rules, PAGES) == Forward("first")
    assert route(rules[:1], PAGES) == Forward("default")


@pytest.mark.parametrize(
    ("conditions", "action"),
    [
        pytest.param([{"Field": "host-header", "Values": ["a"]}], forward("a"), id="a host"),
        pytest.param([{"Field": "path-pattern", "Values": ["/a"]}], forward("a"), id="a path"),
        pytest.param([], {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}, id="an action"),
        pytest.param(
            [],
            {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": arn} for arn in "ab"]}},
            id="weighted target groups",
        ),
        pytest.param([], {"Type": "redirect", "RedirectConfig": {"Path": "/v2/#{path}"}}, id="a rewritten path"),
    ],
)
def test_a_rule_of_a_kind_that_is_not_emulated_is_refused(
    conditions: list[dict[str, Any]], action: dict[str, Any]
) -> None:
    with pytest.raises(NotImplementedError, match="not emulated"):
        check_emulated(conditions, [action])


def test_a_redirect_to_https_keeps_host_path_and_query() -> None:
    config = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    answer = route([Rule(None, [{"Type": "redirect", "RedirectConfig": config}])], PAGES)
    assert answer == Answer(301, headers={"Location": "https://Pages.example.com:443/pages/7?name=Ale&page=2"})


def headers_for_target(*headers: tuple[str, str], **attributes: str) -> list[tuple[str, str]]:
    return forwarded_headers(
        headers, client="203.0.113.5", protocol="https", port=443, trace="1-2-3", attributes=attributes
    )


OURS = [
    ("X-Forwarded-For", "203.0.113.5"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Port", "443"),
    ("X-Amzn-Trace-Id", "Root=1-2-3"),
]


@pytest.mark.aws("ELB-14")
def test_a_client_cannot_pretend_another_protocol_or_port() -> None:
    assert headers_for_target(("X-Forwarded-Proto", "http"), ("X-Forwarded-Port", "1")) == OURS


@pytest.mark.aws("ELB-14")
def test_the_client_is_appended_to_the_chain_of_proxies() -> None:
    received = headers_for_target(("X-Forwarded-For", "192.0.2.1"))
    assert dict(received)["X-Forwarded-For"] == "192.0.2.1, 203.0.113.5"
