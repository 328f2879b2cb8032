"""The sentences on what each login gains and loses."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from db_bootstrap.desired import facts, object_facts, target
from db_bootstrap.diff.descriptions import UNCHANGED
from db_bootstrap.diff.difference import compare
from db_bootstrap.diff.summary import MAXIMUM_SENTENCES, NO_LOSS, summary
from db_bootstrap.document import parse_document
from db_bootstrap.document.model import IAM_ROLE
from db_bootstrap.model import (
    Attribute,
    AttributeValue,
    Column,
    DefaultPrivileges,
    Dependency,
    DependencyKind,
    Fact,
    Membership,
    ObjectGroup,
    ObjectKind,
    ObjectName,
    OnColumn,
    OnDatabase,
    OnSchema,
    Privilege,
    RetiredRole,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
    Snapshot,
)
from db_bootstrap.sql import PUBLIC
from tests.support.documents import SERVER, beers

OWNER, READER, REPORT, APP = "beers_owner", "beers_reader", "beers_report", "beers_app"
NAMES = tuple(ObjectName(name) for name in ("beers", "hops"))
TABLES = ObjectGroup("beers", ObjectKind.RELATION, OWNER, (OWNER, None), 2, frozenset(), names=NAMES)
ON_TABLES, ON_SCHEMA = target(TABLES), OnSchema("beers")
COLUMN = OnColumn("beers", "beers", "name", OWNER)
YEAR_2031 = "2031-01-01 00:00:00"


def sentences_for(
    missing: Iterable[Fact], surplus: Iterable[Fact], document: dict[str, Any], **found: Any
) -> list[str]:
    """Return the sentences for a database that lacks what is missing, and has the surplus."""
    parsed = parse_document(document)
    known: dict[str, Any] = dict.fromkeys(
        ("calls", "policies", "foreign", "extensions", "retired_roles", "irrevocable"), ()
    )
    known |= dict.fromkeys(("kept", "implicitly_revoked", "creation_rights"), frozenset[Fact]())
    known |= {"server": SERVER, "groups": (TABLES,), **found}
    known |= {
        "columns": (Column(COLUMN, frozenset()),),
        "roles": {},
        "belongings": {},
        "acts_as": frozenset(),
        "restricted_settings": {},
        "unknown_types": {},
        "unmanaged": (),
    }
    desired = facts(parsed, known["server"]) | object_facts(parsed, known["server"], known["groups"])
    actual = (desired - {*missing}) | {*surplus}
    targets = {fact.target for fact in actual if isinstance(fact, Privilege)}
    owners = dict.fromkeys({"beers", *(on.schema for on in targets if isinstance(on, OnSchema))}, OWNER)
    snapshot = Snapshot(**{**known, "facts": actual, "schema_owners": owners})
    return [*summary(parsed, snapshot, compare(parsed, desired, actual))]


@pytest.mark.parametrize("creator", ["ann", "bob"])
def test_a_gain_on_the_future_objects_of_one_of_several_creators_is_reported(creator: str) -> None:
    document = beers()
    document["roles"]["beers_brewer"] = {"schemas": {"beers": "own"}}
    document["logins"] |= {name: {"member_of": ["beers_brewer"], "credential": "iam"} for name in ("ann", "bob")}
    shared = next(
        fact
        for fact in facts(parse_document(document), SERVER)
        if isinstance(fact, DefaultPrivileges) and creator in fact.creators and fact.kind is ObjectKind.RELATION
    )
    others = shared._replace(creators=tuple(name for name in shared.creators if name != creator))
    gain = "beers_report gains SELECT on future tables in schema beers through beers_reader."
    assert gain in sentences_for({shared}, {others}, document)


SURPLUS: list[tuple[set[Fact], list[str]]] = [
    ({RoleComment(READER, "by hand"), RoleSetting(REPORT, None, "jit", ("on",))}, [UNCHANGED]),
    (
        {Privilege(APP, privilege, ON_TABLES) for privilege in ("TRUNCATE", "TRIGGER", "SELECT")},
        ["beers_app loses TRIGGER and TRUNCATE on tables beers.beers and beers.hops."],
    ),
    ({Privilege(f"{APP}_a", "CREATE", ON_SCHEMA)}, ["beers_app_a loses CREATE on schema beers."]),
    ({Membership(OWNER, REPORT, inherit=False)}, ["beers_report loses SET ROLE beers_owner."]),
    (
        {Membership(OWNER, REPORT, admin=True), Privilege(REPORT, "DELETE", ON_TABLES)},
        [
            "beers_report loses ownership of schema beers and tables beers.beers and beers.hops through beers_owner.",
            "beers_report loses membership in beers_owner and ADMIN OPTION on beers_owner.",
        ],
    ),
    (
        {Privilege(READER, "UPDATE", COLUMN), Privilege(READER, "SELECT", COLUMN)},
        ["beers_report loses UPDATE on column name of beers.beers through beers_reader."],
    ),
    (
        {Privilege(READER, "USAGE", ON_SCHEMA, is_grantable=True)},
        ["beers_report loses the grant option of USAGE on schema beers through beers_reader."],
    ),
    (
        {Privilege(PUBLIC, "TEMPORARY", OnDatabase("beers"))},
        [
            "beers_app, beers_migrator and beers_report lose TEMPORARY on database beers through PUBLIC.",
            "Every other role loses TEMPORARY on database beers.",
        ],
    ),
    (
        {Privilege("x loses nothing. ", "USAGE", ON_SCHEMA)},
        ['"x loses nothing. " (not declared) loses USAGE on schema beers.'],
    ),
    ({RoleSetting(REPORT, None, "role", (OWNER,))}, ["beers_report starts sessions no longer as beers_owner."]),
]


@pytest.mark.parametrize(("surplus", "expected"), SURPLUS)
def test_losses_by_an_apply_are_reported(surplus: set[Fact], expected: list[str]) -> None:
    assert sentences_for([], surplus, beers()) == expected


def test_a_gain_is_reported_with_its_path_after_the_losses() -> None:
    assert sentences_for([Privilege(READER, "SELECT", ON_TABLES), Membership(IAM_ROLE, REPORT)], [], beers()) == [
        "beers_report can log in with IAM authentication only, no longer with a password.",
        "beers_report gains SELECT on tables beers.beers and beers.hops through beers_reader.",
    ]
    assert sentences_for([Membership(READER, REPORT)], [], beers(), groups=()) == [
        NO_LOSS,
        "beers_report gains SELECT on future sequences and tables in schema beers through beers_reader.",
        "beers_report gains USAGE on schema beers through beers_reader.",
        "beers_report gains membership in beers_reader.",
    ]


@pytest.mark.parametrize(
    ("attribute", "old", "new", "sentence"),
    [
        (Attribute.LOGIN, False, True, "beers_report gains LOGIN."),
        (Attribute.CREATE_ROLE, True, False, "beers_report loses CREATEROLE."),
        (Attribute.CONNECTION_LIMIT, 3, -1, "beers_report has the connection limit none instead of 3."),
        (Attribute.VALID_UNTIL, "2030", None, "beers_report has a password that no longer expires on 2030."),
        (
            Attribute.VALID_UNTIL,
            None,
            f"{YEAR_2031}+00",
            f"beers_report has a password that expires on {YEAR_2031}+00.",
        ),
    ],
)
def test_a_changed_attribute_is_reported(
    attribute: Attribute, old: AttributeValue, new: AttributeValue, sentence: str
) -> None:
    document = beers()
    until = YEAR_2031 + "Z" if attribute is Attribute.VALID_UNTIL and new else "infinity"
    document["logins"][REPORT] = {"credential": "external", "connection_limit": -1, "valid_until": until}
    fact = RoleAttribute(REPORT, attribute, new)
    sentences = sentences_for([fact], [fact._replace(value=old)], document)
    is_loss = "loses" in sentence or "that expires" in sentence
    assert sentences == ([] if is_loss else [NO_LOSS]) + [sentence]


@pytest.mark.parametrize("names", [tuple(ObjectName(f"t{number}") for number in range(9)), ()])
def test_many_objects_are_counted(names: tuple[ObjectName, ...]) -> None:
    group = replace(TABLES, count=9, names=names)
    assert sentences_for([], [Privilege(READER, "DELETE", target(group))], beers(), groups=(group,)) == [
        "beers_report loses DELETE on 9 tables in schema beers through beers_reader."
    ]


def test_before_postgresql_16_the_role_itself_decides_whether_it_inherits() -> None:
    inherits = RoleAttribute(REPORT, Attribute.INHERIT, value=True)
    sentences = sentences_for(
        [inherits], [inherits._replace(value=False)], beers(), server=replace(SERVER, version=150000)
    )
    assert sentences[0] == NO_LOSS
    assert sentences[-1] == "beers_report gains inheritance from beers_reader."


def test_a_role_that_a_login_can_act_as_is_reported_separately() -> None:
    document = beers()
    document["logins"][REPORT]["memberships"] = {OWNER: {"inherit": False}}
    assert sentences_for([], [Privilege(OWNER, "CREATE", OnDatabase("beers"))], document) == [
        "beers_migrator loses CREATE on database beers through beers_owner.",
        "beers_owner loses CREATE on database beers.",
    ]


def test_the_privileges_of_a_predefined_role_are_reported() -> None:
    document = beers()
    document["logins"][REPORT]["member_of"] = ["pg_read_all_data"]
    assert sentences_for([Membership("pg_read_all_data", REPORT)], [], document, groups=()) == [
        NO_LOSS,
        "beers_report gains SELECT on future sequences and tables in schema beers through pg_read_all_data.",
        "beers_report gains USAGE on schema beers through pg_read_all_data.",
        "beers_report gains membership in pg_read_all_data.",
    ]


def test_created_and_retired_roles_are_named() -> None:
    document = {**beers(), "retired": {"elder": {"reassign_to": OWNER}}}
    roles = [RoleExists(name) for name in (READER, REPORT, APP, f"{APP}_a", f"{APP}_b")]
    elder = RetiredRole("elder", False, 0, (Dependency(None, DependencyKind.OWNED, None, None, 3),))
    grant = Privilege(APP, "SELECT", ON_TABLES)
    sentences = sentences_for(
        roles, [], document, retired_roles=(elder,), implicitly_revoked=frozenset({grant, Membership("elder", REPORT)})
    )
    assert sentences[:4] == [
        "elder is dropped and loses all access; 3 objects of it will be passed to beers_owner.",
        "beers_app is created with a rotated password.",
        "beers_reader is created with NOLOGIN.",
        "beers_report is created with IAM authentication.",
    ]


def test_what_a_lost_grant_option_takes_along_is_a_loss() -> None:
    passed_on = frozenset({Privilege(REPORT, "DELETE", ON_TABLES)})
    surplus = [Privilege(READER, "USAGE", ON_SCHEMA, is_grantable=True)]
    assert "beers_report loses DELETE on tables beers.beers and beers.hops." in sentences_for(
        [], surplus, beers(), implicitly_revoked=passed_on
    )


def test_a_long_summary_says_how_much_it_leaves_out() -> None:
    strangers = {Privilege(f"s{number}", "USAGE", OnSchema(f"x{number}")) for number in range(MAXIMUM_SENTENCES + 1)}
    sentences = sentences_for([], strangers, beers())
    assert len(sentences) == MAXIMUM_SENTENCES
    assert sentences[-1] == "3 more sentences are left out; the SQL has all changes."
