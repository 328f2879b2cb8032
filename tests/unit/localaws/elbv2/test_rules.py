"""How the load balancer's rules, redirects and headers work, without a socket."""

from typing import Any

import pytest

from localaws.elbv2.rules import Answer, Forward, Request, Rule, forwarded_headers, matches, route, trace_id

BEERS = Request("GET", "/beers/7", "name=Ale&page=2", {"host": "Beers.example.com:80", "x-kind": "Mobile"}, "10.0.0.9")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"Field": "path-pattern", "Values": ["/beers/*"]}, True),
        ({"Field": "path-pattern", "PathPatternConfig": {"Values": ["/beers/?"]}}, True),
        ({"Field": "path-pattern", "PathPatternConfig": {"Values": ["/Beers/*"]}}, False),
        ({"Field": "path-pattern", "PathPatternConfig": {"Values": ["/beers/[0-9]"]}}, False),
        ({"Field": "host-header", "HostHeaderConfig": {"Values": ["*.EXAMPLE.com"]}}, True),
        ({"Field": "host-header", "HostHeaderConfig": {"Values": ["example.com"]}}, False),
        ({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST", "GET"]}}, True),
        ({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}}, False),
        ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Kind", "Values": ["mob*"]}}, True),
        ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Other", "Values": ["*"]}}, False),
        ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "name", "Value": "al?"}]}}, True),
        ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Value": "2"}]}}, True),
        ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "page", "Value": "3"}]}}, False),
        ({"Field": "source-ip", "SourceIpConfig": {"Values": ["192.0.2.0/24", "10.0.0.0/8"]}}, True),
        ({"Field": "source-ip", "SourceIpConfig": {"Values": ["192.0.2.0/24"]}}, False),
        ({"Field": "phase-of-the-moon", "Values": ["*"]}, False),
    ],
)
def test_a_condition_looks_at_its_part_of_the_request(condition: dict[str, Any], expected: bool) -> None:
    assert matches(condition, BEERS) is expected


def forward(arn: str) -> dict[str, Any]:
    return {"Type": "forward", "TargetGroupArn": arn}


def test_the_rule_with_the_lowest_priority_that_matches_wins_and_the_default_comes_last() -> None:
    path = [{"Field": "path-pattern", "Values": ["/beers/*"]}]
    rules = [
        Rule(None, [], [forward("default")]),
        Rule(20, path, [forward("second")]),
        Rule(3, [*path, {"Field": "http-request-method", "Values": ["POST"]}], [forward("posts")]),
        Rule(10, path, [forward("first")]),
    ]
    assert route(rules, BEERS, "HTTP", 80) == Forward({"first": 1})
    other = Request("GET", "/other", "", {}, "10.0.0.9")
    assert route(rules, other, "HTTP", 80) == Forward({"default": 1})


def only(action: dict[str, Any]) -> list[Rule]:
    return [Rule(None, [], [action])]


def test_a_fixed_response_is_given_as_configured() -> None:
    action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "MessageBody": "no"}}
    assert route(only(action), BEERS, "HTTP", 80) == Answer(404, "no", "text/plain")


@pytest.mark.parametrize(
    ("config", "location"),
    [
        pytest.param(
            {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
            "https://Beers.example.com:443/beers/7?name=Ale&page=2",
            id="to HTTPS, all else kept",
        ),
        pytest.param(
            {"Host": "www.#{host}", "Path": "/v2/#{path}", "Query": "", "StatusCode": "HTTP_301"},
            "http://www.Beers.example.com:80/v2/beers/7?name=Ale&page=2",
            id="parts rewritten",
        ),
    ],
)
def test_a_redirect_fills_in_the_parts_of_the_request(config: dict[str, Any], location: str) -> None:
    answer = route(only({"Type": "redirect", "RedirectConfig": config}), BEERS, "HTTP", 80)
    assert answer == Answer(301, headers={"Location": location})


@pytest.mark.parametrize(("chance", "expected"), [(0.0, "old"), (0.89, "old"), (0.91, "new"), (0.999, "new")])
def test_weights_share_the_requests_out(chance: float, expected: str) -> None:
    groups = [{"TargetGroupArn": "old", "Weight": 9}, {"TargetGroupArn": "new", "Weight": 1}]
    decision = route(only({"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}), BEERS, "HTTP", 80)
    assert isinstance(decision, Forward)
    assert decision.pick(chance) == expected


def test_groups_of_weight_zero_get_nothing() -> None:
    assert Forward({"old": 0}).pick(0.5) is None


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


def test_a_target_learns_who_asked_and_how() -> None:
    assert headers_for_target(("Host", "beers")) == [("Host", "beers"), *OURS]


def test_a_client_cannot_pretend_another_protocol_or_port() -> None:
    assert headers_for_target(("X-Forwarded-Proto", "http"), ("X-Forwarded-Port", "1")) == OURS


def test_headers_for_one_hop_are_left_out_and_repeated_ones_kept() -> None:
    received = headers_for_target(
        ("Connection", "close, X-Private"), ("X-Private", "1"), ("TE", "trailers"), ("Accept", "a"), ("Accept", "b")
    )
    assert received == [("Accept", "a"), ("Accept", "b"), *OURS]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("append", "192.0.2.1, 203.0.113.5"), ("preserve", "192.0.2.1"), ("remove", None)],
)
def test_the_chain_of_clients_is_handled_as_the_load_balancer_is_told(mode: str, expected: str | None) -> None:
    received = headers_for_target(("X-Forwarded-For", "192.0.2.1"), **{"routing.http.xff_header_processing.mode": mode})
    assert dict(received).get("X-Forwarded-For") == expected


def test_invalid_header_names_are_dropped_when_asked() -> None:
    name = "routing.http.drop_invalid_header_fields.enabled"
    assert ("under_score", "1") in headers_for_target(("under_score", "1"))
    assert ("under_score", "1") not in headers_for_target(("under_score", "1"), **{name: "true"})


@pytest.mark.parametrize(
    ("given", "expected"),
    [("Root=1-a-b", "Self=1-2-3;Root=1-a-b"), ("Name=v", "Name=v;Root=1-2-3")],
)
def test_a_trace_that_the_client_began_goes_on(given: str, expected: str) -> None:
    assert dict(headers_for_target(("X-Amzn-Trace-Id", given)))["X-Amzn-Trace-Id"] == expected


def test_a_trace_root_tells_its_time() -> None:
    assert trace_id("ab" * 12, now=0x5759E988) == "1-5759e988-" + "ab" * 12
