"""Decide how an Application Load Balancer answers a request. Nothing is sent.

Pure: rules, requests and headers are values. ``load_balancers`` reads the rules from moto, ``listener`` does what is
decided here. Sources: "Listener rules", "Rule condition types" and "HTTP headers and Application Load Balancers" of the
ELB user guide.

Not emulated: conditions other than the path pattern ``/*``, actions other than ``forward`` to one target group and
``redirect`` to another protocol and port, stickiness. A rule that has one of these cannot be created (501).
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Between two hops only (RFC 9110, 7.6.1); what "Connection" names is added to them.
HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)
# Parts of a request that a redirect keeps.
_KEPT = {"Host": "#{host}", "Path": "/#{path}", "Query": "#{query}"}
_VALID_HEADER_NAME = re.compile(r"[-A-Za-z0-9]+")


@dataclass(frozen=True)
class Request:
    """The parts of a request that rules use; ``path`` and ``query`` as they were sent, ``host`` without a port."""

    path: str
    query: str
    host: str


@dataclass(frozen=True)
class Rule:
    """A listener's rule, with actions as the API has them; ``priority`` None is the default rule, which comes last."""

    priority: int | None
    actions: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Forward:
    """Send the request to a target group."""

    group_arn: str


@dataclass(frozen=True)
class Answer:
    """Answer without a target."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def error_answer(status: int) -> Answer:
    """Return the load balancer's own error page."""
    reason = {400: "Bad Request", 502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}
    title = f"{status} {reason.get(status, 'Internal Server Error')}"
    head = f"<head><title>{title}</title></head>"
    body = f"<html>\r\n{head}\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    return Answer(status, body)


def check_emulated(conditions: Sequence[Mapping[str, Any]], actions: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a rule that could not be followed.

    Raises:
        NotImplementedError: a condition or an action is of a kind that is not emulated.
    """
    for condition in conditions:
        if (condition.get("PathPatternConfig") or condition).get("Values") != ["/*"]:
            raise NotImplementedError(f"listener rules with the condition {condition} are not emulated")
    for action in actions:
        groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
        if action["Type"] not in ("forward", "redirect") or len(groups) > 1:
            raise NotImplementedError(f"the action {action['Type']} to {len(groups)} target groups is not emulated")
        redirect = action.get("RedirectConfig") or _KEPT
        if {name: redirect.get(name) or kept for name, kept in _KEPT.items()} != _KEPT:
            raise NotImplementedError("a redirect to another host, path or query is not emulated")


def route(rules: Sequence[Rule], request: Request) -> Forward | Answer:
    """Return what the first rule of a listener does with a request: each rule matches all."""
    first = min(rules, key=lambda rule: (rule.priority is None, rule.priority or 0))
    action = first.actions[-1]
    if action["Type"] == "redirect":
        return _redirect(action["RedirectConfig"], request)
    groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or [action]
    return Forward(groups[0]["TargetGroupArn"])


def forwarded_headers(
    headers: Sequence[tuple[str, str]],
    *,
    client: str,
    protocol: str,
    port: int,
    trace: str,
    attributes: Mapping[str, str] | None = None,
) -> list[tuple[str, str]]:
    """Return the headers for a target, from those of the client.

    Args:
        headers: the client's, in order, repeated names and all.
        client: the client's address.
        protocol: of the listener, ``http`` or ``https``.
        port: of the listener, as the API knows it.
        trace: a new root, for a request that has no ``X-Amzn-Trace-Id``.
        attributes: of the load balancer; ``drop_invalid_header_fields.enabled`` is respected.
    """
    drops_invalid = (attributes or {}).get("routing.http.drop_invalid_header_fields.enabled") == "true"
    kept = [
        (name, value)
        for name, value in end_to_end(headers)
        if name.lower() not in ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-amzn-trace-id")
        and not (drops_invalid and not _VALID_HEADER_NAME.fullmatch(name))
    ]
    chain = [value for name, value in headers if name.lower() == "x-forwarded-for"]
    traces = [value for name, value in headers if name.lower() == "x-amzn-trace-id"]
    kept.append(("X-Forwarded-For", ", ".join([*chain, client])))
    kept.append(("X-Forwarded-Proto", protocol))
    kept.append(("X-Forwarded-Port", str(port)))
    kept.append(("X-Amzn-Trace-Id", _traced(traces[0] if traces else "", trace)))
    return kept


def end_to_end(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the headers without hop-by-hop ones."""
    named = {
        option.strip().lower() for name, value in headers if name.lower() == "connection" for option in value.split(",")
    }
    return [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP | named]


def trace_id(random_hex: str, now: float | None = None) -> str:
    """Return a trace's root: the time and 96 random bits (24 hexadecimal digits)."""
    return f"1-{int(time.time() if now is None else now):08x}-{random_hex}"


def _traced(existing: str, trace: str) -> str:
    if not existing:
        return f"Root={trace}"
    return f"Self={trace};{existing}" if "Root=" in existing else f"{existing};Root={trace}"


def _redirect(config: Mapping[str, Any], request: Request) -> Answer:
    location = f"{config['Protocol'].lower()}://{request.host}:{config['Port']}{request.path}"
    status = int(config["StatusCode"].removeprefix("HTTP_"))
    return Answer(status, headers={"Location": f"{location}?{request.query}" if request.query else location})
