"""The access document: what it may say, and every refusal with the path and the remedy."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db_bootstrap.document import parse_document
from db_bootstrap.document.model import (
    AccessDocument,
    CredentialKind,
    Extension,
    Grant,
    GrantKind,
    Login,
    MembershipOptions,
    Preset,
    Public,
    Retirement,
    Role,
    Schema,
    Unlisted,
)
from db_bootstrap.errors import AccessDocumentError
from db_bootstrap.sql import MAXIMUM_NAME_BYTES
from tests.support import documents

IAM = {"credential": "iam"}
ROTATED = {"credential": "rotated"}


def test_the_projects_document_becomes_typed_values() -> None:
    assert parse_document(documents.beers()) == AccessDocument(
        database="beers",
        schemas={"beers": Schema(owner="beers_owner")},
        roles={
            "beers_owner": Role(),
            "beers_writer": Role(schemas={"beers": Preset.WRITE}),
            "beers_reader": Role(schemas={"beers": Preset.READ}),
        },
        logins={
            "beers_app": Login(
                credential=CredentialKind.ROTATED,
                member_of=("beers_writer",),
                connection_limit=120,
                settings={"statement_timeout": ("5s",)},
            ),
            "beers_migrator": Login(credential=CredentialKind.ROTATED, acts_as="beers_owner"),
            "beers_report": Login(credential=CredentialKind.IAM, member_of=("beers_reader",)),
        },
    )


def test_everything_that_can_be_declared_becomes_typed_values() -> None:
    raw = {
        "database": "beers",
        "unlisted": "report",
        "schemas": {"beers": {"owner": "keeper"}},
        "extensions": {"citext": {}, "pg_trgm": {"schema": "beers"}, "unaccent": None},
        "roles": {"keeper": {"comment": "owns"}, "guest": {"memberships": {"keeper": {"inherit": False}}}},
        "logins": {
            "old": {
                "credential": "external",
                "schemas": {"beers": "write"},
                "grants": [{"on": "tables", "schema": "beers", "names": ["a"], "privileges": ["TRIGGER"]}],
            }
        },
        "public": {"grants": [{"on": "database", "privileges": ["TEMPORARY"]}]},
        "retired": {"gone": {"reassign_to": "keeper"}, "lost": None},
    }
    named = Grant(on=GrantKind.TABLES, schema="beers", names=("a",), privileges=("TRIGGER",))
    assert parse_document(raw) == AccessDocument(
        database="beers",
        unlisted=Unlisted.REPORT,
        schemas={"beers": Schema(owner="keeper")},
        extensions={"citext": Extension(), "pg_trgm": Extension(schema="beers"), "unaccent": Extension()},
        roles={"keeper": Role(comment="owns"), "guest": Role(memberships={"keeper": MembershipOptions(inherit=False)})},
        logins={"old": Login(credential=CredentialKind.EXTERNAL, schemas={"beers": Preset.WRITE}, grants=(named,))},
        public=Public(grants=(Grant(on=GrantKind.DATABASE, privileges=("TEMPORARY",)),)),
        retired={"gone": Retirement(reassign_to="keeper"), "lost": Retirement()},
    )


def test_an_external_login_is_one_role_that_can_own_and_have_members() -> None:
    raw = documents.beers()
    raw["logins"]["old"] = {"credential": "external"}
    raw["schemas"]["beers"]["owner"] = "old"
    raw["roles"]["beers_reader"]["member_of"] = ["old"]
    assert "old" in parse_document(raw).role_names
    assert "old_a" not in parse_document(raw).role_names


def test_null_means_not_given_as_terraform_says_it() -> None:
    assert parse_document(documents.beers_from_terraform()) == parse_document(documents.beers())


def test_a_document_can_name_only_the_database() -> None:
    empty = AccessDocument(database="beers")
    assert parse_document({"database": "beers"}) == empty
    others = ("unlisted", "schemas", "extensions", "roles", "logins", "public", "retired")
    assert parse_document({"database": "beers", **dict.fromkeys(others)}) == empty


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param({"statement_timeout": "5s"}, {"statement_timeout": ("5s",)}, id="text"),
        pytest.param({"work_mem": 4096}, {"work_mem": ("4096",)}, id="number"),
        pytest.param({"random_page_cost": 1.1}, {"random_page_cost": ("1.1",)}, id="fraction"),
        pytest.param({"jit": False, "log_duration": True}, {"jit": ("off",), "log_duration": ("on",)}, id="boolean"),
        pytest.param({"DateStyle": "ISO, DMY"}, {"datestyle": ("ISO, DMY",)}, id="commas that make no list"),
        pytest.param({"search_path": "beers, public"}, {"search_path": ("beers", "public")}, id="list as text"),
        pytest.param({"search_path": ["Beers", "a,b"]}, {"search_path": ("Beers", "a,b")}, id="list"),
        pytest.param({"search_path": ""}, {"search_path": ("",)}, id="empty list as text"),
        pytest.param({"search_path": []}, {"search_path": ("",)}, id="empty list"),
        pytest.param({"statement_timeout": None}, {}, id="null"),
        pytest.param(None, {}, id="no settings"),
    ],
)
def test_a_setting_is_a_tuple_of_texts(settings: object, expected: dict[str, tuple[str, ...]]) -> None:
    assert parse_document(_with_login("report", {**IAM, "settings": settings})).logins["report"].settings == expected


def _with_login(name: str, login: object) -> dict[str, Any]:
    document = documents.beers()
    document["logins"][name] = login
    return document


def _with_role(name: object, role: object) -> dict[str, Any]:
    document = documents.beers()
    document["roles"][name] = role
    return document


def _with(**changes: object) -> dict[str, Any]:
    return {**documents.beers(), **changes}


def _with_grant(**grant: object) -> dict[str, Any]:
    return _with_role("new", {"grants": [{"on": "schema", "schema": "beers", "privileges": ["USAGE"]}, grant]})


def _on_tables(**more: object) -> dict[str, Any]:
    return _with_grant(**{"on": "tables", "schema": "beers", "privileges": ["SELECT"], **more})


def _retiring(name: str, retirement: object) -> dict[str, Any]:
    return _with(retired={name: retirement})


def _with_setting(name: object, value: object) -> dict[str, Any]:
    return _with_login("report", {**IAM, "settings": {name: value}})


# The path before each problem: the second grant of the new role.
GRANT = "document.roles['new'].grants[1]"
# Documents, each with a problem that its refusal names.
WRONG: list[tuple[object, str]] = [
    (None, "document.database: this key is missing; add it."),
    ([], "document: expected keys and values, found a list."),
    ({}, "document.database: this key is missing; add it."),
    (_with(database=5), "document.database: expected text, found 5; put it in quotes."),
    (_with(database="x" * 99 + "\0"), "document.database: '" + "x" * 59 + "... has a NUL"),
    (_with(schema={}), "document.schema: there is no such key here"),
    (_with(schema={}), "did you mean 'schemas'?"),
    (_with(**{"not a word": 1}), "document['not a word']: there is no such key here"),
    (_with(zzz=1), "only database, extensions, logins, public, retired, roles, schemas, unlisted; remove it."),
    (_with(schemas=["beers"]), "document.schemas: expected keys and values, found a list."),
    (_with(schemas={"beers": None}), "document.schemas['beers'].owner: this key is missing; add it."),
    (_with_role(7, {}), "document.roles[7]: expected text, found 7; put it in quotes."),
    (_with_role("new", []), "document.roles['new']: expected keys and values, found a list."),
    (_with_login("new", {}), "document.logins['new'].credential: this key is missing; add it."),
    (_with_setting(7, "beers"), "settings[7]: this is not a valid name of a setting;"),
    (_with_setting("work_mem", ["4MB"]), "settings['work_mem']: expected text, a number or a boolean, found a list."),
    (_with_setting("search_path", ["\ud800"]), "['search_path']: '\\ud800' has a NUL"),
    (_with_role("a\0b", {}), "document.roles['a\\x00b']: 'a\\x00b' has a NUL"),
    (_with_role("new", {"member_of": ["\udfff"]}), ".member_of: '\\udfff' has a NUL"),
    (_with(database=""), "document.database: a name cannot be empty; give it one."),
    (_with_role("public", {}), "document.roles['public']: PostgreSQL or RDS reserves this name"),
    (_with_login("rdsadmin", IAM), "document.logins['rdsadmin']: PostgreSQL or RDS reserves this name"),
    (_with_grant(privileges=["USAGE"]), f"{GRANT}.on: this key is missing; add it."),
    (_on_tables(name=["a"]), f"{GRANT}.name: there is no such key here, only columns,"),
    (_on_tables(privileges=["all privileges"]), f"{GRANT}.privileges[0]: the meaning of ALL"),
    (_on_tables(privileges=[]), f"{GRANT}.privileges: an empty list grants nothing; name one of"),
    (_on_tables(names=[]), f"{GRANT}.names: an empty list grants nothing; name something, or leave"),
    (_on_tables(names=[None]), f"{GRANT}.names: expected a list of names, found a list."),
    (_on_tables(names=["a", "é" * 32]), f"{GRANT}.names[1]: the name has 64 bytes, and"),
    (_on_tables(names=["a"], columns=[""]), f"{GRANT}.columns[0]: a name cannot be empty"),
    (_on_tables(schema=None), f"{GRANT}.schema: this key is missing; add the name of the schema."),
    (_with(public={"schemas": {"wines": "read"}}), "document.public.schemas['wines']: this schema is not declared;"),
    (_with(unlisted="drop"), "document.unlisted: expected one of revoke, report; found 'drop'."),
    (_with_role("new", {"comment": " "}), "document.roles['new'].comment: it is empty;"),
    (_with(extensions={"x" * 64: {}}), "document.extensions['xx"),
    (_retiring("rds_superuser", {}), "document.retired['rds_superuser']: PostgreSQL or RDS reserves this name;"),
    (_retiring("old", {"drop_owned": 1}), "document.retired['old'].drop_owned: expected true or false, found 1."),
    *(
        (
            _with_role("new", {"member_of": [name]}),
            f"document.roles['new'].member_of[0]: PostgreSQL or RDS keeps the role {name!r} for itself;",
        )
        for name in ("pg_database_owner", "rdsadmin")
    ),
    *(
        (
            _with_login("new", {"credential": "external", "valid_until": value}),
            "document.logins['new'].valid_until: expected a date, a time with its zone, or infinity; found",
        )
        for value in ("2026-02-30", "2026-12-31T18:00", "tomorrow", 2026, "0001-01-01T00:00+14:00")
    ),
]

# The same, one after the other.
WRONG_AT_LENGTH: list[Any] = [
    _with_role("new", {"member_of": "beers_reader"}),
    "document.roles['new'].member_of: expected a list of names, found 'beers_reader'.",
    _with_role("new", {"member_of": ["beers_reader", 7]}),
    "document.roles['new'].member_of: expected a list of names, found a list.",
    _with_role("new", {"schemas": {"beers": "admin"}}),
    "document.roles['new'].schemas['beers']: expected one of read, write, own; found 'admin'.",
    _with_role("new", {"schemas": {"beers": None}}),
    "document.roles['new'].schemas['beers']: expected one of read, write, own; found nothing.",
    _with_role("new", {"schemas": {"beers": ["read"]}}),
    "document.roles['new'].schemas['beers']: expected one of read, write, own; found a list.",
    _with_login("new", {"credential": "password"}),
    "document.logins['new'].credential: expected one of rotated, iam, external; found 'password'.",
    _with_login("new", {**IAM, "acts_as": ["beers_owner"]}),
    "document.logins['new'].acts_as: expected text, found a list; put it in quotes.",
    _with_login("new", {**IAM, "connection_limit": "50"}),
    "document.logins['new'].connection_limit: expected a whole number, found '50'.",
    _with_login("new", {**IAM, "connection_limit": True}),
    "document.logins['new'].connection_limit: expected a whole number, found True.",
    _with_setting("search path", "beers"),
    "ent.logins['report'].settings['search path']: this is not a valid name of a setting; write it as PostgreSQL does.",
    _with_setting("search_path", {"beers": 1}),
    "settings['search_path']: expected a list of names, found keys and values.",
    _with_setting("search_path", "beers,,public"),
    "settings['search_path']: 'beers,,public' is not a comma-separated list of names. Write it as a list.",
    _with_login("new", {**IAM, "settings": {"jit": "on", "JIT": "off"}}),
    "document.logins['new'].settings['JIT']: PostgreSQL ignores case here, so jit is set twice; remove one",
    _with_setting("work_mem", "4\0MB"),
    "work_mem']: '4\\x00MB' has a NUL character or half of a surrogate pair, which PostgreSQL cannot store; remove it.",
    _with(database="é" * 32),
    "ument.database: the name has 64 bytes, and PostgreSQL would truncate it silently; shorten it to at most 63 bytes.",
    _with_login("x" * 62, ROTATED),
    "the name has 62 bytes, and PostgreSQL would truncate it silently; shorten it to at most 61 bytes.",
    _with(schemas={"pg_beers": {"owner": "beers_owner"}}),
    "document.schemas['pg_beers']: PostgreSQL reserves this schema; choose another name.",
    _with(schemas={"information_schema": {"owner": "beers_owner"}}),
    "document.schemas['information_schema']: PostgreSQL reserves this schema;",
    _with(schemas={"beers": {"owner": "beers_owner", "adopt": ["old", "beers_owner"]}}),
    "document.schemas['beers'].adopt[1]: 'beers_owner' owns the schema, and keeps its objects; remove it.",
    _with(schemas={"beers": {"owner": "beers_owner", "adopt": ["old"]}}, retired={"old": {}}),
    "document.schemas['beers'].adopt[0]: 'old' is retired; its 'reassign_to' says who gets its objects.",
    _with_role("pg_read_all_data", {}),
    "ument.roles['pg_read_all_data']: PostgreSQL or RDS reserves this name; name it in member_of without declaring it.",
    _with(schemas={"beers": {"owner": "beers_ower"}}),
    "document.schemas['beers'].owner: no role 'beers_ower' is declared; add it to document.roles, or correct the name.",
    _with(schemas={"beers": {"owner": "beers_app"}}),
    "ument.schemas['beers'].owner: 'beers_app' is a login, and only a role can stand here; name one of document.roles.",
    _with_role("new", {"member_of": ["beers_reader", "gone"]}),
    "document.roles['new'].member_of[1]: no role 'gone' is declared;",
    _with_role("new", {"schemas": {"wines": "read"}}),
    "w'].schemas['wines']: this schema is not declared; add it to document.schemas with its owner, or remove this key.",
    _with_login("new", {**IAM, "member_of": ["beers_app"]}),
    "document.logins['new'].member_of[0]: 'beers_app' is a login, and only a role can stand here;",
    _with_login("new", {**ROTATED, "member_of": ["rds_iam"]}),
    ".logins['new'].member_of[0]: membership in rds_iam is granted by 'credential: iam'; set that, and remove it here.",
    _with_login("new", {**ROTATED, "acts_as": "rds_superuser"}),
    "document.logins['new'].acts_as: PostgreSQL or RDS keeps the role 'rds_superuser' for itself;",
    _with_login("new", {**IAM, "valid_until": "2026-12-31"}),
    "document.logins['new'].valid_until: PostgreSQL checks it for passwords only,",
    _with_login("beers_owner", IAM),
    "document.logins['beers_owner']: a role has the same name; rename one of the two.",
    _with_role("beers_app_a", {}),
    "a login role 'beers_app_a', and the document declares one of that name for something else; rename one of the two.",
    _with_login("beers_app_b", ROTATED),
    "document.logins['beers_app']: its rotation needs a login role 'beers_app_b'",
    _with_role("new", {"member_of": ["new"]}),
    "document.roles['new'].member_of: new -> new is a circle; remove one of its memberships.",
    _with(
        roles={
            **documents.beers()["roles"],
            "a": {"member_of": ["beers_reader", "b"]},
            "b": {"member_of": ["c"]},
            "c": {"member_of": ["beers_writer", "a"]},
        }
    ),
    "document.roles['a'].member_of: a -> b -> c -> a is a circle; remove one of its memberships.",
    _with_login("new", {**IAM, "connection_limit": -2}),
    "document.logins['new'].connection_limit: -2 is not a valid limit; use 0 to 2147483647, or -1 for none.",
    _with_login("new", {**IAM, "connection_limit": 2**31}),
    "document.logins['new'].connection_limit: 2147483648 is not a valid limit;",
    _with_setting("Role", "beers_owner"),
    "document.logins['report'].settings['role']: the role that a session acts as is set by 'acts_as'; use that.",
    _with_setting("session_authorization", "beers_owner"),
    "settings['session_authorization']: the role that a session acts as is set by 'acts_as'; use that.",
    _with_role("new", {"grants": {"on": "schema"}}),
    "document.roles['new'].grants: expected a list, found keys and values.",
    _with_grant(on="views", privileges=["SELECT"]),
    f"{GRANT}.on: expected one of database, schema, tables, sequences, routines, types; found 'views'.",
    _on_tables(privileges=["ALL"]),
    f"{GRANT}.privileges[0]: the meaning of ALL differs between versions of PostgreSQL; list the privileges, ",
    _on_tables(privileges=["SELECT", "select"]),
    f"{GRANT}.privileges[1]: on tables there is no privilege 'select', only SELECT, INSERT, UPDATE, DELETE, ",
    _with_grant(on="database", privileges=["TEMP"]),
    f"{GRANT}.privileges[0]: on database there is no privilege 'TEMP', only CONNECT, CREATE, TEMPORARY; ",
    _with_grant(on="sequences", schema="beers", privileges=["EXECUTE"]),
    f"{GRANT}.privileges[0]: on sequences there is no privilege 'EXECUTE', only SELECT, USAGE, UPDATE; remove it.",
    _on_tables(names=["a"], columns=["b"], privileges=["DELETE"]),
    f"{GRANT}.privileges[0]: on columns there is no privilege 'DELETE', only SELECT, INSERT, UPDATE, REFERENCES;",
    _on_tables(columns=["b"]),
    f"{GRANT}.columns: only tables have columns, and they must be named; set 'on: tables', and add 'names'.",
    _with_grant(on="types", schema="beers", names=["a"], columns=["b"], privileges=["USAGE"]),
    f"{GRANT}.columns: only tables have columns,",
    _on_tables(schema="wines"),
    f"{GRANT}.schema: the schema 'wines' is not declared; add it to document.schemas with its owner, or remove",
    _with_grant(on="database", schema="beers", privileges=["CONNECT"]),
    f"{GRANT}.schema: a database is not in a schema; remove it, or set 'on: schema'.",
    _with_grant(on="schema", schema="beers", names=["a"], privileges=["USAGE"]),
    f"{GRANT}.names: these are for the objects of a schema; remove them, or set 'on: tables' or another kind.",
    _with(public={"grants": [{"on": "types", "schema": "wines", "privileges": ["SELECT"]}]}),
    "document.public.grants[0].privileges[0]: on types there is no privilege 'SELECT', only USAGE; remove it.",
    _with_role("new", {"member_of": ["beers_reader"], "memberships": {"beers_reader": None}}),
    "document.roles['new'].member_of[0]: 'beers_reader' is in memberships too; remove one of the two.",
    _with_role("new", {"memberships": {"gone": {}}}),
    "document.roles['new'].memberships['gone']: no role 'gone' is declared;",
    _with_role("new", {"memberships": {"beers_reader": {"admin": "yes"}}}),
    "document.roles['new'].memberships['beers_reader'].admin: expected true or false, found 'yes'.",
    _with_login("new", {"credential": "external", "memberships": {"rds_iam": {}}}),
    "document.logins['new'].memberships['rds_iam']: membership in rds_iam is granted by 'credential: iam';",
    _with_login("new", {**IAM, "acts_as": "beers_owner", "memberships": {"beers_owner": {"set": False}}}),
    "document.logins['new'].memberships['beers_owner'].set: its sessions act as this role, which needs 'set';",
    {
        "database": "beers",
        "roles": {"a": {"memberships": {"b": {}}}},
        "logins": {"b": {"credential": "external", "acts_as": "a"}},
    },
    "document.logins['b'].member_of: b -> a -> b is a circle; remove one of its memberships.",
    _with(extensions={"citext": {"schema": ""}}),
    "document.extensions['citext'].schema: a name cannot be empty; give it one.",
    _retiring("beers_app_b", {}),
    "document.retired['beers_app_b']: the document declares this role as well; remove one of the two.",
    _retiring("old", {"reassign_to": "older"}),
    "document.retired['old'].reassign_to: 'older' is not declared; name one of document.roles or document.logins,",
    _retiring("old", {"reassign_to": "beers_owner", "drop_owned": True}),
    "document.retired['old'].drop_owned: what it owns goes to 'beers_owner', so it cannot be dropped;",
]


@pytest.mark.parametrize(("raw", "problem"), [*WRONG, *zip(WRONG_AT_LENGTH[::2], WRONG_AT_LENGTH[1::2], strict=True)])
def test_a_wrong_document_is_refused_with_path_and_remedy(raw: object, problem: str) -> None:
    with pytest.raises(AccessDocumentError) as refusal:
        parse_document(raw)
    assert problem in str(refusal.value)
    assert "nothing was changed" in str(refusal.value)


def test_the_longest_names_that_fit_are_taken() -> None:
    document = _with_login("y" * 61, ROTATED)
    document["roles"]["z" * 63] = {}
    assert {"y" * 61 + "_a", "z" * 63} <= parse_document(document).role_names


def test_a_cycle_is_reported_with_its_roles_and_without_those_that_lead_to_it() -> None:
    roles = {"a": {"member_of": ["b"]}, "b": {"member_of": ["c"]}, "c": {"member_of": ["b"]}}
    with pytest.raises(AccessDocumentError) as refusal:
        parse_document({"database": "beers", "roles": roles})
    assert [problem.partition(": ")[0] for problem in refusal.value.problems] == [
        "document.roles['b'].member_of",
        "document.roles['c'].member_of",
    ]


def test_all_problems_of_a_malformed_document_come_at_once() -> None:
    raw = _with(databse="beers", schemas={"beers": {"owner": 7}}, logins={"new": {"settings": {"a b": 1, "c d": 2}}})
    with pytest.raises(AccessDocumentError, match="The access document has 5 problems") as refusal:
        parse_document(raw)
    assert [problem.partition(": ")[0] for problem in refusal.value.problems] == [
        "document.schemas['beers'].owner",
        "document.logins['new'].credential",
        "document.logins['new'].settings['a b']",
        "document.logins['new'].settings['c d']",
        "document.databse",
    ]


def test_all_contradictions_come_at_once() -> None:
    raw = {
        "database": "",
        "schemas": {"pg_beers": {"owner": "gone"}},
        "roles": {"a": {"member_of": ["a"]}},
        "logins": {"a": {**IAM, "connection_limit": -5}},
    }
    with pytest.raises(AccessDocumentError) as refusal:
        parse_document(raw)
    assert [problem.partition(": ")[0] for problem in refusal.value.problems] == [
        "document.database",
        "document.schemas['pg_beers']",
        "document.schemas['pg_beers'].owner",
        "document.logins['a']",
        "document.roles['a'].member_of",
        "document.logins['a'].connection_limit",
    ]


NAMES = st.one_of(st.text(max_size=4), st.sampled_from(["beers", "beers_owner", "pg_x", "x" * 64, "\ud800", "a\0"]))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), NAMES),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=10,
)
SETTINGS = st.dictionaries(st.one_of(NAMES, st.sampled_from(["search_path", "Work_mem", "role"])), JSON, max_size=3)


def _keys(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with some of the keys that belong there, each with what may belong there or with anything."""
    return st.fixed_dictionaries({}, optional={key: st.one_of(value, JSON) for key, value in values.items()})


