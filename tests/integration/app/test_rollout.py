"""Replacing instances behind the load balancer under load, as ECS does, loses no request."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localaws.elbv2.load_balancers import LoadBalancers
from rehearsal.load import Load
from tests.support.catalogue_database import CatalogueDatabase
from tests.support.moto_server import MotoServer, moto_server
from tests.support.served import Served, serving
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.database, pytest.mark.load]

INSTANCES = 2
REPLACEMENTS = 10
DEREGISTRATION_SECONDS = 1


@dataclass
class Balancer:
    """A load balancer in front of one target group."""

    aws: MotoServer
    service: LoadBalancers
    elb: Any
    group_arn: str

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.aws.balancer_port}"

    def register(self, ip: str, port: int) -> None:
        """Add an instance, which has an address of a subnet as a task has one."""
        self.aws.context.addresses._port_by_target[ip, 8000] = port
        self.elb.register_targets(TargetGroupArn=self.group_arn, Targets=[{"Id": ip, "Port": 8000}])

    def deregister(self, ip: str) -> None:
        self.elb.deregister_targets(TargetGroupArn=self.group_arn, Targets=[{"Id": ip, "Port": 8000}])

    def state(self, ip: str) -> str | None:
        """What the group says of an instance, or None if it knows it no more."""
        found = self.elb.describe_target_health(TargetGroupArn=self.group_arn)["TargetHealthDescriptions"]
        return next((one["TargetHealth"]["State"] for one in found if one["Target"]["Id"] == ip), None)


@pytest.fixture
def balancer(tmp_path: Path) -> Iterator[Balancer]:
    with moto_server(tmp_path / "aws") as aws:
        service = LoadBalancers(aws.context)
        ec2, elb = aws.client("ec2"), aws.client("elbv2")
        vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet_ids = [
            ec2.create_subnet(VpcId=vpc_id, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
                "SubnetId"
            ]
            for n, zone in enumerate("ab")
        ]
        arn = elb.create_load_balancer(Name="taproom", Subnets=subnet_ids)["LoadBalancers"][0]["LoadBalancerArn"]
        group = elb.create_target_group(
            Name="app",
            Protocol="HTTP",
            Port=8000,
            VpcId=vpc_id,
            TargetType="ip",
            HealthCheckPath="/readyz",
            HealthCheckIntervalSeconds=5,
            HealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        elb.modify_target_group_attributes(
            TargetGroupArn=group,
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": str(DEREGISTRATION_SECONDS)}],
        )
        action = {"Type": "forward", "TargetGroupArn": group}
        elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[action])
        wait_until(lambda: service.status()["listeners"], "a listener")
        yield Balancer(aws, service, elb, group)
        service.stop()


def test_twenty_sigterms_under_load_lose_no_request(
    balancer: Balancer, catalogue: CatalogueDatabase, tmp_path: Path
) -> None:
    addresses = (f"10.0.0.{number}" for number in itertools.count(10))

    @contextmanager
    def instance() -> Iterator[tuple[str, Served]]:
        ip = next(addresses)
        folder = tmp_path / ip
        folder.mkdir()
        with serving(folder, DATABASE_URL=catalogue.url(catalogue.app), WEB_CONCURRENCY="1") as served:
            balancer.register(ip, served.port)
            wait_until(lambda: balancer.state(ip) == "healthy", f"{ip} to be healthy")
            yield ip, served

    def generation(stack: ExitStack) -> list[tuple[str, Served]]:
        with ThreadPoolExecutor(INSTANCES) as threads:
            return list(threads.map(lambda _: stack.enter_context(instance()), range(INSTANCES)))

    def retire(ip: str, served: Served) -> int:
        balancer.deregister(ip)
        wait_until(lambda: balancer.state(ip) != "draining", f"{ip} to be drained")
        return served.stop()

    # The old ones end while the next ones start.
    with ExitStack() as stack, ThreadPoolExecutor(2 * INSTANCES) as threads:
        serving_now, ends = generation(stack), []
        with Load([balancer.address], connections=8, pause_seconds=0.02) as load:
            for _ in range(REPLACEMENTS):
                before, serving_now = serving_now, generation(stack)
                ends += [threads.submit(retire, *one) for one in before]
            assert [end.result() for end in ends] == [0] * INSTANCES * REPLACEMENTS
        assert load.failures == []
        assert load.requests > 20 * REPLACEMENTS
