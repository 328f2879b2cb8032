"""How an Application Load Balancer answers a request, before anything is sent.

Pure: rules, requests and headers are values, chance is passed in. ``load_balancer`` reads the rules from moto and
``proxy`` carries out what is decided here. Sources: "Listener rules", "Rule condition types" and "HTTP headers and
Application Load Balancers" of the ELB user guide.

Different from AWS: no actions of the authenticate kinds and no stickiness.
"""

import fnmatch
import ipaddress
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

# Between two hops only (RFC 9110, 7.6.1); what "Connection" names is added to them.
HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)
_VALID_HEADER_NAME = re.compile(r"[-A-Za-z0-9]+")


@dataclass(frozen=True)
class Request:
    """What rules look at. ``headers`` has lower-case names; ``client`` is the peer's address."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    client: str

    @property
    def host(self) -> str:
        """The name that was asked for, without its port."""
        return self.headers.get("host", "").split(":")[0]


@dataclass(frozen=True)
class Rule:
    """A listener's rule; ``priority`` None is the default rule, which comes last and has no conditions.

    Conditions and actions are as the API has them.
    """

    priority: int | None
    conditions: Sequence[Mapping[str, Any]]
    actions: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Forward:
    """Send the request to one of these target groups: their ARNs and weights."""

    weight_by_target_group: Mapping[str, int]

    def pick(self, chance: float) -> str | None:
        """A target group's ARN for a ``chance`` between 0 and 1 (excluded); None if every weight is 0."""
        rest = chance * sum(self.weight_by_target_group.values())
        for arn, weight in self.weight_by_target_group.items():
            rest -= weight
            if rest < 0:
                return arn
        return None


@dataclass(frozen=True)
class Answer:
    """Answer without asking a target."""

    status: int
    body: str = ""
    content_type: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=dict)


def error_answer(status: int) -> Answer:
    """What the load balancer itself says when it has nothing better."""
    reason = {400: "Bad Request", 502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}
    title = f"{status} {reason.get(status, 'Internal Server Error')}"
    head = f"<head><title>{title}</title></head>"
    body = f"<html>\r\n{head}\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    return Answer(status, body)


def route(rules: Sequence[Rule], request: Request, protocol: str, port: int) -> Forward | Answer:
    """What the first matching rule of a listener (``protocol`` and ``port``) makes of a request."""
    ordered = sorted(rules, key=lambda rule: (rule.priority is None, rule.priority or 0))
    for rule in ordered:
        if all(matches(condition, request) for condition in rule.conditions):
            return _outcome(rule.actions[-1], request, protocol, port)
    return error_answer(503)


def matches(condition: Mapping[str, Any], request: Request) -> bool:
    """Whether a request meets one condition of a rule. An unknown kind of condition matches nothing."""
    matcher = _MATCHERS.get(condition["Field"])
    return matcher is not None and matcher(condition, request)


def forwarded_headers(
    headers: Sequence[tuple[str, str]],
    *,
    client: str,
    protocol: str,
    port: int,
    trace: str,
    attributes: Mapping[str, str] | None = None,
) -> list[tuple[str, str]]:
    """The headers for a target, from those of the client.

    Args:
        headers: the client's, in order, repeated names and all.
        client: the client's address.
        protocol: of the listener, ``http`` or ``https``.
        port: of the listener, as the API knows it.
        trace: a new root, for a request that has no ``X-Amzn-Trace-Id``.
        attributes: the load balancer's attributes; ``xff_header_processing.mode`` and
            ``drop_invalid_header_fields.enabled`` are heeded.
    """
    attributes = attributes or {}
    mode = attributes.get("routing.http.xff_header_processing.mode", "append")
    drops_invalid = attributes.get("routing.http.drop_invalid_header_fields.enabled") == "true"
    kept = [
        (name, value)
        for name, value in end_to_end(headers)
        if name.lower() not in ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-amzn-trace-id")
        and not (drops_invalid and not _VALID_HEADER_NAME.fullmatch(name))
    ]
    chain = [value for name, value in headers if name.lower() == "x-forwarded-for"]
    traces = [value for name, value in headers if name.lower() == "x-amzn-trace-id"]
    if mode == "append":
        chain.append(client)
    if chain and mode != "remove":
        kept.append(("X-Forwarded-For", ", ".join(chain)))
    kept.append(("X-Forwarded-Proto", protocol))
    kept.append(("X-Forwarded-Port", str(port)))
    kept.append(("X-Amzn-Trace-Id", _traced(traces[0] if traces else "", trace)))
    return kept


