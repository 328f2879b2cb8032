"""What is not declared: taken back, or left and told; and what of an access control list is judged at all."""

from dataclasses import replace

import pytest

from db_bootstrap.desired import comment
from db_bootstrap.diff.descriptions import describe_undeclared
from db_bootstrap.diff.difference import compare, unlisted_facts
from db_bootstrap.diff.scope import Scope
from db_bootstrap.document import AccessDocument, Unlisted, parse_document
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

# What is declared, what is found, and what a reporting document then misses and finds too much.
CASES: list[tuple[str, set[Fact], set[Fact], set[Fact], set[Fact]]] = [
    ("a privilege too many", set(), {USAGE}, set(), set()),
    ("a privilege that is missing", {USAGE}, set(), {USAGE}, set()),
    ("a privilege that can be passed on", {USAGE}, {replace(USAGE, is_grantable=True)}, set(), set()),
    ("a membership too many", set(), {MEMBER}, set(), set()),
    ("a membership with more", {MEMBER}, {replace(MEMBER, admin=True)}, set(), set()),
    (
        "a membership with less and more",
        {MEMBER},
        {replace(MEMBER, inherit=False, admin=True)},
        {replace(MEMBER, admin=True)},
        {replace(MEMBER, inherit=False, admin=True)},
    ),
    ("a setting too many", set(), {RoleSetting(APP, None, "jit", ("on",))}, set(), set()),
    (
        "a setting with another value",
        {RoleSetting(APP, None, "jit", ("on",))},
        {RoleSetting(APP, None, "jit", ("off",))},
        {RoleSetting(APP, None, "jit", ("on",))},
        {RoleSetting(APP, None, "jit", ("off",))},
    ),
    (
        "an attribute that no document speaks of",
        {RoleAttribute(READER, Attribute.CREATE_DATABASE, value=False)},
        {RoleAttribute(READER, Attribute.CREATE_DATABASE, value=True)},
        set(),
        set(),
    ),
    (
        "a login's NOINHERIT where its groups are declared",
        {RoleAttribute(APP, Attribute.INHERIT, value=True)},
        {RoleAttribute(APP, Attribute.INHERIT, value=False)},
        {RoleAttribute(APP, Attribute.INHERIT, value=True)},
        {RoleAttribute(APP, Attribute.INHERIT, value=False)},
    ),
    (
        "a setting in one database, which prevails over the declared one",
        {RoleSetting(APP, None, "role", ("beers_owner",))},
        {RoleSetting(APP, None, "role", ("beers_owner",)), RoleSetting(APP, "beers", "role", ("none",))},
        set(),
        {RoleSetting(APP, "beers", "role", ("none",))},
    ),
    (
        "a login with a rotated password that could log in by IAM token only",
        set(),
        {Membership("rds_iam", APP)},
        set(),
        {Membership("rds_iam", APP)},
    ),
    (
        "a login's limit",
        {RoleAttribute(APP, Attribute.CONNECTION_LIMIT, 50)},
        {RoleAttribute(APP, Attribute.CONNECTION_LIMIT, 3)},
        {RoleAttribute(APP, Attribute.CONNECTION_LIMIT, 50)},
        {RoleAttribute(APP, Attribute.CONNECTION_LIMIT, 3)},
    ),
    (
        "an owner",
        {SchemaOwner("beers", "beers_owner")},
        {SchemaOwner("beers", "taproom")},
        {SchemaOwner("beers", "beers_owner")},
        {SchemaOwner("beers", "taproom")},
    ),
    (
        "somebody else's comment where none is declared",
        {RoleExists(READER), RoleComment(READER, comment(None, "beers"))},
        {RoleExists(READER), RoleComment(READER, "ours")},
        set(),
        set(),
    ),
    (
        "another comment than declared",
        {RoleExists(READER), RoleComment(READER, comment("new", "beers"))},
        {RoleExists(READER), RoleComment(READER, "old")},
        {RoleComment(READER, "new")},
        {RoleComment(READER, "old")},
    ),
    (
        "a comment of a managed role",
        {RoleExists(READER), RoleComment(READER, comment("new", "beers"))},
        {RoleExists(READER), RoleComment(READER, comment("old", "beers"))},
        {RoleComment(READER, comment("new", "beers"))},
        {RoleComment(READER, comment("old", "beers"))},
    ),
    (
        "a role that is missing",
        {RoleExists(READER), RoleComment(READER, comment(None, "beers"))},
        set(),
        {RoleExists(READER), RoleComment(READER, comment(None, "beers"))},
        set(),
    ),
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
    told = unlisted_facts(REPORT, frozenset(wanted), frozenset(found))
    assert not told & surplus
    assert len(list(describe_undeclared(told))) == len(told)


@pytest.mark.parametrize(("wanted", "found"), [pytest.param(*case[1:3], id=case[0]) for case in CASES])
def test_a_revoking_document_has_the_plain_difference(wanted: set[Fact], found: set[Fact]) -> None:
    gap = compare(REVOKE, frozenset(wanted), frozenset(found))
    assert gap.missing == wanted - found
    assert gap.surplus == found - wanted
    assert unlisted_facts(REVOKE, frozenset(wanted), frozenset(found)) == frozenset()


@pytest.mark.parametrize("document", [REVOKE, REPORT])
@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (Attribute.CONNECTION_LIMIT, 3),
        (Attribute.VALID_UNTIL, "2020-01-01 00:00:00+00"),
        (Attribute.INHERIT, False),
    ],
)
def test_a_limit_that_is_not_declared_stays_and_is_reported(
    attribute: Attribute, value: AttributeValue, document: AccessDocument
) -> None:
    actual = frozenset({RoleAttribute(APP, attribute, value)})
    assert not compare(document, frozenset(), actual)
    assert list(describe_undeclared(unlisted_facts(document, frozenset(), actual))) == [
        f"{APP!r} has the attribute {attribute}: {value}, which is not declared."
    ]