NEARLY_MEMBERS = {
    "comment": NAMES,
    "member_of": st.lists(NAMES, max_size=3),
    "memberships": st.dictionaries(NAMES, _keys(inherit=st.booleans(), set=st.booleans(), admin=JSON), max_size=2),
    "schemas": st.dictionaries(NAMES, st.sampled_from(Preset), max_size=2),
    "grants": st.lists(
        _keys(
            on=st.sampled_from(GrantKind),
            schema=NAMES,
            names=st.lists(NAMES, max_size=2),
            columns=st.lists(NAMES, max_size=2),
            privileges=st.lists(st.sampled_from(["SELECT", "USAGE", "ALL", "all"]), max_size=2),
        ),
        max_size=2,
    ),
}
NEARLY_DOCUMENTS = _keys(
    database=NAMES,
    unlisted=st.sampled_from(Unlisted),
    extensions=st.dictionaries(NAMES, _keys(schema=NAMES), max_size=2),
    public=_keys(schemas=NEARLY_MEMBERS["schemas"], grants=NEARLY_MEMBERS["grants"]),
    retired=st.dictionaries(NAMES, _keys(reassign_to=NAMES, drop_owned=st.booleans()), max_size=2),
    schemas=st.dictionaries(NAMES, _keys(owner=NAMES), max_size=3),
    roles=st.dictionaries(NAMES, _keys(**NEARLY_MEMBERS), max_size=3),
    logins=st.dictionaries(
        NAMES,
        _keys(
            credential=st.sampled_from(CredentialKind),
            **NEARLY_MEMBERS,
            acts_as=NAMES,
            connection_limit=st.integers(),
            settings=SETTINGS,
        ),
        max_size=3,
    ),
)


@given(st.one_of(JSON, NEARLY_DOCUMENTS))
def test_any_json_is_either_a_document_or_refused(raw: object) -> None:
    problems, names = tuple[str, ...](), frozenset[str]()
    try:
        names = parse_document(raw).role_names
    except AccessDocumentError as error:
        problems = error.problems
        str(error).encode()
    assert all(problem.startswith("document") for problem in problems)
    assert all(0 < len(name.encode()) <= MAXIMUM_NAME_BYTES for name in names)