def end_to_end(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers without those that are meant for one hop."""
    named = {
        option.strip().lower() for name, value in headers if name.lower() == "connection" for option in value.split(",")
    }
    return [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP | named]


def trace_id(random_hex: str, now: float | None = None) -> str:
    """A trace's root: the time and 96 random bits (24 hexadecimal digits)."""
    return f"1-{int(time.time() if now is None else now):08x}-{random_hex}"


def _traced(existing: str, trace: str) -> str:
    if not existing:
        return f"Root={trace}"
    return f"Self={trace};{existing}" if "Root=" in existing else f"{existing};Root={trace}"


def _outcome(action: Mapping[str, Any], request: Request, protocol: str, port: int) -> Forward | Answer:
    kind = action["Type"]
    if kind == "forward":
        return _forward(action)
    if kind == "fixed-response":
        config = action["FixedResponseConfig"]
        content_type = config.get("ContentType") or "text/plain"
        return Answer(int(config["StatusCode"]), config.get("MessageBody") or "", content_type)
    if kind == "redirect":
        return _redirect(action["RedirectConfig"], request, protocol, port)
    return error_answer(500)


def _forward(action: Mapping[str, Any]) -> Forward:
    groups = (action.get("ForwardConfig") or {}).get("TargetGroups")
    if groups:
        return Forward({group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in groups})
    return Forward({action["TargetGroupArn"]: 1})


def _redirect(config: Mapping[str, Any], request: Request, protocol: str, port: int) -> Answer:
    values = {
        "#{protocol}": protocol,
        "#{host}": request.host,
        "#{port}": str(port),
        "#{path}": request.path.removeprefix("/"),
        "#{query}": request.query,
    }

    def filled(name: str, default: str) -> str:
        text: str = config.get(name) or default
        for placeholder, value in values.items():
            text = text.replace(placeholder, value)
        return text

    scheme = filled("Protocol", "#{protocol}").lower()
    query = filled("Query", "#{query}")
    location = f"{scheme}://{filled('Host', '#{host}')}:{filled('Port', '#{port}')}{filled('Path', '/#{path}')}"
    status = int(config["StatusCode"].removeprefix("HTTP_"))
    return Answer(status, headers={"Location": f"{location}?{query}" if query else location})


def _path_matches(condition: Mapping[str, Any], request: Request) -> bool:
    return _any_match(_values(condition, "PathPatternConfig"), request.path)


def _host_matches(condition: Mapping[str, Any], request: Request) -> bool:
    return _any_match([value.lower() for value in _values(condition, "HostHeaderConfig")], request.host.lower())


def _method_matches(condition: Mapping[str, Any], request: Request) -> bool:
    return request.method in _values(condition, "HttpRequestMethodConfig")


def _header_matches(condition: Mapping[str, Any], request: Request) -> bool:
    found = request.headers.get(condition["HttpHeaderConfig"]["HttpHeaderName"].lower())
    patterns = [value.lower() for value in _values(condition, "HttpHeaderConfig")]
    return found is not None and _any_match(patterns, found.lower())


def _source_matches(condition: Mapping[str, Any], request: Request) -> bool:
    client = ipaddress.ip_address(request.client)
    return any(client in ipaddress.ip_network(cidr) for cidr in _values(condition, "SourceIpConfig"))


def _query_matches(condition: Mapping[str, Any], request: Request) -> bool:
    pairs = [(key.lower(), value.lower()) for key, value in parse_qsl(request.query, keep_blank_values=True)]
    for wanted in (condition.get("QueryStringConfig") or {}).get("Values") or []:
        key_pattern, value_pattern = wanted.get("Key", "*").lower(), wanted["Value"].lower()
        if any(_matches(key_pattern, key) and _matches(value_pattern, value) for key, value in pairs):
            return True
    return False


def _values(condition: Mapping[str, Any], config: str) -> Sequence[str]:
    return (condition.get(config) or {}).get("Values") or condition.get("Values") or []


def _any_match(patterns: Sequence[str], text: str) -> bool:
    return any(_matches(pattern, text) for pattern in patterns)


def _matches(pattern: str, text: str) -> bool:
    """``*`` stands for any characters and ``?`` for one; brackets, unlike in a shell, for themselves."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


_MATCHERS: Mapping[str, Callable[[Mapping[str, Any], Request], bool]] = {
    "path-pattern": _path_matches,
    "host-header": _host_matches,
    "http-request-method": _method_matches,
    "http-header": _header_matches,
    "query-string": _query_matches,
    "source-ip": _source_matches,
}
