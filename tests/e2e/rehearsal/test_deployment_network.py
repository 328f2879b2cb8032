"""The flows that the deployed network's rules, routes, endpoints and ACLs allow in the local AWS."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.network_flows import EVERYWHERE, INTERNET, S3, Flow, Network, Party
from tests.support.rehearsal import Rehearsal

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]

# The whole table, closed to the internet: the rehearsal sets no client_cidr_blocks. Another flow needs an entry in
# terraform/modules/network/flows.tf, and a line here.
ALLOWED = {
    Flow("load balancer", "service", (8000, 8000)),
    Flow("service", "database", (5432, 5432)),
    Flow("functions", "database", (5432, 5432)),
    Flow("service", "endpoints", (443, 443)),
    Flow("functions", "endpoints", (443, 443)),
    Flow("rotation watch", "endpoints", (443, 443)),
    Flow("service", S3, (443, 443)),
    Flow("psql", "database", (5432, 5432)),
    Flow("psql", "endpoints", (443, 443)),
    Flow("psql", S3, (443, 443)),
}


def network(rehearsal: Rehearsal) -> Network:
    ec2 = rehearsal.aws("ec2")
    return Network(ec2, [*parties(rehearsal, ec2)])


def parties(rehearsal: Rehearsal, ec2: Any) -> Iterator[Party]:
    """Everything that has an address in the VPC, by what it is attached to rather than by its name."""
    (balancer,) = rehearsal.aws("elbv2").describe_load_balancers()["LoadBalancers"]
    yield Party(
        "load balancer",
        frozenset(balancer["SecurityGroups"]),
        frozenset(zone["SubnetId"] for zone in balancer["AvailabilityZones"]),
        is_public=balancer.get("Scheme") != "internal",
    )
    place = rehearsal.service()["networkConfiguration"]["awsvpcConfiguration"]
    yield Party(
        "service",
        frozenset(place["securityGroups"]),
        frozenset(place["subnets"]),
        is_public=place["assignPublicIp"] == "ENABLED",
    )
    definition = f"{rehearsal.outputs['cluster_name']}-psql"
    found = rehearsal.aws("ecs").describe_task_definition(taskDefinition=definition)["taskDefinition"]
    given = {entry["name"]: entry["value"] for entry in found["containerDefinitions"][0]["environment"]}
    yield Party("psql", frozenset([given["SECURITY_GROUP"]]), frozenset(given["SUBNETS"].split()))
    (database,) = rehearsal.aws("rds").describe_db_instances()["DBInstances"]
    yield Party(
        "database",
        frozenset(group["VpcSecurityGroupId"] for group in database["VpcSecurityGroups"]),
        frozenset(subnet["SubnetIdentifier"] for subnet in database["DBSubnetGroup"]["Subnets"]),
        is_public=database["PubliclyAccessible"],
    )
    places_by_name = defaultdict(list)
    for function in rehearsal.aws("lambda").list_functions()["Functions"]:
        name = "rotation watch" if function["FunctionName"].endswith("-rotation-watch") else "functions"
        places_by_name[name].append(function["VpcConfig"])
    for name, places in places_by_name.items():
        yield Party(
            name,
            frozenset(group for place in places for group in place["SecurityGroupIds"]),
            frozenset(subnet for place in places for subnet in place["SubnetIds"]),
        )
    endpoints = [e for e in ec2.describe_vpc_endpoints()["VpcEndpoints"] if e["VpcEndpointType"] == "Interface"]
    yield Party(
        "endpoints",
        frozenset(group["GroupId"] for endpoint in endpoints for group in endpoint["Groups"]),
        frozenset(subnet for endpoint in endpoints for subnet in endpoint["SubnetIds"]),
    )


def test_exactly_the_declared_flows_are_allowed(rehearsal: Rehearsal) -> None:
    assert network(rehearsal).flows() == ALLOWED


def test_network_acl_protects_a_database_whose_security_group_is_opened_by_mistake(rehearsal: Rehearsal) -> None:
    with opened(rehearsal, "database", "ingress", port=5432), opened(rehearsal, "load balancer", "egress", port=5432):
        more = network(rehearsal).flows() - ALLOWED
    assert {flow.destination for flow in more} == {INTERNET}, "only the load balancer's own new way out"


@contextmanager
def opened(rehearsal: Rehearsal, name: str, direction: str, *, port: int) -> Iterator[None]:
    """A group that is open to every address meanwhile."""
    ec2 = rehearsal.aws("ec2")
    (group,) = next(party.groups for party in network(rehearsal).parties if party.name == name)
    rule = {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "IpRanges": [{"CidrIp": EVERYWHERE}],
    }
    getattr(ec2, f"authorize_security_group_{direction}")(GroupId=group, IpPermissions=[rule])
    try:
        yield
    finally:
        getattr(ec2, f"revoke_security_group_{direction}")(GroupId=group, IpPermissions=[rule])


def test_the_default_group_of_the_vpc_has_no_rule(rehearsal: Rehearsal) -> None:
    ec2 = rehearsal.aws("ec2")
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])["SecurityGroups"]
    own = [group for group in groups if any(tag["Key"] == "Environment" for tag in group.get("Tags", []))]
    assert [(group["IpPermissions"], group["IpPermissionsEgress"]) for group in own] == [([], [])]