def scope(document: AccessDocument = REVOKE) -> Scope:
    return Scope(document, SERVER, frozenset(document.role_names()), {"gone": None, "late": "beers_owner"})


OWN, OTHER = "beers_owner", "somebody"


@pytest.mark.parametrize(
    ("entries", "granted", "kept"),
    [
        pytest.param([(OTHER, "SELECT", False, OWN)], {(OTHER, "SELECT", False)}, [], id="the owner's grant"),
        pytest.param([("taproom", "SELECT", False, OWN)], set(), [("taproom", "SELECT", OWN)], id="the master's"),
        pytest.param([("pg_monitor", "SELECT", False, OWN)], set(), [("pg_monitor", "SELECT", OWN)], id="reserved"),
        pytest.param([("rds_new", "SELECT", False, OWN)], set(), [("rds_new", "SELECT", OWN)], id="one that RDS adds"),
        pytest.param(
            [("rdsintruder", "SELECT", False, OWN)], {("rdsintruder", "SELECT", False)}, [], id="almost RDS's"
        ),
        pytest.param([("rdsadmin", "SELECT", False, OWN)], set(), [("rdsadmin", "SELECT", OWN)], id="a superuser's"),
        pytest.param([("gone", "SELECT", True, OWN), ("x", "SELECT", False, "gone")], set(), [], id="a retired role's"),
        pytest.param(
            [(OTHER, "SELECT", True, OWN), ("x", "SELECT", False, OTHER)],
            {(OTHER, "SELECT", True)},
            [],
            id="what was passed on goes with the option",
        ),
        pytest.param(
            [("taproom", "SELECT", True, OWN), ("x", "SELECT", True, "taproom"), ("y", "SELECT", False, "x")],
            set(),
            [("taproom", "SELECT", OWN), ("x", "SELECT", "taproom"), ("y", "SELECT", "x")],
            id="what somebody passed on whose option stays",
        ),
        pytest.param(
            [(READER, "USAGE", False, "taproom")], {(READER, "USAGE", False)}, [], id="declared, whoever granted it"
        ),
        pytest.param([(OWN, "SELECT", False, OWN)], set(), [], id="the owner's own"),
    ],
)
def test_what_of_a_list_is_judged(
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
