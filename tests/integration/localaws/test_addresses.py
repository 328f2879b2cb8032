"""A task's address in its subnet, and the port of this machine behind it."""

import pytest

from localaws.addresses import NetworkAddresses, SubnetFullError


def test_the_first_address_of_a_subnet_is_the_fifth_as_on_aws() -> None:
    assert NetworkAddresses().assign("10.0.16.0/20", taken=[]) == "10.0.16.4"


def test_a_full_subnet_is_refused_by_name() -> None:
    taken = [f"10.0.0.{host}" for host in range(4, 15)]
    with pytest.raises(SubnetFullError, match=r"10\.0\.0\.0/28 has no free address: all 11 are taken"):
        NetworkAddresses().assign("10.0.0.0/28", taken=taken)


def test_the_same_port_of_two_addresses_is_two_ports_here() -> None:
    addresses = NetworkAddresses()
    first, second = addresses.publish("10.0.0.4", 8000), addresses.publish("10.0.0.5", 8000)
    assert first != second
    assert addresses.reach("10.0.0.4", 8000) == ("127.0.0.1", first)
    assert addresses.reach("10.0.0.5", 8000) == ("127.0.0.1", second)


def test_a_withdrawn_address_refuses_connections() -> None:
    addresses = NetworkAddresses()
    addresses.publish("10.0.0.4", 8000)
    addresses.publish("10.0.0.4", 9000)
    addresses.withdraw("10.0.0.4")
    assert addresses.reach("10.0.0.4", 8000) is None
    assert addresses.reach("10.0.0.4", 9000) is None
