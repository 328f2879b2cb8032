"""Derive the flows that an applied network allows: security groups, network ACLs, routes and endpoints.

A flow is allowed when the sender's groups let it out and the receiver's let it in, when the ACLs of both subnets let
the packet and its answer pass, and when there is a way: inside the VPC always; to and from the internet by a route to
a gateway; to S3 by a gateway endpoint of the sender's route table.
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

INTERNET = "internet"
S3 = "S3"
EVERYWHERE = "0.0.0.0/0"
EPHEMERAL = (1024, 65535)
_EVERY_PORT = (0, 65535)

Ports = tuple[int, int]


class Flow(NamedTuple):
    """One end can open a connection to the other."""

    source: str
    destination: str
    ports: Ports


@dataclass(frozen=True)
class Party:
    """Something with addresses in the VPC.

    Attributes:
        name: how the table of flows calls it.
        groups: its security groups.
        subnets: the subnets that it has an address in.
        is_public: whether that address can be reached from the internet where a route leads there.
    """

    name: str
    groups: frozenset[str]
    subnets: frozenset[str]
    is_public: bool = False


@dataclass
class Network:
    """One VPC as EC2 describes it.

    Args:
        ec2: a boto3 client.
        parties: who is in it.
    """

    ec2: Any
    parties: list[Party]
    _rules: list[dict[str, Any]] = field(init=False)
    _tables: list[dict[str, Any]] = field(init=False)
    _acls: list[dict[str, Any]] = field(init=False)
    _range_by_subnet: dict[str, str] = field(init=False)
    _gateway_endpoints: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        groups = sorted({group for party in self.parties for group in party.groups})
        self._rules = self.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": groups}])[
            "SecurityGroupRules"
        ]
        self._tables = self.ec2.describe_route_tables()["RouteTables"]
        self._acls = self.ec2.describe_network_acls()["NetworkAcls"]
        self._range_by_subnet = {
            subnet["SubnetId"]: subnet["CidrBlock"] for subnet in self.ec2.describe_subnets()["Subnets"]
        }
        self._gateway_endpoints = [
            endpoint
            for endpoint in self.ec2.describe_vpc_endpoints()["VpcEndpoints"]
            if endpoint["VpcEndpointType"] == "Gateway"
        ]

    def flows(self) -> set[Flow]:
        """Every flow that is allowed."""
        inside = (
            Flow(source.name, destination.name, ports)
            for source in self.parties
            for destination in self.parties
            if source is not destination
            for ports in self._between(source, destination)
        )
        outside = (flow for party in self.parties for flow in self._with_outside(party))
        return {*inside, *outside}

    def _between(self, source: Party, destination: Party) -> Iterator[Ports]:
        for out in self._rules_of(source, is_egress=True):
            for into in self._rules_of(destination, is_egress=False):
                ports = _overlap(_ports(out), _ports(into))
                if (
                    ports
                    and self._is_about(out, destination)
                    and self._is_about(into, source)
                    and self._acls_let_pass(source, destination, ports)
                ):
                    yield ports

    def _with_outside(self, party: Party) -> Iterator[Flow]:
        is_reachable = party.is_public and self._has_route(party, lambda target: target.startswith("igw-"))
        for rule in self._rules_of(party, is_egress=False):
            if is_reachable and _is_outside(rule) and self._acl_answers_internet(party, _ports(rule)):
                yield Flow(INTERNET, party.name, _ports(rule))
        has_way_out = is_reachable or self._has_route(party, lambda target: target.startswith("nat-"))
        for rule in self._rules_of(party, is_egress=True):
            if has_way_out and _is_outside(rule):
                yield Flow(party.name, INTERNET, _ports(rule))
            if (rule.get("PrefixListId") or _is_outside(rule)) and self._reaches_s3(party):
                yield Flow(party.name, S3, _ports(rule))

    def _rules_of(self, party: Party, *, is_egress: bool) -> Iterator[dict[str, Any]]:
        return (rule for rule in self._rules if rule["GroupId"] in party.groups and rule["IsEgress"] is is_egress)

    def _is_about(self, rule: dict[str, Any], party: Party) -> bool:
        group = (rule.get("ReferencedGroupInfo") or {}).get("GroupId")
        if group:
            return group in party.groups
        return any(_covers(rule.get("CidrIpv4"), self._range_by_subnet[subnet]) for subnet in party.subnets)

    def _acls_let_pass(self, source: Party, destination: Party, ports: Ports) -> bool:
        return any(
            self._acl_allows(here, there, ports, is_egress=True)
            and self._acl_allows(there, here, ports, is_egress=False)
            and self._acl_allows(there, here, EPHEMERAL, is_egress=True)
            and self._acl_allows(here, there, EPHEMERAL, is_egress=False)
            for here in source.subnets
            for there in destination.subnets
        )

    def _acl_allows(self, subnet: str, other: str, ports: Ports, *, is_egress: bool) -> bool:
        return self._acl_decides(subnet, self._range_by_subnet[other], ports, is_egress=is_egress)

    def _acl_answers_internet(self, party: Party, ports: Ports) -> bool:
        return any(
            self._acl_decides(subnet, EVERYWHERE, ports, is_egress=False)
            and self._acl_decides(subnet, EVERYWHERE, EPHEMERAL, is_egress=True)
            for subnet in party.subnets
        )

    def _acl_decides(self, subnet: str, other_range: str, ports: Ports, *, is_egress: bool) -> bool:
        """The first entry about a range and ports decides, as in AWS; without one the packet is dropped."""
        (acl,) = (
            acl for acl in self._acls if any(association["SubnetId"] == subnet for association in acl["Associations"])
        )
        for entry in sorted(acl["Entries"], key=lambda entry: entry["RuleNumber"]):
            has_ports = entry.get("PortRange")
            covered = (has_ports["From"], has_ports["To"]) if has_ports else _EVERY_PORT
            if (
                entry["Egress"] is is_egress
                and _covers(entry["CidrBlock"], other_range)
                and covered[0] <= ports[0]
                and ports[1] <= covered[1]
            ):
                return bool(entry["RuleAction"] == "allow")
        return False

    def _has_route(self, party: Party, leads_out: Callable[[str], bool]) -> bool:
        return any(
            leads_out(route.get("GatewayId") or route.get("NatGatewayId") or "")
            for table in self._tables_of(party)
            for route in table["Routes"]
            if route.get("DestinationCidrBlock") == EVERYWHERE
        )

    def _reaches_s3(self, party: Party) -> bool:
        tables = {table["RouteTableId"] for table in self._tables_of(party)}
        return any(tables & set(endpoint["RouteTableIds"]) for endpoint in self._gateway_endpoints)

    def _tables_of(self, party: Party) -> Iterable[dict[str, Any]]:
        return [
            table
            for table in self._tables
            if any(association.get("SubnetId") in party.subnets for association in table["Associations"])
        ]


def _ports(rule: dict[str, Any]) -> Ports:
    if rule["IpProtocol"] == "-1":
        return _EVERY_PORT
    return rule["FromPort"], rule["ToPort"]


def _overlap(one: Ports, other: Ports) -> Ports | None:
    first, last = max(one[0], other[0]), min(one[1], other[1])
    return (first, last) if first <= last else None


def _is_outside(rule: dict[str, Any]) -> bool:
    block = rule.get("CidrIpv4")
    return block is not None and not ipaddress.ip_network(block).is_private


def _covers(outer: str | None, inner: str) -> bool:
    if outer is None:
        return False
    wide, narrow = ipaddress.ip_network(outer), ipaddress.ip_network(inner)
    return bool(narrow.subnet_of(wide))  # type: ignore[arg-type]  # both are IPv4
