"""Random access documents, random things that people did by hand before, and a small model of what the documents mean.

The model is written from docs/access.md and imports nothing of what it judges. Names are short; `Workshop` gives them
those of the test's own roles.
"""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

ROLES = ("cook", "baker", "guest", "porter")
LOGINS = ("ann", "bob")
SCHEMAS = ("hall", "yard")
RETIRED = ("elder", "ghost")
STRANGER = "stranger"
SIBLINGS = ("_a", "_b")
NAMES = (*ROLES, *LOGINS, *(login + suffix for login in LOGINS for suffix in SIBLINGS), *RETIRED, STRANGER)

TABLE_PRIVILEGES = {
    "read": {"SELECT"},
    "write": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "own": {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"},
}
SEQUENCE_PRIVILEGES = {"read": {"SELECT"}, "write": {"SELECT", "USAGE"}, "own": {"SELECT", "USAGE", "UPDATE"}}
ROUTINE_PRIVILEGES = {"read": set[str](), "write": {"EXECUTE"}, "own": {"EXECUTE"}}
TYPE_PRIVILEGES = {"read": set[str](), "write": set[str](), "own": {"USAGE"}}
SCHEMA_PRIVILEGES = {"read": {"USAGE"}, "write": {"USAGE"}, "own": {"USAGE", "CREATE"}}
DATABASE_PRIVILEGES = {"CONNECT", "CREATE", "TEMPORARY"}
COLUMN_PRIVILEGES = {"SELECT", "INSERT", "UPDATE", "REFERENCES"}
PRESETS = {
    "table": TABLE_PRIVILEGES,
    "sequence": SEQUENCE_PRIVILEGES,
    "function": ROUTINE_PRIVILEGES,
    "type": TYPE_PRIVILEGES,
    "schema": SCHEMA_PRIVILEGES,
}

# Statements that create an object of each kind.
MAKING = {
    "table": "CREATE TABLE {0} (id int GENERATED ALWAYS AS IDENTITY)",
    "partitioned": "CREATE TABLE {0} (id int) PARTITION BY RANGE (id)",
    "view": "CREATE VIEW {0} AS SELECT 1 AS id",
    "materialized": "CREATE MATERIALIZED VIEW {0} AS SELECT 1 AS id",
    "sequence": "CREATE SEQUENCE {0}",
    "function": "CREATE FUNCTION {0}(a int, OUT b int) LANGUAGE sql AS 'SELECT 2 * a'",
    "procedure": "CREATE PROCEDURE {0}(a int) LANGUAGE sql AS 'SELECT 1'",
    "aggregate": "CREATE AGGREGATE {0}(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal,"
    " FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA)",
    "enum": "CREATE TYPE {0} AS ENUM ('a')",
    "domain": "CREATE DOMAIN {0} AS int",
    "composite": "CREATE TYPE {0} AS (id int)",
    "range": "CREATE TYPE {0} AS RANGE (SUBTYPE = int)",
}
ALTERED = {
    "partitioned": "TABLE",
    "materialized": "MATERIALIZED VIEW",
    "function": "ROUTINE",
    "procedure": "ROUTINE",
    "aggregate": "AGGREGATE",
    **dict.fromkeys(("enum", "domain", "composite", "range"), "TYPE"),
}
ROUTINES = {"function": "(int)", "procedure": "(int)", "aggregate": "(float8, anyelement)"}
TYPES = ("enum", "domain", "composite", "range")
TABLES = ("table", "partitioned", "view", "materialized")
ATTRIBUTES = (
    "LOGIN",
    "NOLOGIN",
    "NOINHERIT",
    "CREATEDB",
    "CREATEROLE",
    "CONNECTION LIMIT 3",
    "VALID UNTIL '2020-01-01'",
)

# What a document calls each kind, which objects of it there may be, what may be granted on them, and the model's word.
GRANTED = {
    "tables": (TABLES, TABLE_PRIVILEGES["own"] - {"MAINTAIN"}, "table"),
    "sequences": (("sequence",), SEQUENCE_PRIVILEGES["own"], "sequence"),
    "routines": (tuple(ROUTINES), ROUTINE_PRIVILEGES["own"], "function"),
    "types": (TYPES, TYPE_PRIVILEGES["own"], "type"),
}
COUNT = 6
"""Objects of a starting state at most; they are numbered."""


def some(names: tuple[str, ...] | list[str], most: int = 8) -> st.SearchStrategy[list[str]]:
    """A few of these names."""
    return st.lists(st.sampled_from(names), unique=True, max_size=most) if names else st.just([])


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    roles = draw(st.permutations(ROLES))[: draw(st.integers(1, len(ROLES)))]
    schemas = draw(some(SCHEMAS))
    names = draw(some(LOGINS))
    retired = draw(some(RETIRED)) if draw(st.integers(0, 2)) == 0 else []
    document: dict[str, Any] = {
        "database": "",
        "unlisted": draw(st.sampled_from(["revoke", "revoke", "report"])),
        "schemas": {schema: draw(owners(roles)) for schema in schemas},
        "roles": {role: draw(members(roles[:index], schemas)) for index, role in enumerate(roles)},
        "logins": {login: draw(logins(roles, schemas)) for login in names},
        "public": {
            "schemas": draw(presets(schemas)) if draw(st.booleans()) else {},
            "grants": draw(grants(schemas)) if draw(st.booleans()) else [],
        },
        "retired": {
            name: {"reassign_to": draw(st.sampled_from([*roles, *names]))} if name == "elder" else {"drop_owned": True}
            for name in retired
        },
    }
    for name, login in document["logins"].items():
        if login["credential"] == "rotated" and login["acts_as"] is None and creates(document, name):
            login["credential"] = "external"  # such a pair is refused
    return document


def creates(document: dict[str, Any], name: str) -> bool:
    """Return True if a login can create something itself, by what it has, inherits, or PUBLIC has."""
    groups = {
        group
        for has_options in (True, False)
        for group in reached(name, edges(document, has_options=has_options), "inherit")
    }
    places = [("database", ""), *(("schema", schema) for schema in document["schemas"])]
    return bool(groups & {schema["owner"] for schema in document["schemas"].values()}) or any(
        "CREATE" in own_privileges(document, holder, kind, schema, "")
        for holder in (*groups, None)
        for kind, schema in places
    )


@st.composite
def owners(draw: st.DrawFn, roles: list[str]) -> dict[str, Any]:
    owner = draw(st.sampled_from(roles))
    others = [name for name in (*roles, STRANGER, "master") if name != owner]
    return {"owner": owner, "adopt": draw(some(others, 2)) if draw(st.integers(0, 2)) == 0 else []}


def presets(schemas: list[str]) -> st.SearchStrategy[dict[str, str]]:
    return (
        st.dictionaries(st.sampled_from(schemas), st.sampled_from(list(SCHEMA_PRIVILEGES))) if schemas else st.just({})
    )


@st.composite
def members(draw: st.DrawFn, groups: list[str], schemas: list[str]) -> dict[str, Any]:
    plain, optional = draw(some(groups, 2)), draw(some(groups, 1))
    return {
        "comment": draw(st.sampled_from([None, None, "It's\nours \\ \U0001f377"])),
        "inherit": draw(st.sampled_from([None, None, True, False])),
        "member_of": [group for group in plain if group not in optional],
        "memberships": {
            group: {option: draw(st.booleans()) for option in ("inherit", "set", "admin")} for group in optional
        },
        "schemas": draw(presets(schemas)),
        "grants": draw(grants(schemas)) if draw(st.booleans()) else [],
    }


@st.composite
def grants(draw: st.DrawFn, schemas: list[str]) -> list[dict[str, Any]]:
    return draw(st.lists(single_grants(schemas), max_size=3))


@st.composite
def single_grants(draw: st.DrawFn, schemas: list[str]) -> dict[str, Any]:
    on = draw(st.sampled_from(["database", "schema", *GRANTED])) if schemas else "database"
    if on == "database":
        return {"on": on, "privileges": draw(chosen(DATABASE_PRIVILEGES))}
    schema = draw(st.sampled_from(schemas))
    if on == "schema":
        return {"on": on, "schema": schema, "privileges": draw(chosen(SCHEMA_PRIVILEGES["own"]))}
    kinds, privileges, _ = GRANTED[on]
    grant = {"on": on, "schema": schema, "privileges": draw(chosen(privileges))}
    if draw(st.integers(0, 3)) == 0:
        return grant
    possible = [f"{kind}{number}" for kind in kinds for number in range(COUNT)]
    named = draw(st.lists(st.sampled_from(possible), min_size=1, max_size=8, unique=True))
    if on == "routines":
        named = [name + draw(st.sampled_from(["", ROUTINES[name.rstrip("0123456789")]])) for name in named]
    if on == "tables" and draw(st.booleans()):
        return {**grant, "names": named, "columns": ["id"], "privileges": draw(chosen(COLUMN_PRIVILEGES))}
    return {**grant, "names": named}


def chosen(privileges: set[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(sorted(privileges)), min_size=1, max_size=2, unique=True)


@st.composite
def logins(draw: st.DrawFn, roles: list[str], schemas: list[str]) -> dict[str, Any]:
    values = {
        "statement_timeout": "5s",
        "timezone": "Asia/Tokyo",
        "DateStyle": "ISO, DMY",
        "search_path": ["hall", 'od"d, name', "$user"],
        "application_name": "a=b 'c' \\d",
        "TimeZone_abbreviations": "Default",
    }
    member = draw(members(roles, schemas))
    acts_as = draw(st.none() | st.sampled_from(roles))
    if acts_as in member["memberships"]:
        member["memberships"][acts_as]["set"] = True
    return {
        **member,
        "credential": draw(st.sampled_from(["rotated", "iam", "external"])),
        "acts_as": acts_as,
        "connection_limit": draw(st.sampled_from([None, -1, 0, 7])),
        "settings": {name: values[name] for name in draw(some(list(values), 3))},
    }


@dataclass(frozen=True)
class ByHand:
    """A statement of a role: None for the superuser. Role names are in braces."""

    sql: str
    actor: str | None = None


@st.composite
def starting_states(draw: st.DrawFn, document: dict[str, Any]) -> list[ByHand]:
    """The starting state: roles and schemas, then objects, then manual changes."""
    declared = names_of(document)
    retired = list(document["retired"])
    all_roles = [*declared, STRANGER, *retired]
    missing = draw(some(declared))
    made = [ByHand(f"CREATE ROLE {{{role}}}", "master") for role in all_roles if role not in missing]
    for schema in draw(some(SCHEMAS)):
        # A retired role whose things are dropped owns no schema here: others' things in it would be in the way.
        owner = draw(st.sampled_from([*(name for name in all_roles if name != "ghost"), "master"]))
        made.append(ByHand(f"CREATE SCHEMA {schema} AUTHORIZATION {{master}}"))
        made.append(ByHand(f"ALTER SCHEMA {schema} OWNER TO {{{owner}}}"))
    objects = draw(st.lists(st.tuples(st.sampled_from(SCHEMAS), st.sampled_from(list(MAKING))), max_size=COUNT))
    for index, (schema, kind) in enumerate(objects):
        name = f"{schema}.{kind}{index}"
        made.append(ByHand(MAKING[kind].format(name)))
        owner = draw(st.sampled_from([*all_roles, "master", "master"]))
        made.append(ByHand(f"ALTER {ALTERED.get(kind, kind)} {name}{arguments(kind)} OWNER TO {{{owner}}}"))
    named = [(kind, f"{schema}.{kind}{index}") for index, (schema, kind) in enumerate(objects)]
    return made + draw(st.lists(by_hand([*declared, *retired], all_roles, named), max_size=8))


def arguments(kind: str) -> str:
    return "(float8 ORDER BY anyelement)" if kind == "aggregate" else ROUTINES.get(kind, "")


@st.composite
def by_hand(  # noqa: PLR0911 - a return for each kind of change
    draw: st.DrawFn, declared: list[str], all_roles: list[str], objects: list[tuple[str, str]]
) -> ByHand:
    """One change of something; PostgreSQL may well refuse it."""
    one, other = draw(st.sampled_from(declared)), draw(st.sampled_from(all_roles))
    schema = draw(st.sampled_from(SCHEMAS))
    grantee = draw(st.sampled_from([f"{{{one}}}", f"{{{other}}}", "PUBLIC"]))
    option = draw(st.sampled_from(["", "", " WITH GRANT OPTION"])) if grantee != "PUBLIC" else ""
    # Grants by roles that the master cannot act as stay; the documents' own roles are not among those.
    actor = draw(st.sampled_from([None, None, one]))
    kinds = ["object", "object", "column", "schema", "database", "member", "role", "setting", "default", "comment"]
    what = draw(st.sampled_from(kinds))
    if what == "object" and objects:
        kind, name = draw(st.sampled_from(objects))
        keyword = "ROUTINE" if kind in ROUTINES else "TYPE" if kind in TYPES else "TABLE"
        target = f"{keyword} {name}{ROUTINES.get(kind, '')}"
        return ByHand(f"GRANT {draw(privileges(kind))} ON {target} TO {grantee}{option}", actor)
    if what == "column" and objects:
        _, name = draw(st.sampled_from(objects))
        listed = f"{draw(st.sampled_from(sorted(COLUMN_PRIVILEGES)))} (id)"
        return ByHand(f"GRANT {listed} ON TABLE {name} TO {grantee}{option}", actor)
    if what == "database":
        privilege = draw(st.sampled_from(sorted(DATABASE_PRIVILEGES)))
        return ByHand(f"GRANT {privilege} ON DATABASE {{database}} TO {grantee}{option}", actor)
    if what == "member":
        member = draw(st.sampled_from([f"{{{other}}}", "{master}"]))
        option = draw(st.sampled_from(["", " WITH ADMIN OPTION"])) if member != "{master}" else ""
        return ByHand(f"GRANT {{{one}}} TO {member}{option}", "master" if actor is None else actor)
    if what == "role":
        attribute = draw(st.sampled_from(ATTRIBUTES))
        return ByHand(f"ALTER ROLE {{{one}}} {attribute}")
    if what == "comment":
        return ByHand(f"COMMENT ON ROLE {{{one}}} IS {draw(st.sampled_from(['NULL', 'NULL']))}")
    if what == "setting":
        within = draw(st.sampled_from(["", " IN DATABASE {database}"]))
        setting = draw(st.sampled_from(["work_mem TO '9MB'", 'search_path TO a, "B c"', "TimeZone TO 'UTC'"]))
        return ByHand(f"ALTER ROLE {{{one}}}{within} SET {setting}")
    if what == "default":
        kind = draw(st.sampled_from(["table", "sequence", "function", "type"]))
        within = draw(st.sampled_from(["", f" IN SCHEMA {schema}"]))
        # What owners take from themselves is left alone; see docs/access.md.
        verbs = ["GRANT {} ON {}S TO {}"] + ["REVOKE {} ON {}S FROM {}"] * (grantee != f"{{{one}}}")
        verb = draw(st.sampled_from(verbs))
        change = verb.format(draw(privileges(kind)), kind, grantee) + option * verb.startswith("GRANT")
        if draw(st.integers(0, 5)) == 0:
            within, change = "", f"GRANT USAGE ON SCHEMAS TO {grantee}"
        return ByHand(f"ALTER DEFAULT PRIVILEGES FOR ROLE {{{one}}}{within} {change}")
    privilege = draw(st.sampled_from(["USAGE", "CREATE", "ALL"]))
    return ByHand(f"GRANT {privilege} ON SCHEMA {schema} TO {grantee}{option}", actor)


def privileges(kind: str) -> st.SearchStrategy[str]:
    if kind in ROUTINES:
        return st.sampled_from(["EXECUTE", "ALL"])
    if kind in {"type", *TYPES}:
        return st.sampled_from(["USAGE", "ALL"])
    if kind == "sequence":
        return st.sampled_from(["SELECT", "USAGE", "UPDATE", "ALL"])
    return st.sampled_from(["SELECT", "INSERT", "TRUNCATE", "TRIGGER", "ALL"])


def names_of(document: dict[str, Any]) -> list[str]:
    """Every role that a document leads to."""
    login_roles = [
        name + suffix
        for name, login in document["logins"].items()
        if login["credential"] == "rotated"
        for suffix in SIBLINGS
    ]
    return [*document["roles"], *document["logins"], *login_roles]


@dataclass(frozen=True)
class Edge:
    """A membership in the model."""

    group: str
    member: str
    inherit: bool = True
    set: bool = True
    admin: bool = False


def edges(document: dict[str, Any], *, has_options: bool) -> list[Edge]:
    """The memberships among the roles that a document leads to."""
    found = []
    for name, member in {**document["roles"], **document["logins"]}.items():
        inherits = member["inherit"] is not False
        found += [Edge(group, name, inherits) for group in member["member_of"]]
        for group, options in member["memberships"].items():
            known = options if has_options else {"inherit": inherits, "admin": options["admin"]}
            found.append(Edge(group, name, **known))
        acts_as = member.get("acts_as")
        if acts_as and acts_as not in member["memberships"]:
            found.append(Edge(acts_as, name, inherits))
        if member.get("credential") == "rotated":
            found += [Edge(name, name + suffix) for suffix in SIBLINGS]
    return found


def reached(name: str, memberships: list[Edge], option: str | None) -> set[str]:
    """A role and all that it reaches by memberships with this option, or by any."""
    found = {name}
    while True:
        more = {
            edge.group for edge in memberships if edge.member in found and (option is None or getattr(edge, option))
        }
        if more <= found:
            return found
        found |= more


def own_privileges(document: dict[str, Any], name: str | None, kind: str, schema: str, called: str) -> set[str]:
    """Return what a document gives one role itself, or PUBLIC for None, on one thing; ``kind`` in the model's words."""
    holder = document["public"] if name is None else {**document["roles"], **document["logins"]}.get(name)
    if holder is None:
        return set()
    preset = holder["schemas"].get(schema)
    given = set(PRESETS[kind][preset]) if preset and kind in PRESETS else set[str]()
    for grant in holder["grants"]:
        given |= set(grant["privileges"]) if _is_on(grant, kind, schema, called) else set()
    return given


def _is_on(grant: dict[str, Any], kind: str, schema: str, called: str) -> bool:
    on = grant["on"]
    if on in {"database", "schema"}:
        return bool(on == kind and (on == "database" or grant["schema"] == schema))
    if grant["schema"] != schema:
        return False
    names = [name.partition("(")[0] for name in grant["names"]] if "names" in grant else None
    if "columns" in grant:
        return bool(kind == "column" and names and called in names)
    return bool(GRANTED[on][2] == kind and (names is None or called in names))
