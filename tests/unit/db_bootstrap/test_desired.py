"""A document means exact facts, for each version of PostgreSQL."""

from dataclasses import replace
from datetime import date
from typing import TypeVar

import pytest

from db_bootstrap import desired
from db_bootstrap.document import parse_document
from db_bootstrap.document.model import AccessDocument, login_role_names
from db_bootstrap.model import (
    DEFAULT_ATTRIBUTES,
    Attribute,
    DefaultPrivileges,
    ExtensionExists,
    ExtensionSchema,
    Fact,
    Membership,
    ObjectKind,
    OnDatabase,
    Privilege,
    RoleAttribute,
    RoleExists,
    RoleSetting,
    Server,
)
from tests.support import documents
from tests.support.documents import SERVER

RELATION, SEQUENCE, ROUTINE, TYPE = ObjectKind
VERSION_15, VERSION_16, VERSION_17 = 150018, 160002, 170002
BEERS = parse_document(documents.beers())
CREATING = {"on": "schema", "schema": "beers", "privileges": ["CREATE"]}

F = TypeVar("F", bound=Fact)


def _facts(kind: type[F], document: AccessDocument = BEERS, server: Server = SERVER) -> set[F]:
    return {fact for fact in desired.facts(document, server) if isinstance(fact, kind)}


def test_a_rotated_login_is_a_role_and_two_logins_and_an_iam_login_is_one() -> None:
    assert {fact.role for fact in _facts(RoleExists)} == {
        *("beers_owner", "beers_writer", "beers_reader", "beers_report"),
        *("beers_app", "beers_app_a", "beers_app_b"),
        *("beers_migrator", "beers_migrator_a", "beers_migrator_b"),
    }
    assert {fact.role for fact in _facts(RoleAttribute) if fact.attribute is Attribute.LOGIN and fact.value} == {
        *("beers_app_a", "beers_app_b", "beers_migrator_a", "beers_migrator_b", "beers_report"),
    }


def test_roles_have_the_attributes_of_a_plain_role_except_those_that_stay_or_are_declared() -> None:
    found = _facts(RoleAttribute)
    stays = {Attribute.INHERIT, Attribute.CONNECTION_LIMIT, Attribute.VALID_UNTIL}
    roles = {fact.role for fact in _facts(RoleExists)}
    limited = {("beers_app_a", Attribute.CONNECTION_LIMIT), ("beers_app_b", Attribute.CONNECTION_LIMIT)}
    assert {(fact.role, fact.attribute) for fact in found} == limited | {
        (role, item) for role in roles for item in set(Attribute) - stays
    }
    assert len(found) == len(limited) + len(roles) * (len(Attribute) - len(stays))
    special = {fact.attribute for fact in found if fact.value != DEFAULT_ATTRIBUTES[fact.attribute]}
    assert special == {Attribute.LOGIN, Attribute.CONNECTION_LIMIT}


@pytest.mark.parametrize(
    ("declared", "before_16", "from_16"),
    [({}, True, None), ({"inherit": True}, True, True), ({"inherit": False}, False, False)],
)
def test_inherit_is_the_members_before_version_16_and_the_memberships_after(
    declared: dict[str, bool], before_16: bool, from_16: bool | None
) -> None:
    raw = documents.beers()
    raw["logins"]["beers_report"] |= declared
    document = parse_document(raw)
    for version, expected in ((VERSION_15, before_16), (VERSION_16, from_16)):
        server = replace(SERVER, version=version)
        facts = _facts(RoleAttribute, document, server)
        found = {fact.role: fact.value for fact in facts if fact.attribute is Attribute.INHERIT}
        assert found.get("beers_report") is expected
        assert found.get("beers_app_a") is (True if version < VERSION_16 else None)
        membership = Membership("beers_reader", "beers_report", inherit=declared.get("inherit", True))
        assert (membership in _facts(Membership, document, server)) is (version == VERSION_16 or membership.inherit)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-12-31", "2026-12-31 00:00:00+00"),
        (date(2026, 12, 31), "2026-12-31 00:00:00+00"),
        ("2026-12-31T18:00:00.5-05:00", "2026-12-31 23:00:00.500000+00"),
        ("infinity", None),
    ],
)
def test_a_login_expires_as_declared(written: object, expected: str | None) -> None:
    raw = documents.beers()
    raw["logins"]["beers_app"]["valid_until"] = written
    facts = _facts(RoleAttribute, parse_document(raw))
    assert {(fact.role, fact.value) for fact in facts if fact.attribute is Attribute.VALID_UNTIL} == {
        ("beers_app_a", expected),
        ("beers_app_b", expected),
    }


