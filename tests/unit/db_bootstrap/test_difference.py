"""Undeclared access is revoked, or kept and reported; and only some entries of an access control list count."""

from dataclasses import replace

import pytest

from db_bootstrap.desired import comment
from db_bootstrap.diff.descriptions import describe_undeclared
from db_bootstrap.diff.difference import compare
from db_bootstrap.diff.scope import Scope
from db_bootstrap.document import parse_document
from db_bootstrap.document.model import AccessDocument, Unlisted
from db_bootstrap.model import (
    Attribute,
    AttributeValue,
    Fact,
    Membership,
    OnSchema,
    Privilege,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
    SchemaOwner,
)
from tests.support import documents
from tests.support.documents import SERVER

REVOKE = parse_document(documents.beers())
REPORT = replace(REVOKE, unlisted=Unlisted.REPORT)
READER, APP = "beers_reader", "beers_app_a"
USAGE = Privilege(READER, "USAGE", OnSchema("beers"))
MEMBER = Membership("beers_writer", READER)


def note(text: str) -> set[Fact]:
    return {RoleExists(READER), RoleComment(READER, text)}


def has(attribute: Attribute, value: AttributeValue, role: str = APP) -> set[Fact]:
    return {RoleAttribute(role, attribute, value)}


def jit(value: str) -> set[Fact]:
    return {RoleSetting(APP, None, "jit", (value,))}


EXISTS: set[Fact] = {RoleExists(READER)}
NONE, OWNED, TAKEN = set[Fact](), SchemaOwner("beers", "beers_owner"), SchemaOwner("beers", "taproom")
LIMIT, INHERIT, CREATEDB = Attribute.CONNECTION_LIMIT, Attribute.INHERIT, Attribute.CREATE_DATABASE
ROLE, NO_ROLE = RoleSetting(APP, None, "role", ("beers_owner",)), RoleSetting(APP, "beers", "role", ("none",))
ADMIN, LESS = replace(MEMBER, admin=True), replace(MEMBER, inherit=False, admin=True)
IN_IAM = Membership("rds_iam", APP)
OURS = comment(None, "beers")
NEW, OLD = comment("new", "beers"), comment("old", "beers")

# Declared facts, actual facts, and the missing and undeclared ones that a reporting document finds.
CASES: list[tuple[str, set[Fact], set[Fact], set[Fact], set[Fact]]] = [
    ("a privilege that can be passed on", {USAGE}, {USAGE._replace(is_grantable=True)}, NONE, NONE),
    ("a membership with less and more", {MEMBER}, {LESS}, {ADMIN}, {LESS}),
    ("a setting too many", NONE, jit("on"), NONE, NONE),
    ("a setting with another value", jit("on"), jit("off"), jit("on"), jit("off")),
    ("an attribute that no document speaks of", has(CREATEDB, False, READER), has(CREATEDB, True, READER), NONE, NONE),
    (
        "NOINHERIT, with declared groups",
        has(INHERIT, True),
        has(INHERIT, False),
        has(INHERIT, True),
        has(INHERIT, False),
    ),
    ("a setting in one database, which prevails over the declared one", {ROLE}, {ROLE, NO_ROLE}, NONE, {NO_ROLE}),
    ("a login with a rotated password that could log in by IAM token only", NONE, {IN_IAM}, NONE, {IN_IAM}),
    ("a login's limit", has(LIMIT, 50), has(LIMIT, 3), has(LIMIT, 50), has(LIMIT, 3)),
    ("an owner", {OWNED}, {TAKEN}, {OWNED}, {TAKEN}),
    ("another comment where none is declared", note(OURS), note("ours"), NONE, NONE),
    ("another comment than declared", note(NEW), note("old"), note("new") - EXISTS, note("old") - EXISTS),
    ("a comment of a managed role", note(NEW), note(OLD), note(NEW) - EXISTS, note(OLD) - EXISTS),
    ("a role that is missing", note(OURS), NONE, note(OURS), NONE),
]


@pytest.mark.parametrize(
    ("wanted", "found", "missing", "surplus"), [pytest.param(*case, id=name) for name, *case in CASES]
)
def test_a_reporting_document_takes_nothing_that_it_does_not_declare(
    wanted: set[Fact], found: set[Fact], missing: set[Fact], surplus: set[Fact]
) -> None:
    gap = compare(REPORT, frozenset(wanted), frozenset(found))
    assert gap.missing == missing
    assert gap.surplus == surplus
    assert not gap.kept & surplus
    assert len(list(describe_undeclared(gap.kept))) == len(gap.kept)


