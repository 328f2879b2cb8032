"""Application Load Balancers whose listeners are real ports.

A thread with its own event loop serves every listener in moto: HTTP :80 of the first load balancer on the socket that
the run was given, the others on free ports (``status`` has them). That socket listens for as long as the local AWS
runs; while no listener uses it, connections are reset. The thread checks the health of every registered target, shows
it in DescribeTargetHealth, and drains targets that are deregistered. Rules, target groups and attributes are read from
moto for each request, so that changes take effect at once.

Different from AWS:
- A listener listens on 127.0.0.1 and another port than configured; the load balancer's DNS name does not resolve. A
  redirect goes to the requested host and the listener's configured port, where nothing may listen.
- Health is checked faster than configured (``health``), and for every group that a listener uses.
- The local authority issues a certificate for the names of the listener's. Not emulated: TLS policies other than 1.2
  and up, client certificates, further certificates (SNI), access logs, most metrics, WAF, stickiness, slow start,
  algorithms other than least_outstanding_requests, authentication and network load balancers.
- Two targets of one group cannot have the same address, because moto identifies them by it.
See ``listener``, ``rules`` and ``targets`` for more differences.
"""

import asyncio
import contextlib
import functools
import inspect
import ssl
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import aiohttp.web
from moto.acm.models import acm_backends
from moto.elbv2.models import (
    ELBv2Backend,
    FakeHealthStatus,
    FakeListener,
    FakeLoadBalancer,
    FakeTargetGroup,
    elbv2_backends,
)

from localaws.addresses import LOOPBACK
from localaws.cloudwatch.metrics import Gauge, Measurement, count_responses, put_response_times
from localaws.elbv2.health import Check, Health, Policy, State, seconds_until_next_check
from localaws.elbv2.listener import ListenerView, Proxy
from localaws.elbv2.rules import Rule, check_emulated
from localaws.elbv2.targets import Target, TargetRegistry
from localaws.patch import MonkeyPatch
from localaws.settings import Context

STOP_SECONDS = 10
_NOT_IN_USE = Health(
    State.UNUSED,
    reason="Target.NotInUse",
    description="Target group is not configured to receive traffic from the load balancer",
)
_UNUSED_CHECK_SECONDS = 1.0
# Half of an alarm's minute.
COUNT_SECONDS = 0.5


@dataclass
class _Open:
    """A listener that is being served."""

    socket_key: tuple[Any, ...]  # a change of it needs another socket
    port: int
    server: asyncio.Server | None  # None for the listener on the run's own socket
    connections: aiohttp.web.Server