def test_without_rds_an_iam_login_has_no_group() -> None:
    elsewhere = replace(SERVER, has_iam_role=False)
    assert _facts(Membership) - _facts(Membership, server=elsewhere) == {Membership("rds_iam", "beers_report")}


def test_settings_stand_on_the_roles_that_log_in_for_every_database() -> None:
    assert _facts(RoleSetting) == {
        RoleSetting("beers_app_a", None, "statement_timeout", ("5s",)),
        RoleSetting("beers_app_b", None, "statement_timeout", ("5s",)),
        RoleSetting("beers_migrator_a", None, "role", ("beers_owner",)),
        RoleSetting("beers_migrator_b", None, "role", ("beers_owner",)),
    }


def test_an_iam_login_has_settings_of_its_own() -> None:
    raw = documents.beers()
    raw["logins"]["beers_report"].update(acts_as="beers_owner", settings={"search_path": "beers, public"})
    document = parse_document(raw)
    assert _facts(RoleSetting, document) - _facts(RoleSetting) == {
        RoleSetting("beers_report", None, "search_path", ("beers", "public")),
        RoleSetting("beers_report", None, "role", ("beers_owner",)),
    }
    assert desired.login_roles("beers_report", document.logins["beers_report"]) == ("beers_report",)


def test_everyone_who_does_not_act_as_another_role_creates_where_public_can() -> None:
    document = parse_document(documents.beers() | {"public": {"grants": [CREATING]}})
    assert desired.creators(document) == {
        "beers": document.role_names - {*login_role_names("beers_migrator"), "beers_migrator"}
    }


@pytest.mark.parametrize(("version", "count"), [(VERSION_15, 0), (VERSION_16, 0), (VERSION_17, 1)])
def test_maintenance_is_a_default_only_where_it_exists_and_only_for_own(version: int, count: int) -> None:
    raw = documents.beers()
    raw["roles"]["beers_keeper"] = {"schemas": {"beers": "own"}}
    found = _facts(DefaultPrivileges, parse_document(raw), replace(SERVER, version=version))
    maintaining = [grant for fact in found for grant in fact.grants if grant[1] == "MAINTAIN"]
    assert maintaining == [("beers_keeper", "MAINTAIN", False)] * count


def test_an_external_login_is_one_role_that_is_in_no_role_for_tokens() -> None:
    raw = documents.beers()
    raw["logins"]["old"] = {"credential": "external", "connection_limit": 3, "settings": {"work_mem": "9MB"}}
    document = parse_document(raw)
    assert _facts(RoleExists, document) - _facts(RoleExists) == {RoleExists("old")}
    assert _facts(Membership, document) == _facts(Membership)
    assert RoleAttribute("old", Attribute.LOGIN, value=True) in _facts(RoleAttribute, document)
    assert RoleSetting("old", None, "work_mem", ("9MB",)) in _facts(RoleSetting, document)
    assert Privilege("old", "CONNECT", OnDatabase("beers")) in _facts(Privilege, document)


@pytest.mark.parametrize("text", ["ours", "two\nlines", desired.mark("wines")])
def test_a_comment_is_a_text_and_then_the_mark(text: str) -> None:
    stored = desired.comment(text, "beers")
    assert stored == f"{text}\n{desired.mark('beers')}"
    assert desired.is_marked(stored, "beers")
    assert not desired.is_marked(stored, "wines")
    assert desired.text_of(stored, "beers") == text
    assert desired.text_of(desired.comment(None, "beers"), "beers") is None


def test_extensions_exist_in_the_declared_schema() -> None:
    document = parse_document({"database": "beers", "extensions": {"citext": {"schema": "public"}, "pg_trgm": {}}})
    assert desired.facts(document, SERVER) == {
        ExtensionExists("citext"),
        ExtensionSchema("citext", "public"),
        ExtensionExists("pg_trgm"),
    }
