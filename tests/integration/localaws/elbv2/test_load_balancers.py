"""The load balancer as clients meet it: real listeners, real targets, moto's rules and target groups between them."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from localaws.elbv2.load_balancers import LoadBalancers
from tests.support.ecs import make_load_balancer, make_network
from tests.support.moto_server import MotoServer, moto_server
from tests.support.targets import Target, running_target
from tests.support.waiting import wait_until

FIXED = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "403"}}


@dataclass
class Balancer:
    """A load balancer with one listener and one target group, and two targets behind it."""

    aws: MotoServer
    elb: Any
    arn: str
    listener_arn: str
    group_arn: str
    targets: list[Target]

    @property
    def port(self) -> int:
        return self.aws.balancer_port

    def add(self, target: Target) -> None:
        """Register a target with an address of a subnet, as a task has one."""
        address = f"10.0.0.{10 + self.targets.index(target)}"
        # The port that the map promises is this one's.
        self.aws.context.addresses._port_by_target[address, 8000] = target.port
        self.elb.register_targets(TargetGroupArn=self.group_arn, Targets=[{"Id": address, "Port": 8000}])

    def remove(self, target: Target) -> None:
        address = f"10.0.0.{10 + self.targets.index(target)}"
        self.elb.deregister_targets(TargetGroupArn=self.group_arn, Targets=[{"Id": address, "Port": 8000}])

    def states(self) -> list[str]:
        found = self.elb.describe_target_health(TargetGroupArn=self.group_arn)["TargetHealthDescriptions"]
        return [one["TargetHealth"]["State"] for one in found]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def echo(self, method: str = "GET", path: str = "/", body: Any = None, **headers: str) -> dict[str, Any]:
        status, answer, _ = self.ask(method, path, body, **headers)
        assert status in (200, 201), answer
        echo: dict[str, Any] = json.loads(answer)
        return echo


@dataclass
class World:
    """Shared by all tests: moto, the service and a network."""

    aws: MotoServer
    service: LoadBalancers
    elb: Any
    vpc_id: str
    subnet_ids: list[str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with moto_server(tmp_path_factory.mktemp("run")) as aws:
        service = LoadBalancers(aws.context)
        yield World(aws, service, aws.client("elbv2"), *make_network(aws.client("ec2")))
        service.stop()


@pytest.fixture
def balancer(world: World) -> Iterator[Balancer]:
    elb = world.elb
    with ExitStack() as stack:
        arn, group, listener = make_load_balancer(elb, world.vpc_id, world.subnet_ids, HealthyThresholdCount=2)
        targets = [stack.enter_context(running_target(name)) for name in ("first", "second")]
        wait_until(lambda: world.service.status()["listeners"], "a listener")
        yield Balancer(world.aws, elb, arn, listener, group, targets)
        elb.delete_load_balancer(LoadBalancerArn=arn)
        elb.delete_target_group(TargetGroupArn=group)
        wait_until(lambda: not world.service.status()["listeners"], "no listener")


@pytest.fixture
def serving(balancer: Balancer) -> Balancer:
    """With both targets registered and healthy."""
    for target in balancer.targets:
        balancer.add(target)
    wait_until(lambda: balancer.states() == ["healthy", "healthy"], "two healthy targets")
    return balancer


@pytest.mark.aws("ELB-13")
def test_a_group_without_targets_is_unavailable(balancer: Balancer) -> None:
    status, body, headers = balancer.ask("GET", "/")
    assert (status, headers["Server"]) == (503, "awselb/2.0")
    assert b"503 Service Temporarily Unavailable" in body


def test_large_bodies_pass_in_both_forms(serving: Balancer) -> None:
    body = b"x" * 3_000_000
    assert serving.echo("POST", "/", body)["body_bytes"] == len(body)
    assert serving.echo("POST", "/", iter([body[:1_000_000], body[1_000_000:]]))["body_bytes"] == len(body)


@pytest.mark.aws("ELB-13")
def test_a_silent_target_is_a_gateway_timeout(serving: Balancer) -> None:
    serving.elb.modify_load_balancer_attributes(
        LoadBalancerArn=serving.arn, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "1"}]
    )
    for target in serving.targets:
        target.delay_seconds = 60
    assert serving.ask("GET", "/slow")[0] == 504


@pytest.mark.aws("ELB-1")
def test_a_refused_connection_is_a_502_and_not_tried_at_another_target(serving: Balancer) -> None:
    serving.targets[0].shutdown()
    serving.targets[0].server_close()
    statuses = [serving.ask("GET", "/")[0] for _ in range(2)]
    assert sorted(statuses) == [200, 502]


def test_targets_come_and_go_under_load_and_no_request_fails(serving: Balancer) -> None:
    stop = threading.Event()

    def client(number: int) -> Counter[int]:
        """Mixed requests on one kept connection, as long as the load lasts."""
        statuses: Counter[int] = Counter()
        connection = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=60)
        while not stop.is_set():
            method, path, body = [
                ("GET", "/beers", None),
                ("POST", "/beers", b'{"name": "Ale"}'),
                ("GET", "/slow", None),
            ][(number + sum(statuses.values())) % 3]
            connection.request(method, path, body)
            answer = connection.getresponse()
            answer.read()
            statuses[answer.status] += 1
        connection.close()
        return statuses

    for target in serving.targets:
        target.delay_seconds = 0.05
    with ThreadPoolExecutor(32) as pool:
        clients = [pool.submit(client, number) for number in range(32)]
        for target in serving.targets * 3:
            time.sleep(0.4)
            serving.remove(target)
            wait_until(lambda: serving.states() == ["healthy"], "the end of draining")
            answered = target.answered
            time.sleep(0.1)
            assert target.answered == answered
            serving.add(target)
            wait_until(lambda: serving.states() == ["healthy", "healthy"], "two healthy targets")
        stop.set()
        total: Counter[int] = Counter()
        for one in clients:
            total += one.result()
    assert set(total) == {200, 201}
    assert total.total() > len(clients)


def test_a_rule_that_is_not_emulated_cannot_be_created(serving: Balancer) -> None:
    condition = {"Field": "host-header", "Values": ["a"]}
    redirect = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_302"}}
    # The middleware of the whole local AWS answers 501; moto alone answers 500 or drops the connection.
    refused = (ClientError, ConnectionClosedError)
    with pytest.raises(refused):
        serving.elb.create_rule(
            ListenerArn=serving.listener_arn, Priority=7, Conditions=[condition], Actions=[redirect]
        )
    with pytest.raises(refused):
        serving.elb.modify_listener(ListenerArn=serving.listener_arn, DefaultActions=[FIXED])
    assert serving.ask("GET", "/")[0] == 200
