"""The HTTP server of one listener: receives a request, asks ``rules`` what to do, and passes bytes both ways.

Bodies are streamed, and connections are kept alive, on both sides. Like an Application Load Balancer, it answers 503 if
a group has no targets, 502 if a target refuses, aborts or answers with invalid HTTP, and 504 if it does not connect
within 10 seconds or exceeds the idle timeout. It does not try another target.

Different from AWS: HTTP/1 only, no WebSockets; a client that disconnects is not recorded (AWS: 460), and a target's
response without a ``Server`` header gets one.
"""

import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

import aiohttp
import aiohttp.web
import yarl

from localaws.addresses import NetworkAddresses
from localaws.elbv2.rules import (
    Answer,
    Forward,
    Request,
    Rule,
    end_to_end,
    error_answer,
    forwarded_headers,
    route,
    trace_id,
)
from localaws.elbv2.targets import Target, TargetRegistry

CONNECT_SECONDS = 10
# Broken connections are part of its life and no news.
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())
_log.propagate = False


@dataclass(frozen=True)
class ListenerView:
    """A listener's configuration at the moment of a request.

    Attributes:
        protocol: HTTP or HTTPS.
        port: the listener's port, as the API knows it.
        rules: its rules.
        attributes: of its load balancer.
    """

    protocol: str
    port: int
    rules: Sequence[Rule]
    attributes: Mapping[str, str]

    @property
    def idle_seconds(self) -> float:
        """Return the idle timeout of a connection."""
        return float(self.attributes.get("idle_timeout.timeout_seconds", 60))


class Proxy:
    """Answers the requests of one listener.

    Args:
        view: gives the listener as it is now.
        registry: chooses targets.
        addresses: where targets really listen.
        session: for the connections to targets, shared by all listeners.
        record: counts a response, by the target's group (None if the load balancer itself answers), the status, and the
            seconds until the target answered.
    """

    def __init__(
        self,
        view: Callable[[], ListenerView],
        registry: TargetRegistry,
        addresses: NetworkAddresses,
        session: aiohttp.ClientSession,
        *,
        record: Callable[[str | None, int, float], None] = lambda _group_arn, _status, _seconds: None,
    ) -> None:
        self._view = view
        self._registry = registry
        self._addresses = addresses
        self._session = session
        self._record = record

    def server(self) -> aiohttp.web.Server:
        """Return a protocol factory for ``loop.create_server``."""
        return aiohttp.web.Server(
            self._answer,
            access_log=None,
            logger=_log,
            keepalive_timeout=self._view().idle_seconds,
            max_field_size=16384,
        )

    async def _answer(self, request: aiohttp.web.BaseRequest) -> aiohttp.web.StreamResponse:
        view = self._view()
        client = request.transport.get_extra_info("peername")[0] if request.transport else "127.0.0.1"
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers]
        asked = Request(
            path=request.rel_url.raw_path,
            query=request.rel_url.raw_query_string,
            host=request.headers.get("Host", "").partition(":")[0],
        )
        decision = route(view.rules, asked)
        if isinstance(decision, Answer):
            return _own(decision)
        sent = forwarded_headers(
            [(name, value) for name, value in headers if name.lower() != "expect"],
            client=client,
            protocol=view.protocol.lower(),
            port=view.port,
            trace=trace_id(secrets.token_hex(12)),
            attributes=view.attributes,
        )
        return await self._forward(request, decision, sent, view.idle_seconds)

    async def _forward(
        self, request: aiohttp.web.BaseRequest, forward: Forward, headers: list[tuple[str, str]], idle_seconds: float
    ) -> aiohttp.web.StreamResponse:
        target = self._registry.acquire(forward.group_arn)
        if target is None:
            return self._failed(503)
        try:
            return await self._ask(request, target, headers, idle_seconds)
        except TimeoutError:
            return self._failed(504)
        except (aiohttp.ClientError, OSError, ValueError):
            return self._failed(502)
        finally:
            self._registry.release(target)

    def _failed(self, status: int) -> aiohttp.web.Response:
        self._record(None, status, 0)
        return _own(error_answer(status))

    async def _ask(
        self, request: aiohttp.web.BaseRequest, target: Target, headers: list[tuple[str, str]], idle_seconds: float
    ) -> aiohttp.web.StreamResponse:
        """Send a request to a target, and its answer to the client.

        Raises:
            TimeoutError: the target does not connect or is silent.
            aiohttp.ClientError, OSError: the target refuses, or breaks off before it answers.
        """
        where = self._addresses.reach(target.id, target.port)
        if where is None:
            raise ConnectionRefusedError
        url = f"http://{where[0]}:{where[1]}{request.raw_path}"
        sent_at = time.monotonic()
        answer = await self._session.request(
            request.method,
            yarl.URL(url, encoded=True),
            headers=headers,
            data=_body(request) if request.body_exists else None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=idle_seconds),
        )
        self._record(target.group_arn, answer.status, time.monotonic() - sent_at)
        async with answer:
            return await _pass_back(request, answer)


async def _body(request: aiohttp.web.BaseRequest) -> AsyncIterator[bytes]:
    """Yield the client's body as it arrives, after answering ``Expect: 100-continue``."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    async for chunk in request.content.iter_any():
        yield chunk


async def _pass_back(request: aiohttp.web.BaseRequest, answer: aiohttp.ClientResponse) -> aiohttp.web.StreamResponse:
    response = aiohttp.web.StreamResponse(status=answer.status, reason=answer.reason)
    received = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.raw_headers]
    for name, value in end_to_end(received):
        response.headers.add(name, value)
    await response.prepare(request)
    try:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except (aiohttp.ClientError, OSError):  # a TimeoutError is one of the latter
        # Half an answer must not look like a whole one.
        if request.transport is not None:
            request.transport.abort()
    return response


def _own(answer: Answer) -> aiohttp.web.Response:
    response = aiohttp.web.Response(
        status=answer.status, body=answer.body.encode(), headers={**answer.headers, "Server": "awselb/2.0"}
    )
    response.content_type = "text/html"
    return response
