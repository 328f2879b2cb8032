"""Every tool is asked for the same."""

from collections import Counter

import pytest

from bench.access import workload
from bench.access.workload import Size
from db_bootstrap.document import parse_document

SIZE = Size(schemas=2, tables=3)


def test_there_are_as_many_groups_logins_and_memberships_as_were_asked_for() -> None:
    groups = [group for of_login in workload.memberships().values() for group in of_login]
    assert (len(workload.GROUPS), len(workload.memberships()), len(groups)) == (5, 100, 125)
    assert set(Counter(groups).values()) == {25}
    assert all(len(set(of_login)) == len(of_login) for of_login in workload.memberships().values())


def test_a_size_is_read_as_it_is_printed() -> None:
    assert Size.parse("20x50") == Size(schemas=20, tables=50)
    assert str(Size.parse("80x100")) == "80x100"
    assert Size.parse("80x100").total_tables == 8000


@pytest.mark.parametrize("text", ["", "20", "20x", "x50", "0x50", "20x0", "20x50x3", "20 x 50", "-1x5", "1000x1"])
def test_an_invalid_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected SCHEMASxTABLES, such as 20x50"):
        Size.parse(text)


def test_our_document_says_the_memberships() -> None:
    logins = parse_document(workload.access_document(SIZE)).logins
    assert {name: login.member_of for name, login in logins.items()} == workload.memberships()


def test_ldap2pg_has_the_groups_the_logins_and_a_grant_for_each_group() -> None:
    wish = workload.ldap2pg_configuration(SIZE, "dbname=bench")
    groups, logins, grants = wish["sync_map"]
    assert groups["roles"][0]["names"] == list(workload.GROUPS)
    assert {role["names"][0]: tuple(role["parents"]) for role in logins["roles"]} == workload.memberships()
    assert sorted(group for grant in grants["grant"] for group in grant["roles"]) == sorted(workload.GROUPS)
    assert wish["postgres"]["managed_roles_query"] == [*workload.GROUPS, *workload.LOGINS]