class _Reset(asyncio.Protocol):
    """Resets a connection to which no listener belongs."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()


class LoadBalancers:
    """The listeners that are open, and the checks that run."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._registry = TargetRegistry()
        self._patch = MonkeyPatch()
        self._open: dict[str, _Open] = {}
        # Responses that are not yet in CloudWatch, by load balancer, target group and status.
        self._counts: Counter[tuple[str, str | None, int]] = Counter()
        # Seconds of the same responses of targets, by load balancer and target group.
        self._times: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self._checks: dict[Target, asyncio.Task[None]] = {}
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._stopping = False
        self._extend_listeners()
        self._extend_targets()
        self._extend_health()
        self._thread = threading.Thread(target=self._serve, name="load balancers", daemon=True)
        self._thread.start()
        self._gauge = Gauge(context, self._measured)

    def stop(self) -> None:
        """Close every listener."""
        self._gauge.stop()
        self._patch.undo()
        if self._stopping:
            return
        self._stopping = True
        self._wake()
        self._thread.join(STOP_SECONDS)

    def status(self) -> dict[str, Any]:
        """Return each listener with its URL, and the state of every target by group."""
        listeners = [
            {
                "load_balancer": balancer.name,
                "listener": f"{listener.protocol}:{listener.port}",
                "url": f"{listener.protocol.lower()}://{LOOPBACK}:{opened.port}",
            }
            for balancer, listener in self._listeners()
            if (opened := self._open.get(listener.arn))
        ]
        targets: dict[str, dict[str, str]] = {}
        for target in self._registry.registered():
            group = self._group(target.group_arn)
            health = self._registry.health(target)
            if group is not None and health is not None:
                targets.setdefault(group.name, {})[f"{target.id}:{target.port}"] = health.state
        return {"listeners": listeners, "targets": targets}

    def _extend_listeners(self) -> None:
        for name in ("create_listener", "modify_listener", "delete_listener", "delete_load_balancer"):
            self._wake_after(name)
        for name in ("create_listener", "modify_listener", "create_rule", "modify_rule"):
            self._check_rules_of(name)

        @self._patch.method(ELBv2Backend, "delete_target_group")
        def delete(original: Any, backend: ELBv2Backend, target_group_arn: str) -> Any:
            group = original(backend, target_group_arn)
            self._registry.forget_group(target_group_arn)
            self._wake()
            return group

    def _check_rules_of(self, name: str) -> None:
        signature = inspect.signature(getattr(ELBv2Backend, name))

        @self._patch.method(ELBv2Backend, name)
        def check(original: Any, *arguments: Any, **named: Any) -> Any:
            given = signature.bind(*arguments, **named).arguments
            actions = given.get("actions") or given.get("default_actions") or []
            check_emulated(given.get("conditions") or [], [getattr(action, "data", action) for action in actions])
            return original(*arguments, **named)

    def _wake_after(self, name: str) -> None:
        @self._patch.method(ELBv2Backend, name)
        def then_socket_key(original: Any, *arguments: Any, **named: Any) -> Any:
            try:
                return original(*arguments, **named)
            finally:
                self._wake()

    def _extend_targets(self) -> None:
        @self._patch.method(FakeTargetGroup, "register")
        def register(original: Any, group: FakeTargetGroup, targets: list[dict[str, Any]]) -> None:
            original(group, targets)
            for target in targets:
                self._registry.register(_target(group, group.targets[target["Id"]]))
            self._wake()

        @self._patch.method(FakeTargetGroup, "deregister")
        def deregister(original: Any, group: FakeTargetGroup, targets: list[dict[str, Any]]) -> None:
            known = [_target(group, group.targets[target["Id"]]) for target in targets if target["Id"] in group.targets]
            original(group, targets)
            for target in known:
                delay = float(str(group.attributes["deregistration_delay.timeout_seconds"]))
                self._registry.deregister(target, delay)
            self._wake()

    def _extend_health(self) -> None:
        @self._patch.method(FakeTargetGroup, "health_for")
        def health_for(original: Any, group: FakeTargetGroup, target: dict[str, Any], ec2: Any) -> Any:
            known = group.targets.get(target["Id"]) or group.deregistered_targets.get(target["Id"]) or target
            one = _target(group, known)
            health = self._registry.health(one)
            if health is None:
                return original(group, target, ec2)
            if health.state is not State.DRAINING and not self._is_in_use(group.arn):
                health = _NOT_IN_USE
            return FakeHealthStatus(
                one.id, str(one.port), group.health_check_port, health.state, health.reason, health.description
            )

        @self._patch.method(ELBv2Backend, "describe_target_health")
        def describe(original: Any, backend: ELBv2Backend, target_group_arn: str, targets: list[dict[str, Any]]) -> Any:
            group = backend.target_groups.get(target_group_arn)
            if not targets and group is not None:
                leaving = [{"Id": target.id, "Port": target.port} for target in self._registry.draining(group.arn)]
                targets = [*group.targets.values(), *leaving]
                if not targets:
                    return []
            return original(backend, target_group_arn, targets)

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._changed.set)

    @property
    def _elb(self) -> ELBv2Backend:
        return elbv2_backends[self._context.settings.account_id][self._context.settings.region]

    def _group(self, arn: str) -> FakeTargetGroup | None:
        return self._elb.target_groups.get(arn)

    def _is_in_use(self, group_arn: str) -> bool:
        return self._elb._any_listener_using(group_arn)  # noqa: SLF001 - moto has no other way to ask

    def _listeners(self) -> list[tuple[FakeLoadBalancer, FakeListener]]:
        return [
            (balancer, listener)
            for balancer in list(self._elb.load_balancers.values())
            for listener in list(balancer.listeners.values())
            if balancer.type == "application"
        ]

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._follow())
        finally:
            self._loop.close()

    async def _follow(self) -> None:
        """Keep listeners and checks as moto has them, until the service is stopped."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        async with aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        ) as session:
            # aiohttp would send a GET again when a kept connection breaks; a load balancer answers 502.
            session._retry_connection = False  # noqa: SLF001 - there is no public switch
            first = await self._loop.create_server(self._first_protocol, sock=self._context.balancer_socket)
            while not self._stopping:
                self._changed.clear()
                await self._follow_listeners(session)
                self._follow_targets(session)
                await self._changed.wait()
            first.close()
            for arn in list(self._open):
                await self._close(arn)
            for check in self._checks.values():
                check.cancel()
            await asyncio.gather(*self._checks.values(), return_exceptions=True)

    async def _follow_listeners(self, session: aiohttp.ClientSession) -> None:
        wanted = {listener.arn: (balancer, listener) for balancer, listener in self._listeners()}
        for arn, opened in list(self._open.items()):
            if arn not in wanted or opened.socket_key != _socket_key(wanted[arn][1]):
                await self._close(arn)
        for arn, (balancer, listener) in wanted.items():
            if arn not in self._open:
                try:
                    await self._open_listener(balancer, listener, session)
                except (OSError, ssl.SSLError) as error:
                    self._context.journal.record("load_balancer.listener_failed", listener=arn, error=str(error))

    async def _open_listener(
        self, balancer: FakeLoadBalancer, listener: FakeListener, session: aiohttp.ClientSession
    ) -> None:
        def record(group_arn: str | None, status: int, seconds: float) -> None:
            if not self._counts:
                self._loop.call_later(COUNT_SECONDS, self._publish_counts)
            name, group = _end_of_arn(balancer.arn), group_arn and _end_of_arn(group_arn)
            self._counts[name, group, status] += 1
            if group:
                self._times[name, group].append(seconds)

        view = functools.partial(_view, balancer, listener)
        proxy = Proxy(view, self._registry, self._context.addresses, session, record=record)
        connections = proxy.server()
        context = self._tls(listener) if listener.protocol == "HTTPS" else None
        is_first = (listener.protocol, int(listener.port)) == ("HTTP", 80) and self._first() is None
        server = None if is_first else await self._loop.create_server(connections, LOOPBACK, 0, ssl=context)
        listening = server.sockets[0] if server else self._context.balancer_socket
        actual: int = listening.getsockname()[1]
        self._open[listener.arn] = _Open(_socket_key(listener), actual, server, connections)
        self._context.journal.record(
            "load_balancer.listening", load_balancer=balancer.name, protocol=listener.protocol, port=actual
        )

    def _publish_counts(self) -> None:
        counts, self._counts = self._counts, Counter()
        times, self._times = self._times, defaultdict(list)
        # The recipient of an alarm's message must not delay requests.
        for key, count in counts.items():
            self._loop.run_in_executor(None, count_responses, self._context.settings, *key, count)
        for where, seconds in times.items():
            self._loop.run_in_executor(None, put_response_times, self._context.settings, *where, seconds)

    def _measured(self) -> Iterator[Measurement]:
        states: dict[str, list[State]] = {}
        for target in self._registry.registered():
            if health := self._registry.health(target):
                states.setdefault(target.group_arn, []).append(health.state)
        for arn, found in states.items():
            group = self._group(arn)
            for balancer in group.load_balancer_arns if group else []:
                dimensions = {"LoadBalancer": _end_of_arn(balancer), "TargetGroup": _end_of_arn(arn)}
                yield "AWS/ApplicationELB", dimensions, {"UnHealthyHostCount": found.count(State.UNHEALTHY)}

    async def _close(self, arn: str) -> None:
        opened = self._open.pop(arn)
        if opened.server:
            opened.server.close()
        await opened.connections.shutdown(1)
        if opened.server:
            await opened.server.wait_closed()

    def _first(self) -> _Open | None:
        """Return the listener on the run's own socket."""
        return next((opened for opened in self._open.values() if opened.server is None), None)

    def _first_protocol(self) -> asyncio.BaseProtocol:
        first = self._first()
        return first.connections() if first else _Reset()

    def _follow_targets(self, session: aiohttp.ClientSession) -> None:
        wanted = set(self._registry.registered())
        for target in self._checks.keys() - wanted:
            self._checks.pop(target).cancel()
        for target in wanted - self._checks.keys():
            self._checks[target] = self._loop.create_task(self._watch(target, session))

    async def _watch(self, target: Target, session: aiohttp.ClientSession) -> None:
        """Check one target's health for as long as it is registered."""
        while True:
            group = self._group(target.group_arn)
            if group is None or not self._is_in_use(target.group_arn):
                await asyncio.sleep(_UNUSED_CHECK_SECONDS)
                continue
            policy = _policy(group)
            check = await self._check(target, group, policy, session)
            before = self._registry.health(target)
            health = self._registry.record(target, check, policy)
            if health is None:
                return
            if before is None or before.state is not health.state:
                self._context.journal.record(
                    "load_balancer.target",
                    group=group.name,
                    target=f"{target.id}:{target.port}",
                    state=health.state,
                    reason=health.description,
                )
            await asyncio.sleep(seconds_until_next_check(health, policy))

    async def _check(
        self, target: Target, group: FakeTargetGroup, policy: Policy, session: aiohttp.ClientSession
    ) -> Check:
        configured = str(group.health_check_port)
        port = int(configured) if configured.isdigit() else target.port
        where = self._context.addresses.reach(target.id, port)
        if where is None:
            return Check("Target.FailedHealthChecks", "Health checks failed: nothing listens on this address and port")
        url = f"{str(group.health_check_protocol).lower()}://{where[0]}:{where[1]}{group.health_check_path or '/'}"
        try:
            async with session.get(
                url,
                headers={"User-Agent": "ELB-HealthChecker/2.0", "Connection": "close"},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=policy.timeout_seconds),
                ssl=False,
            ) as answer:
                if policy.accepts(answer.status):
                    return Check()
                return Check("Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{answer.status}]")
        except TimeoutError:
            return Check("Target.Timeout", "Request timed out")
        except (aiohttp.ClientError, OSError):
            return Check("Target.FailedHealthChecks", "Health checks failed")

    def _tls(self, listener: FakeListener) -> ssl.SSLContext:
        """Return a context with a certificate of the local authority for the names of the listener's."""
        settings = self._context.settings
        bundle = acm_backends[settings.account_id][settings.region].get_certificate(str(listener.certificate))
        folder = settings.run_directory / "listeners"
        name = listener.arn.rsplit("/", 1)[-1]
        names = sorted({bundle.common_name, *bundle.sans, "localhost", LOOPBACK})
        certificate, key = self._context.authority.issue(folder, name, names)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate, key)
        return context