LIMITS: list[RoleAttribute | RoleSetting] = [
    RoleAttribute(APP, Attribute.CONNECTION_LIMIT, 3),
    RoleAttribute(APP, Attribute.VALID_UNTIL, "2020-01-01 00:00:00+00"),
    RoleAttribute(APP, Attribute.INHERIT, value=False),
    RoleSetting(APP, None, "default_transaction_read_only", ("true",)),
    RoleSetting(APP, "beers", "row_security", ("off",)),
    RoleSetting(APP, None, "restrict_nonsystem_relation_kind", ("view",)),
    RoleSetting(APP, None, "statement_timeout", ("5s",)),
    RoleSetting(APP, None, "transaction_timeout", ("1000",)),
    RoleSetting(APP, None, "temp_file_limit", ("1GB",)),
    RoleSetting(APP, None, "app.tenant", ("",)),
    RoleSetting(APP, None, "pgaudit.log", ("all",)),
]


@pytest.mark.parametrize("document", [REVOKE, REPORT])
@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_that_is_not_declared_stays_and_is_reported(
    limit: RoleAttribute | RoleSetting, document: AccessDocument
) -> None:
    gap = compare(document, frozenset(), frozenset({limit}))
    assert not gap
    (note,) = describe_undeclared(gap.kept)
    assert (limit.attribute if isinstance(limit, RoleAttribute) else limit.name) in note
    declared: Fact
    if isinstance(limit, RoleAttribute):
        declared = limit._replace(value="other")
    else:
        declared = replace(limit, database=None, value=("other",))
    assert limit in compare(document, frozenset({declared}), frozenset({limit})).surplus


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("default_transaction_read_only", "off"),
        ("row_security", "YES"),
        ("statement_timeout", "0ms"),
        ("temp_file_limit", "-1"),
        ("role", "beers_owner"),
        ("search_path", "beers"),
    ],
)
def test_an_undeclared_setting_that_limits_nothing_is_reset(setting: str, value: str) -> None:
    actual = frozenset({RoleSetting(APP, None, setting, (value,))})
    assert compare(REVOKE, frozenset(), actual).surplus == actual


def scope(document: AccessDocument = REVOKE) -> Scope:
    return Scope(document, SERVER, frozenset(document.role_names), {"gone": None, "late": "beers_owner"})


OWN, OTHER = "beers_owner", "stranger"


@pytest.mark.parametrize(
    ("entries", "granted", "kept"),
    [
        pytest.param([("taproom", "SELECT", False, OWN)], set(), [("taproom", "SELECT", OWN)], id="the master's"),
        pytest.param([("pg_monitor", "SELECT", False, OWN)], set(), [("pg_monitor", "SELECT", OWN)], id="reserved"),
        pytest.param([("rds_new", "SELECT", False, OWN)], set(), [("rds_new", "SELECT", OWN)], id="one that RDS adds"),
        pytest.param(
            [("rdsintruder", "SELECT", False, OWN)], {("rdsintruder", "SELECT", False)}, [], id="almost RDS's"
        ),
        pytest.param([("rdsadmin", "SELECT", False, OWN)], set(), [("rdsadmin", "SELECT", OWN)], id="a superuser's"),
        pytest.param(
            [("taproom", "SELECT", True, OWN), ("x", "SELECT", True, "taproom"), ("y", "SELECT", False, "x")],
            set(),
            [("taproom", "SELECT", OWN), ("x", "SELECT", "taproom"), ("y", "SELECT", "x")],
            id="what was passed on by a role whose option stays",
        ),
    ],
)
def test_the_judged_entries_of_a_list(
    entries: list[tuple[str, str, bool, str]], granted: set[object], kept: list[object]
) -> None:
    selected = scope().select(entries, (OWN,), {(READER, "USAGE")})
    assert selected.granted == granted
    assert list(selected.kept) == kept


def test_of_the_database_only_managed_roles_and_everybody_are_judged() -> None:
    entries = [(name, "CONNECT", False, OWN) for name in (OTHER, READER, "public")]
    selected = scope().select(entries, (OWN,), (), only_managed=True)
    assert selected.granted == {(READER, "CONNECT", False), ("public", "CONNECT", False)}
    assert selected.kept == ((OTHER, "CONNECT", OWN),)
