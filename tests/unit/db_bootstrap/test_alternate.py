"""The changes that make the alternate login role identical to the current one."""

from dataclasses import replace
from typing import Any

import pytest

from db_bootstrap.credentials.alternate import LoginRole, Membership, Setting, changes, desired_login_role

V15, V17 = 150000, 170000
SERVING = LoginRole(
    name="app_a",
    connection_limit=5,
    comment="Managed.",
    settings=frozenset({Setting(None, "statement_timeout", ("5s",)), Setting("beers", "work_mem", ("8MB",))}),
    memberships=frozenset({Membership("app")}),
)
OTHER = replace(SERVING, name="app_b")


def sql(found: LoginRole | None, wanted: LoginRole = OTHER, version: int = V17) -> list[str]:
    return [change.sql for change in changes(wanted, found, version)]


def test_siblings_that_are_alike_need_nothing() -> None:
    assert desired_login_role(SERVING, "app", "app_b") == OTHER
    assert sql(OTHER) == []


def test_a_missing_login_role_is_made_with_all_that_its_sibling_has() -> None:
    assert sql(None) == [
        'CREATE ROLE "app_b" LOGIN',
        'ALTER ROLE "app_b" CONNECTION LIMIT 5',
        "COMMENT ON ROLE \"app_b\" IS 'Managed.'",
        'GRANT "app" TO "app_b" WITH ADMIN FALSE, INHERIT TRUE, SET TRUE',
        'ALTER ROLE "app_b" IN DATABASE "beers" SET "work_mem" TO \'8MB\'',
        'ALTER ROLE "app_b" SET "statement_timeout" TO \'5s\'',
    ]


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        ({"can_log_in": False}, ['ALTER ROLE "app_b" LOGIN']),
        ({"inherits": False}, ['ALTER ROLE "app_b" INHERIT']),
        ({"creates_databases": True, "creates_roles": True}, ['ALTER ROLE "app_b" NOCREATEDB NOCREATEROLE']),
        ({"connection_limit": -1}, ['ALTER ROLE "app_b" CONNECTION LIMIT 5']),
        ({"valid_until": "2020-01-01 00:00:00+00"}, ["ALTER ROLE \"app_b\" VALID UNTIL 'infinity'"]),
        ({"settings": OTHER.settings | {Setting(None, "x.y", ("1",))}}, ['ALTER ROLE "app_b" RESET "x"."y"']),
        (
            {"settings": OTHER.settings | {Setting("beers", "role", ("owner",))}},
            ['ALTER ROLE "app_b" IN DATABASE "beers" RESET "role"'],
        ),
        (
            {"memberships": frozenset({Membership("rds_iam"), Membership("app")})},
            ['REVOKE "rds_iam" FROM "app_b"'],
        ),
        (
            {"memberships": frozenset({Membership("app", inherit=False, admin=True)})},
            ['REVOKE "app" FROM "app_b"', 'GRANT "app" TO "app_b" WITH ADMIN FALSE, INHERIT TRUE, SET TRUE'],
        ),
    ],
)
def test_only_what_differs_is_changed(difference: dict[str, Any], expected: list[str]) -> None:
    assert sql(replace(OTHER, **difference)) == expected


def test_before_version_16_a_membership_has_no_options_but_admin() -> None:
    wanted = replace(OTHER, memberships=frozenset({Membership("app"), Membership("ops", admin=True)}))
    found = replace(OTHER, memberships=frozenset())
    assert sql(found, wanted, V15) == ['GRANT "app" TO "app_b"', 'GRANT "ops" TO "app_b" WITH ADMIN OPTION']


def test_a_setting_that_is_a_list_keeps_its_elements_apart() -> None:
    wanted = replace(OTHER, settings=frozenset({Setting(None, "search_path", ("$user", "a, b", "beers"))}))
    found = replace(OTHER, settings=frozenset({Setting(None, "search_path", ("beers",))}))
    assert sql(found, wanted) == ["ALTER ROLE \"app_b\" SET \"search_path\" TO '$user', 'a, b', 'beers'"]
    emptied = replace(OTHER, settings=frozenset({Setting(None, "search_path", ("",))}))
    assert sql(found, emptied) == ['ALTER ROLE "app_b" SET "search_path" TO \'\'']


def test_what_keeps_the_serving_one_from_logging_in_is_not_copied() -> None:
    broken = replace(
        SERVING,
        can_log_in=False,
        inherits=False,
        valid_until="2020-01-01 00:00:00+00",
        memberships=frozenset({Membership("rds_iam"), Membership("app", inherit=False)}),
    )
    assert desired_login_role(broken, "app", "app_b") == OTHER


def test_what_was_granted_to_the_serving_one_by_hand_is_kept_for_the_next() -> None:
    """A rotation changes nothing about what the login may do; taking it back is for an apply."""
    granted = replace(SERVING, memberships=SERVING.memberships | {Membership("reader")})
    assert sql(OTHER, desired_login_role(granted, "app", "app_b")) == [
        'GRANT "reader" TO "app_b" WITH ADMIN FALSE, INHERIT TRUE, SET TRUE'
    ]