def _target(group: FakeTargetGroup, target: dict[str, Any]) -> Target:
    return Target(group.arn, str(target["Id"]), int(target.get("Port") or group.port))


def _socket_key(listener: FakeListener) -> tuple[Any, ...]:
    return listener.protocol, str(listener.port), listener.certificate


def _end_of_arn(arn: str) -> str:
    """Return the name of a load balancer or target group in metrics."""
    return arn.rpartition(":")[2].removeprefix("loadbalancer/")


def _view(balancer: FakeLoadBalancer, listener: FakeListener) -> ListenerView:
    rules = [
        Rule(None if rule.is_default else int(rule.priority), [action.data for action in rule.actions])
        for rule in list(listener.rules.values())
    ]
    attributes = {name: str(value) for name, value in balancer.attrs.items()}
    return ListenerView(listener.protocol, int(listener.port), rules, attributes)


def _policy(group: FakeTargetGroup) -> Policy:
    return Policy(
        interval_seconds=float(group.health_check_interval_seconds),
        timeout_seconds=float(group.health_check_timeout_seconds),
        healthy_threshold=int(group.healthy_threshold_count),
        unhealthy_threshold=int(group.unhealthy_threshold_count),
        codes=str((group.matcher or {}).get("HttpCode") or "200"),
    )
