"""What a document means: exact facts, for each version of PostgreSQL."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

import pytest

from db_bootstrap import desired
from db_bootstrap.document import AccessDocument, login_role_names, parse_document
from db_bootstrap.model import (
    DEFAULT_ATTRIBUTES,
    Attribute,
    Column,
    DefaultPrivilege,
    ExtensionExists,
    ExtensionSchema,
    Fact,
    Granted,
    Membership,
    ObjectGroup,
    ObjectKind,
    ObjectName,
    OnColumn,
    OnDatabase,
    OnObjects,
    OnSchema,
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
    assert _with_attribute(Attribute.LOGIN, value=True) == {
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


def test_memberships_lead_from_siblings_to_logins_to_roles() -> None:
    assert _facts(Membership) == {
        Membership("beers_app", "beers_app_a"),
        Membership("beers_app", "beers_app_b"),
        Membership("beers_writer", "beers_app"),
        Membership("beers_migrator", "beers_migrator_a"),
        Membership("beers_migrator", "beers_migrator_b"),
        Membership("beers_owner", "beers_migrator"),
        Membership("beers_reader", "beers_report"),
        Membership("rds_iam", "beers_report"),
    }


def test_roles_may_be_members_of_roles() -> None:
    raw = documents.beers()
    raw["roles"]["beers_writer"]["member_of"] = ["beers_reader"]
    assert _facts(Membership, parse_document(raw)) - _facts(Membership) == {Membership("beers_reader", "beers_writer")}


def test_without_rds_there_is_no_role_for_iam_tokens_to_be_a_member_of() -> None:
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


def test_only_logins_may_connect_and_only_roles_may_use_the_schema() -> None:
    assert _facts(Privilege) == {
        Privilege("beers_app", "CONNECT", OnDatabase("beers")),
        Privilege("beers_migrator", "CONNECT", OnDatabase("beers")),
        Privilege("beers_report", "CONNECT", OnDatabase("beers")),
        Privilege("beers_writer", "USAGE", OnSchema("beers")),
        Privilege("beers_reader", "USAGE", OnSchema("beers")),
    }


def test_what_the_schemas_owner_makes_later_gets_the_privileges_that_are_there_now() -> None:
    expected = {
        *_defaults(RELATION, "beers_writer", "SELECT", "INSERT", "UPDATE", "DELETE"),
        *_defaults(SEQUENCE, "beers_writer", "SELECT", "USAGE"),
        *_defaults(ROUTINE, "beers_writer", "EXECUTE"),
        *_defaults(RELATION, "beers_reader", "SELECT"),
        *_defaults(SEQUENCE, "beers_reader", "SELECT"),
    }
    assert _facts(DefaultPrivilege) == expected


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({"beers_report": {"schemas": {"beers": "own"}}}, {"beers_report"}),
        ({"beers_app": {"grants": [CREATING]}}, {"beers_app", "beers_app_a", "beers_app_b"}),
        ({"beers_writer": {"grants": [CREATING]}}, {"beers_writer", "beers_app", "beers_app_a", "beers_app_b"}),
        ({"beers_report": {"member_of": ["beers_owner"]}}, {"beers_report"}),
        ({"beers_report": {"memberships": {"beers_owner": {"inherit": False}}}}, set()),
        ({"beers_report": {"grants": [CREATING], "acts_as": "beers_reader"}}, set()),
    ],
)
def test_roles_that_can_create_in_a_schema_are_creators(changes: dict[str, Any], more: set[str]) -> None:
    raw = documents.beers()
    for name, change in changes.items():
        raw["logins" if name in raw["logins"] else "roles"][name] |= {"member_of": []} | change
    document = parse_document(raw)
    assert desired.creators(document) == {"beers": {"beers_owner"} | more}
    assert {fact.creator for fact in _facts(DefaultPrivilege, document)} == {"beers_owner"} | more


def test_everyone_who_does_not_act_as_another_role_creates_where_public_can() -> None:
    document = parse_document(documents.beers() | {"public": {"grants": [CREATING]}})
    assert desired.creators(document) == {
        "beers": document.role_names() - {*login_role_names("beers_migrator"), "beers_migrator"}
    }


@pytest.mark.parametrize(("version", "count"), [(VERSION_15, 0), (VERSION_16, 0), (VERSION_17, 1)])
def test_maintenance_is_a_default_only_where_it_exists_and_only_for_own(version: int, count: int) -> None:
    raw = documents.beers()
    raw["roles"]["beers_keeper"] = {"schemas": {"beers": "own"}}
    found = _facts(DefaultPrivilege, parse_document(raw), replace(SERVER, version=version))
    assert [fact.grantee for fact in found if fact.privilege == "MAINTAIN"] == ["beers_keeper"] * count


def test_the_owner_of_a_schema_needs_no_grants_even_if_the_document_says_own() -> None:
    raw = documents.beers()
    raw["roles"]["beers_owner"] = {"schemas": {"beers": "own"}}
    assert desired.facts(parse_document(raw), SERVER) == desired.facts(BEERS, SERVER)


def test_privileges_in_one_schema_mean_nothing_in_another() -> None:
    raw = documents.beers()
    raw["schemas"]["wines"] = {"owner": "beers_writer"}
    raw["roles"]["beers_reader"]["schemas"]["wines"] = "read"
    document = parse_document(raw)
    of_wines = replace(_group(RELATION, "beers_writer"), schema="wines")
    assert _object_grants(document, of_wines) == {("beers_reader", "SELECT", False)}
    # The owner and its members create there.
    assert {fact for fact in _facts(DefaultPrivilege, document) if fact.schema == "wines"} == {
        DefaultPrivilege(creator, "wines", kind, "beers_reader", "SELECT")
        for creator in ("beers_writer", "beers_app", "beers_app_a", "beers_app_b")
        for kind in (RELATION, SEQUENCE)
    }
    assert {fact for fact in _facts(DefaultPrivilege, document) if fact.schema == "beers"} == _facts(DefaultPrivilege)


def _object_grants(document: AccessDocument, group: ObjectGroup) -> frozenset[Granted]:
    return desired.object_grants(desired.kind_grants(document, SERVER), group)


def _group(kind: ObjectKind, owner: str, name: str | None = None, *types: str) -> ObjectGroup:
    """Some objects, or one that a document names."""
    names = (ObjectName(name or "drink", "integer" if kind is ROUTINE else None),)
    return ObjectGroup(
        schema="beers",
        kind=kind,
        owner=owner,
        key=(owner, None),
        count=1,
        granted=frozenset(),
        single=names[0] if name else None,
        types=types,
        names=names,
    )


def test_objects_that_exist_get_the_same_privileges_group_by_group() -> None:
    groups = [_group(RELATION, "beers_owner"), _group(ROUTINE, "beers_owner"), _group(TYPE, "beers_owner")]
    relations = OnObjects("beers", RELATION, groups[0].names, "beers_owner", 1)
    routines = OnObjects("beers", ROUTINE, groups[1].names, "beers_owner", 1)
    assert desired.object_facts(BEERS, SERVER, groups) == {
        Privilege("beers_reader", "SELECT", relations),
        *(Privilege("beers_writer", privilege, relations) for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE")),
        Privilege("beers_writer", "EXECUTE", routines),
    }


def _granting(grantee: str, *grants: Mapping[str, object]) -> AccessDocument:
    raw = documents.beers()
    raw["roles"]["guest"] = {}
    holder = raw["roles"]["guest"] if grantee == "guest" else raw.setdefault("public", {})
    holder["grants"] = [{"schema": "beers", **grant} for grant in grants]
    return parse_document(raw)


@pytest.mark.parametrize("grantee", ["guest", "public"])
def test_a_single_grant_without_names_is_on_what_there_is_and_on_what_will_be(grantee: str) -> None:
    document = _granting(grantee, {"on": "tables", "privileges": ["TRIGGER"]}, {"on": "types", "privileges": ["USAGE"]})
    assert _facts(DefaultPrivilege, document) - _facts(DefaultPrivilege) == {
        *_defaults(RELATION, grantee, "TRIGGER"),
        *_defaults(TYPE, grantee, "USAGE"),
    }
    group = _group(RELATION, "beers_owner")
    more = _object_grants(document, group) - _object_grants(BEERS, group)
    assert more == {(grantee, "TRIGGER", False)}


def test_a_single_grant_with_names_is_on_these_objects_and_on_nothing_to_come() -> None:
    document = _granting("guest", {"on": "tables", "names": ["tap", "keg"], "privileges": ["TRIGGER"]})
    assert _facts(DefaultPrivilege, document) == _facts(DefaultPrivilege)
    for name, kind, is_meant in (("tap", RELATION, True), ("tap", SEQUENCE, False), ("beer", RELATION, False)):
        group = _group(kind, "beers_owner", name)
        assert (("guest", "TRIGGER", False) in _object_grants(document, group)) is is_meant


def test_a_grant_on_columns_is_on_no_table() -> None:
    grant = {"on": "tables", "names": ["tap"], "columns": ["id", "name"], "privileges": ["UPDATE"]}
    document = _granting("guest", grant)
    group = _group(RELATION, "beers_owner", "tap")
    assert _object_grants(document, group) == _object_grants(BEERS, group)
    columns = [
        Column(OnColumn("beers", relation, column, owner), frozenset())
        for relation, column, owner in (
            *(("tap", "id", "beers_owner"), ("tap", "name", "guest")),
            *(("tap", "age", "beers_owner"), ("keg", "id", "beers_owner")),
        )
    ]
    found = [desired.column_grants(document, column) for column in columns]
    assert found == [{("guest", "UPDATE", False)}, frozenset(), frozenset(), frozenset()]


def test_a_single_grant_on_schema_and_database_is_on_these_alone() -> None:
    raw = documents.beers()
    raw["public"] = {
        "grants": [
            {"on": "schema", "schema": "beers", "privileges": ["CREATE"]},
            {"on": "database", "privileges": ["TEMPORARY", "CONNECT"]},
        ]
    }
    assert _facts(Privilege, parse_document(raw)) - _facts(Privilege) == {
        Privilege("public", "CREATE", OnSchema("beers")),
        Privilege("public", "TEMPORARY", OnDatabase("beers")),
        Privilege("public", "CONNECT", OnDatabase("beers")),
    }


def test_a_membership_with_options_has_them_and_acting_as_a_role_takes_no_second_one() -> None:
    raw = documents.beers()
    raw["roles"]["guest"] = {"memberships": {"beers_reader": {"inherit": False, "admin": True}}}
    raw["logins"]["beers_report"]["memberships"] = {"beers_owner": {"inherit": False}}
    raw["logins"]["beers_report"]["acts_as"] = "beers_owner"
    assert _facts(Membership, parse_document(raw)) - _facts(Membership) == {
        Membership("beers_reader", "guest", inherit=False, admin=True),
        Membership("beers_owner", "beers_report", inherit=False),
    }


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


def test_extensions_are_there_and_in_the_schema_that_is_said() -> None:
    document = parse_document({"database": "beers", "extensions": {"citext": {"schema": "public"}, "pg_trgm": {}}})
    assert desired.facts(document, SERVER) == {
        ExtensionExists("citext"),
        ExtensionSchema("citext", "public"),
        ExtensionExists("pg_trgm"),
    }


def test_the_owner_of_an_object_needs_no_grant_on_it() -> None:
    grantees = {
        fact.grantee
        for fact in desired.object_facts(BEERS, SERVER, [_group(RELATION, "beers_writer")])
        if isinstance(fact, Privilege)
    }
    assert grantees == {"beers_reader"}


def _with_attribute(attribute: Attribute, *, value: object) -> set[str]:
    return {fact.role for fact in _facts(RoleAttribute) if (fact.attribute, fact.value) == (attribute, value)}


def _defaults(kind: ObjectKind, grantee: str, *privileges: str) -> set[DefaultPrivilege]:
    return {DefaultPrivilege("beers_owner", "beers", kind, grantee, privilege) for privilege in privileges}
