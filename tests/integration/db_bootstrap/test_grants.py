"""Single privileges: on objects, columns and types, their names and signatures, and the objects of other owners."""

import pytest

from db_bootstrap.document import parse_document
from db_bootstrap.errors import UnmanageableError
from db_bootstrap.inspect.routines import resolve_signatures
from db_bootstrap.inspect.session import catalog_reader
from db_bootstrap.plan import make_plan
from tests.support.access import UNUSUAL_NAMES, Access, on
from tests.support.random_access import MAKING

pytestmark = [pytest.mark.database, pytest.mark.each_major]

CONTENTS = (
    "SET ROLE {owner}; CREATE TYPE {schema}.colour AS ENUM ('red', 'white')",
    "SET ROLE {owner}; CREATE TABLE {schema}.wine (id int, name text, colour {schema}.colour)",
    "SET ROLE {owner}; CREATE TABLE {schema}.cask (id int, note text)",
    "SET ROLE {owner}; CREATE SEQUENCE {schema}.numbers",
    "SET ROLE {owner}; CREATE FUNCTION {schema}.twice(a int) RETURNS int LANGUAGE sql AS 'SELECT 2 * a'",
    "SET ROLE {owner}; CREATE FUNCTION {schema}.twice(a text) RETURNS text LANGUAGE sql AS 'SELECT a || a'",
    "SET ROLE {owner}; CREATE PROCEDURE {schema}.tidy(a int, b text) LANGUAGE sql AS 'SELECT 1'",
)


def test_values_of_a_type_are_read_and_written_without_a_right_on_it(cellar: Access) -> None:
    cellar.apply()
    cellar.as_superuser(*CONTENTS)
    cellar.apply()
    assert cellar.as_superuser("SELECT has_type_privilege('{app_a}', '{schema}.colour', 'USAGE')") == [[False]]
    with cellar.login("app_a") as connection:
        connection.run(cellar.filled("INSERT INTO {schema}.wine (id, colour) VALUES (1, 'red')"))
        connection.run(cellar.filled("SELECT 'white'::{schema}.colour FROM {schema}.wine WHERE colour = 'red'"))


@pytest.fixture(scope="module")
def settled(settled_cellar: Access) -> Access:
    settled_cellar.apply()
    settled_cellar.as_superuser(*CONTENTS)
    return settled_cellar


def test_what_several_roles_have_too_much_on_several_objects_is_revoked_in_one_statement(cellar: Access) -> None:
    cellar.apply()
    cellar.as_superuser(*CONTENTS)
    cellar.apply()
    cellar.as_superuser(
        "CREATE ROLE {stranger}",
        "CREATE ROLE {auditor}",
        "CREATE SCHEMA other AUTHORIZATION {owner}",
        "CREATE TABLE other.barrel ()",
        "ALTER TABLE other.barrel OWNER TO {owner}",
        "GRANT DELETE ON {schema}.wine, other.barrel TO {stranger}, {auditor}, PUBLIC",
        "GRANT UPDATE (id) ON {schema}.cask TO {stranger}, {auditor}",
        "GRANT CREATE ON SCHEMA {schema}, other TO {stranger}, {auditor}",
    )
    with cellar.master() as master:
        master.run(cellar.filled("GRANT {reader} TO {stranger}, {auditor}"))
    cellar.raw["schemas"]["other"] = {"owner": cellar.role("owner")}
    planned = cellar.plan()
    both = cellar.filled('"{auditor}", "{stranger}"')
    by = cellar.filled(' GRANTED BY "{master}"') if cellar.database.cluster.major >= 16 else ""
    assert [step.sql for step in planned.statements if step.is_destructive] == [
        cellar.filled('REVOKE "{reader}" FROM ') + both + by,
        f'REVOKE DELETE ON TABLE "cellar"."wine", "other"."barrel" FROM PUBLIC, {both}',
        f'REVOKE UPDATE ("id") ON TABLE "cellar"."cask" FROM {both}',
        f'REVOKE CREATE ON SCHEMA "cellar", "other" FROM {both}',
    ]
    cellar.apply()
    assert cellar.plan().statements == ()


def test_grant_options_in_the_defaults_of_alike_creators_are_revoked_and_defaults_of_others_reported(
    cellar: Access,
) -> None:
    cellar.raw["roles"][cellar.role("auditor")] = {"schemas": {cellar.schema: "own"}}
    cellar.as_superuser("CREATE ROLE {stranger}")
    cellar.apply()
    defaults = "ALTER DEFAULT PRIVILEGES FOR ROLE {roles} IN SCHEMA {{schema}} GRANT {what} ON TABLES TO {{reader}}"
    cellar.as_superuser(
        defaults.format(roles="{owner}, {auditor}", what="SELECT") + " WITH GRANT OPTION",
        defaults.format(roles="{stranger}", what="INSERT"),
    )
    cellar.apply()
    planned = cellar.plan()
    assert planned.statements == ()
    assert cellar.as_superuser("SELECT count(*) FROM pg_default_acl WHERE defaclacl::text LIKE '%*%'") == [[0]]
    note = (
        "gets INSERT on every relation that {stranger} will create in schema {schema}, which is not declared. It stays,"
    )
    assert any(cellar.filled(note) in sentence for sentence in planned.unmanaged)


def test_default_privileges_of_grantees_whose_names_contain_a_creators_are_told_apart(cellar: Access) -> None:
    cellar.apply()
    one, other = cellar.role("stranger"), cellar.role("stranger2")
    grantees = {one: f"{one}-", other: f"{one}-/{other}"}
    for creator, grantee in grantees.items():
        granting = (
            f'ALTER DEFAULT PRIVILEGES FOR ROLE {creator} IN SCHEMA {{schema}} GRANT SELECT ON TABLES TO "{grantee}"'
        )
        cellar.as_superuser(f"CREATE ROLE {creator}", f'CREATE ROLE "{grantee}"', granting)
    notes = "\n".join(cellar.plan().unmanaged)
    for creator, grantee in grantees.items():
        assert f"{grantee!r} gets SELECT on every relation that {creator} will create" in notes


def test_what_a_creator_granted_itself_hides_no_grant_of_other_creators_to_it(cellar: Access) -> None:
    with cellar.master() as master:
        master.run(cellar.filled("CREATE ROLE {reader}"))
    cellar.as_superuser(
        "CREATE SCHEMA {schema} AUTHORIZATION {master}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {reader} IN SCHEMA {schema} GRANT SELECT ON TABLES TO {reader}",
    )
    del cellar.raw["logins"][cellar.role("app")]  # with two login roles, it could create nothing that both could change
    cellar.raw["public"] = {"schemas": {cellar.schema: "own"}}  # every role can create
    cellar.apply()
    assert cellar.plan().statements == ()


def test_what_is_not_there_yet_is_waited_for_and_granted_when_it_is(cellar: Access) -> None:
    cellar.raw["roles"][cellar.role("auditor")] = {
        "grants": [
            on("tables", "SELECT", names=["wine"], columns=["id", "vintage"]),
            on("routines", "EXECUTE", names=["twice(int)"]),
        ]
    }
    done = cellar.apply()
    path = f"document.roles['{cellar.role('auditor')}'].grants"
    assert f"{path}[0].names[0]: there is no table 'wine' in schema 'cellar' yet;" in "\n".join(done.unmanaged)
    assert f"{path}[1].names[0]: there is no routine 'twice(int)' in schema" in "\n".join(done.unmanaged)
    assert cellar.plan().statements == ()
    cellar.as_superuser(*CONTENTS)
    done = cellar.apply()
    assert "'wine' in schema 'cellar' has no column 'vintage' yet;" in "\n".join(done.unmanaged)
    may = "has_column_privilege('{auditor}', '{schema}.wine', 'id', 'SELECT')"
    may += ", has_function_privilege('{auditor}', '{schema}.twice(int)', 'EXECUTE')"
    assert cellar.as_superuser(f"SELECT {may}") == [[True, True]]
    assert cellar.plan().statements == ()


def test_an_object_that_the_master_cannot_change_is_refused_by_name_and_left_otherwise(cellar: Access) -> None:
    cellar.apply()
    cellar.as_superuser(
        "CREATE TABLE {schema}.theirs (id int)",
        "GRANT SELECT ON {schema}.theirs TO PUBLIC",
        "CREATE EXTENSION pgcrypto SCHEMA {schema}",
    )
    lists = "SELECT relacl::text FROM pg_class WHERE relname = 'theirs'"
    before = cellar.as_superuser(lists)
    assert any("1 relation(s) in schema 'cellar' belong to 'rdsadmin'" in note for note in cellar.apply().unmanaged)
    cellar.raw["public"] = {
        "grants": [on("tables", "SELECT", names=["theirs"]), on("routines", "EXECUTE", names=["digest(text, text)"])]
    }
    with pytest.raises(UnmanageableError) as refused:
        cellar.apply()
    assert "names[0]: 'theirs' in schema 'cellar' belongs to 'rdsadmin'" in str(refused.value)
    assert "'digest(text, text)' in schema 'cellar' belongs to 'rdsadmin'" in str(refused.value)
    assert cellar.as_superuser(lists) == before


def test_an_object_of_another_owner_is_refused_with_the_statement_for_the_owner(cellar: Access) -> None:
    cellar.apply()
    cellar.as_superuser("CREATE ROLE {stranger}", "GRANT USAGE ON SCHEMA {schema} TO {stranger}")
    cellar.as_superuser('CREATE TABLE {schema}."it\'s" (id int)', 'ALTER TABLE {schema}."it\'s" OWNER TO {stranger}')
    cellar.raw["roles"][cellar.role("reader")]["grants"] = [on("tables", "UPDATE", names=["it's"], columns=["id"])]
    (refusal,) = cellar.plan().refusals
    cellar.as_superuser("SET SESSION AUTHORIZATION {stranger}; " + refusal.partition(" run: ")[2])
    assert cellar.as_superuser("SELECT has_column_privilege('{reader}', '{schema}.\"it''s\"', 'id', 'UPDATE')") == [
        [True]
    ]


def test_maintenance_and_memberships_that_this_version_does_not_know_are_refused(cellar: Access) -> None:
    cellar.raw["roles"][cellar.role("auditor")] = {
        "memberships": {cellar.role("reader"): {"set": False}},
        "grants": [on("tables", "MAINTAIN")],
    }
    major = cellar.database.cluster.major
    refusals = "\n".join(cellar.plan().refusals)
    assert ("MAINTAIN needs PostgreSQL 17" in refusals) is (major < 17)
    assert ("needs PostgreSQL 16" in refusals) is (major < 16)


@pytest.mark.parametrize("name", UNUSUAL_NAMES)
def test_names_of_objects_columns_and_types_are_taken_literally(name: str, cellar: Access) -> None:
    cellar.apply()
    quoted = name.replace('"', '""')
    with cellar.database.cluster.connect_as_superuser(cellar.database.name) as connection:
        connection.run(cellar.filled("SET ROLE {owner}"))
        connection.run(f'CREATE TABLE cellar."{quoted}" ("{quoted}" int, other int)')
        connection.run(f'CREATE SEQUENCE cellar."{quoted[:20]} s"' if '"' not in name else "SELECT 1")
        connection.run(f'CREATE DOMAIN cellar."{quoted}!" AS int')
        connection.run(f'CREATE FUNCTION cellar."{quoted}"(a int) RETURNS int LANGUAGE sql AS $f$SELECT 1$f$')
    cellar.raw["roles"][cellar.role("auditor")] = {
        "comment": name,
        "grants": [
            on("tables", "SELECT", names=[name], columns=[name, "missing" + name[:9]]),
            on("types", "USAGE", names=[name + "!"]),
            on("routines", "EXECUTE", names=[name + "(int)"]),
        ],
    }
    assert cellar.apply().statements
    assert cellar.plan().statements == ()
    granted = (
        "SELECT has_column_privilege('{auditor}', attrelid, attnum, 'SELECT'), attname::text FROM pg_attribute"
        " JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = '{schema}'::regnamespace AND relkind = 'r'"
        " AND attnum > 0 ORDER BY attnum"
    )
    assert cellar.as_superuser(granted) == [[True, name], [False, "other"]]
    cellar.raw["roles"][cellar.role("auditor")] = {}
    assert cellar.apply().statements
    assert cellar.plan().statements == ()


@pytest.mark.parametrize(
    ("written", "name", "types"),
    [
        ("pour(INTEGER)", "pour", ["integer"]),
        ("pour ( Int4 ,  VARCHAR(20)[] )", "pour", ["integer", "character varying[]"]),
        ("pour()", "pour", []),
        ("pour(numeric(10,2), dec, float, Double  Precision)", "pour", [*["numeric"] * 2, *["double precision"] * 2]),
        ("pour(timestamp(3) with time zone, timestamptz)", "pour", ["timestamp with time zone"] * 2),
        ('pour(a integer, IN "b, (c" text, VARIADIC rest text[], OUT d int)', "pour", ["integer", "text", "text[]"]),
        ("pour(cellar.colour, Cellar.Colour[])", "pour", ["cellar.colour", "cellar.colour[]"]),
        ("pour(x", "pour(x", None),
        ("pour(x)(int)", "pour(x)", ["integer"]),
        ("Pour(INT)", "Pour", ["integer"]),
        ("pour", "pour", None),
    ],
)
def test_signatures_are_resolved_by_postgresql(
    written: str, name: str, types: list[str] | None, settled: Access
) -> None:
    with settled.master() as master:
        signatures = resolve_signatures(catalog_reader(master), [written], ["text"])
    assert signatures.mean(written, name, tuple(types or ()))
    assert signatures.unknown == {}
    if types is not None:
        assert not signatures.mean(written, name, (*types, "text"))
        assert not signatures.mean(written, name.swapcase(), tuple(types))


def test_every_type_of_postgresql_is_resolved_in_its_spellings(settled: Access) -> None:
    with settled.master() as master:
        known = "SELECT quote_ident(typname), format_type(oid, NULL) FROM pg_type WHERE typtype IN ('b', 'r', 'm', 'p')"
        known += " AND typnamespace = 'pg_catalog'::regnamespace"
        rows = master.run(known) or []
        written = {f"f({spelled})": printed for names, printed in rows for spelled in {names, printed, printed.upper()}}
        written = {one: printed for one, printed in written.items() if one == one.lower() or '"' not in one}
        assert len(written) > 300
        signatures = resolve_signatures(catalog_reader(master), written, [])
    assert [one for one, printed in written.items() if not signatures.mean(one, "f", (printed,))] == []


NO_TYPES = ("intger", "colour", "nowhere.colour", "int)", "int,", '"int', "'; SELECT 1; --")


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("twice", "'twice' could be any of twice(integer), twice(text); write out which is meant."),
        ("twice(bigint)", "'twice(bigint)' in schema 'cellar' yet, only twice(integer) and twice(text); the"),
        *((f"twice(int, {unknown})", "is not a type of PostgreSQL; correct it") for unknown in NO_TYPES),
    ],
)
def test_a_name_that_means_several_routines_or_none_is_refused_or_reported(
    written: str, reason: str, settled: Access
) -> None:
    document = settled.raw | {"public": {"grants": [on("routines", "EXECUTE", names=[written])]}}
    with settled.master() as master:
        planned = make_plan(master, parse_document(document))
    assert reason in "\n".join(planned.unmanaged if "yet" in reason else planned.refusals)


def test_types_in_a_schema_that_the_master_cannot_use_are_resolved(cellar: Access) -> None:
    cellar.as_superuser("CREATE SCHEMA styles", "CREATE DOMAIN styles.style AS text")
    with cellar.master() as master:
        assert master.run("SELECT has_schema_privilege('styles', 'USAGE')") == [[False]]
        signatures = resolve_signatures(
            catalog_reader(master), ["f(x Styles.STYLE, styles . style[], styles.none)"], []
        )
        assert signatures.unknown == {"f(x Styles.STYLE, styles . style[], styles.none)": "styles.none"}
        signatures = resolve_signatures(catalog_reader(master), ["f(x Styles.STYLE, styles . style[])"], [])
        assert signatures.mean("f(x Styles.STYLE, styles . style[])", "f", ("styles.style", "styles.style[]"))


@pytest.mark.parametrize("is_declared", [True, False])
@pytest.mark.parametrize("option", ["", " WITH GRANT OPTION"])
def test_routines_with_types_of_other_schemas_are_changed(option: str, is_declared: bool, cellar: Access) -> None:
    """A statement that names such a routine needs USAGE on the schemas of its arguments' types."""
    cellar.raw["roles"][cellar.role("auditor")] = {}
    if is_declared:
        cellar.raw["schemas"]["styles"] = {"owner": cellar.role("auditor")}
    else:
        cellar.as_superuser("CREATE ROLE {auditor}", "GRANT {auditor} TO {master} WITH ADMIN OPTION")
        cellar.as_superuser("CREATE SCHEMA styles AUTHORIZATION {auditor}")
    cellar.apply()
    cellar.as_superuser(
        "CREATE DOMAIN styles.style AS text",
        "CREATE TYPE styles.pair AS (a int, b int)",
        "CREATE FUNCTION {schema}.find(a styles.style) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE PROCEDURE {schema}.store(a int, b styles.pair[]) LANGUAGE sql AS 'SELECT 1'",
        "CREATE AGGREGATE {schema}.sum(styles.pair) (SFUNC = array_append, STYPE = styles.pair[])",
        "ALTER ROUTINE {schema}.find OWNER TO {owner}",
        "ALTER ROUTINE {schema}.store OWNER TO {owner}",
        "ALTER ROUTINE {schema}.sum(styles.pair) OWNER TO {owner}",
        "CREATE ROLE {stranger}",
        "GRANT EXECUTE ON ALL ROUTINES IN SCHEMA {schema} TO {stranger}" + option,
    )
    cellar.raw["roles"][cellar.role("writer")]["grants"] = [on("routines", "EXECUTE", names=["find(styles.style)"])]
    cellar.apply()
    assert cellar.plan().statements == ()
    may = "SELECT bool_or(has_function_privilege('{stranger}', oid, 'EXECUTE')) FROM pg_proc WHERE proowner = "
    assert cellar.as_superuser(may + "'{owner}'::regrole") == [[False]]


def test_a_schema_that_a_statement_needs_and_the_master_cannot_use_is_refused(cellar: Access) -> None:
    cellar.apply()
    cellar.as_superuser(
        "CREATE SCHEMA styles",
        "CREATE DOMAIN styles.style AS text",
        "CREATE FUNCTION {schema}.find(a styles.style) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER ROUTINE {schema}.find OWNER TO {owner}",
    )
    (refusal,) = cellar.plan().refusals
    assert f'GRANT USAGE ON SCHEMA "styles" TO "{cellar.database.master}"' in refusal
    cellar.as_superuser("GRANT USAGE ON SCHEMA styles TO {master}")
    cellar.apply()
    assert cellar.plan().statements == ()


CALLING = {
    "view": "CREATE VIEW {schema}.view AS SELECT {schema}.f(1)",
    "ruled": "CREATE TABLE {schema}.ruled (id int); CREATE POLICY p ON {schema}.ruled USING ({schema}.f(id) = 1);"
    " ALTER TABLE {schema}.ruled ENABLE ROW LEVEL SECURITY",
    "default": "CREATE TABLE {schema}.default (id int DEFAULT {schema}.f(1))",
    "checked": "CREATE TABLE {schema}.checked (id int CHECK ({schema}.f(id) = 1))",
    "indexed": "CREATE TABLE {schema}.indexed (id int); CREATE INDEX ON {schema}.indexed ({schema}.f(id))",
}


@pytest.mark.parametrize("relation", CALLING)
def test_relations_whose_users_cannot_execute_their_functions_are_reported(relation: str, cellar: Access) -> None:
    cellar.apply()
    function = "CREATE FUNCTION {schema}.f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'"
    cellar.as_superuser(
        "SET ROLE {owner}; " + function + "; " + CALLING[relation].replace("{schema}.default", '{schema}."default"')
    )
    is_read = relation in {"view", "ruled"}
    auditor = cellar.raw["roles"][cellar.role("auditor")] = {
        "grants": [on("tables", "SELECT" if is_read else "INSERT", names=[relation])]
    }
    expected = {cellar.role("auditor")} | ({cellar.role("reader")} if is_read else set())

    def reported() -> set[str]:
        return {
            note.split("'")[1] for note in cellar.plan().unmanaged if f"cellar.{relation} calls cellar.f(int" in note
        }

    assert reported() == expected
    auditor["grants"].append(on("routines", "EXECUTE", names=["f(int)"]))
    assert reported() == expected - {cellar.role("auditor")}
    cellar.raw["public"] = {"grants": [on("routines", "EXECUTE")]}
    assert reported() == set()


def test_temporary_tables_with_types_that_a_role_cannot_use_are_reported(cellar: Access) -> None:
    cellar.apply()
    cellar.as_superuser(*CONTENTS)
    writer = cellar.raw["roles"][cellar.role("writer")]
    note = cellar.filled("'{writer}' can create temporary tables, but not with the types of schema 'cellar'")
    assert not any(note in each for each in cellar.plan().unmanaged)
    writer["grants"] = [on("database", "TEMPORARY")]
    assert any(note in each for each in cellar.plan().unmanaged)
    writer["grants"].append(on("types", "USAGE"))
    assert not any(note in each for each in cellar.plan().unmanaged)


# A difference between the two login roles of a pair, and the plan's sentence on it.
OF_ONE_LOGIN_ROLE = {
    "SET SESSION AUTHORIZATION {app_a}; SELECT lo_create(4713)": "1 large object(s), which '{app}' cannot use while it"
    ' logs in as \'{app_b}\'; run: GRANT "{app_a}", "{app}" TO CURRENT_USER; REASSIGN OWNED BY "{app_a}" TO "{app}";',
    "CREATE SCHEMA theirs AUTHORIZATION {app_b}": "'{app_b}' has 1 schema(s), which '{app}' cannot use while it",
    "CREATE POLICY p ON {schema}.wine TO {app_a} USING (true)": "1 policy(s), which",
    "CREATE USER MAPPING FOR {app_b} SERVER s": "has 1 user mapping(s), which '{app}' cannot use while it logs in as"
    " '{app_a}'; create the same for '{app_a}'.",
    "CREATE USER MAPPING FOR {app} SERVER s": "'{app}' has a user mapping, but logs in as '{app_a}' and '{app_b}'",
    "SET SESSION AUTHORIZATION {app_a}; BEGIN; SELECT 1; PREPARE TRANSACTION '{app}'": "1 prepared transaction(s)",
    "CREATE POLICY p ON {schema}.wine USING (name = current_user)": "who is '{app_a}' or '{app_b}' when '{app}' logs"
    " in, so a rotation changes the rows that it can use; declare the role that it acts_as",
    "CREATE POLICY p ON {schema}.wine FOR INSERT TO {writer} WITH CHECK (EXISTS (SELECT 1 WHERE user = 'a'))": "who is",
    "CREATE POLICY p ON {schema}.wine USING (name = session_user)": "who is '{app_a}' or '{app_b}' when",
}
OF_NO_LOGIN_ROLE = [
    "CREATE POLICY p ON {schema}.wine TO {app_a}, {app_b} USING (name = current_catalog)",
    "CREATE POLICY p ON {schema}.wine TO {reader} USING (name = current_user)",
    "CREATE USER MAPPING FOR {app_a} SERVER s; CREATE USER MAPPING FOR {app_b} SERVER s",
    "SET SESSION AUTHORIZATION {app_a}; CREATE TEMPORARY TABLE mine (id int)",
]


def test_what_belongs_to_one_login_role_of_a_pair_is_reported(cellar: Access) -> None:
    cellar.apply()
    cellar.as_superuser(*CONTENTS)
    cellar.apply()
    cellar.as_superuser(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w",
        "GRANT TEMPORARY ON DATABASE {database} TO {app_a}",
    )
    cellar.raw["unlisted"] = "report"
    before = set(cellar.plan().unmanaged)
    found = {}
    for made in (*OF_ONE_LOGIN_ROLE, *OF_NO_LOGIN_ROLE):
        with cellar.database.cluster.connect_as_superuser(cellar.database.name) as connection:
            for statement in cellar.filled(made).split("; "):
                connection.run(statement)
            planned = cellar.plan()
            found[made] = " ".join(set(planned.unmanaged) - before)
        assert planned.statements == ()
        cellar.as_superuser(
            "DROP POLICY IF EXISTS p ON {schema}.wine",
            *(f"DROP USER MAPPING IF EXISTS FOR {{{name}}} SERVER s" for name in ("app", "app_a", "app_b")),
            "DROP SCHEMA IF EXISTS theirs",
            "SELECT lo_unlink(oid) FROM pg_largeobject_metadata",
        )
        if "PREPARE" in made:
            cellar.as_superuser("ROLLBACK PREPARED '{app}'")
    for made, expected in OF_ONE_LOGIN_ROLE.items():
        assert cellar.filled(expected) in found[made], made
    assert [found[made] for made in OF_NO_LOGIN_ROLE] == ["", "", "", ""]
    cellar.as_superuser("SET SESSION AUTHORIZATION {app_b}; SELECT lo_create(4714); RESET SESSION AUTHORIZATION")
    del cellar.raw["logins"][cellar.role("app")]
    cellar.raw["unlisted"] = "revoke"
    (note,) = [note for note in cellar.apply().unmanaged if note.startswith(f"Role {cellar.role('app_b')!r}")]
    assert "it has lost its access, except for its 1 large object(s), and still exists" in note


# Every class of objects that has an owner and is in a schema; then what follows its table.
OWNED = [
    *(f"CREATE {kind}" for kind in ("TABLE {0}.t (id serial, n int GENERATED ALWAYS AS IDENTITY)", "SEQUENCE {0}.s")),
    "CREATE TABLE {0}.p (id int) PARTITION BY RANGE (id)",
    "CREATE TABLE {0}.p1 PARTITION OF {0}.p FOR VALUES FROM (1) TO (2)",
    "CREATE VIEW {0}.v AS SELECT 1 AS id",
    "CREATE MATERIALIZED VIEW {0}.m AS SELECT 1 AS id",
    "CREATE FOREIGN TABLE {0}.ft (id int) SERVER far",
    "CREATE FUNCTION {0}.f(a int DEFAULT 1, VARIADIC text[] DEFAULT ARRAY['']) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION {0}.definer() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'",
    "CREATE PROCEDURE {0}.pr(a int, OUT b int) LANGUAGE plpgsql AS 'BEGIN b := 1; END'",
    "CREATE AGGREGATE {0}.a(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0')",
    "CREATE TYPE {0}.e AS ENUM ('a')",
    "CREATE DOMAIN {0}.d AS int",
    "CREATE TYPE {0}.c AS (id int)",
    "CREATE TYPE {0}.r AS RANGE (SUBTYPE = int)",
    "CREATE COLLATION {0}.\"C o\" (LOCALE = 'C')",
    "CREATE FUNCTION {0}.same(styles.style, styles.style) RETURNS bool LANGUAGE sql AS 'SELECT true'",
    "CREATE OPERATOR {0}.=== (LEFTARG = styles.style, RIGHTARG = styles.style, FUNCTION = {0}.same)",
    "CREATE STATISTICS {0}.st ON id, n FROM {0}.t",
    "CREATE TEXT SEARCH DICTIONARY {0}.di (TEMPLATE = simple)",
    "CREATE CONVERSION {0}.cv FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1",
    "CREATE TEXT SEARCH CONFIGURATION {0}.co (PARSER = default)",
]
OTHER_OWNERS = (
    "SELECT pg_describe_object(classid, objid, 0) FROM pg_shdepend s WHERE deptype = 'o' AND refobjid = '{0}'::regrole"
    " AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND classid NOT IN ('pg_default_acl'::regclass, 'pg_extension'::regclass) ORDER BY 1"
)


@pytest.mark.parametrize("former", ["master", "auditor", "stranger"])
def test_the_owner_of_a_schema_adopts_objects_of_every_class(former: str, cellar: Access) -> None:
    """The former owner is the master, a declared role, or another one that the master administers."""
    cellar.raw["roles"][cellar.role("auditor")] = {}
    cellar.apply()
    cellar.as_superuser("CREATE ROLE {stranger}", "GRANT {stranger} TO {master} WITH ADMIN OPTION")
    role = cellar.filled(f"{{{former}}}")
    cellar.as_superuser(
        "CREATE FOREIGN DATA WRAPPER dummy",
        "CREATE SERVER far FOREIGN DATA WRAPPER dummy",
        f"GRANT USAGE ON FOREIGN SERVER far TO {role}, {{owner}}",
        "CREATE SCHEMA styles",
        "CREATE DOMAIN styles.style AS text",
        f"GRANT USAGE ON SCHEMA styles TO {role}, {{master}}",
        f"GRANT CREATE, USAGE ON SCHEMA {{schema}} TO {role}",
        f"CREATE SCHEMA elsewhere AUTHORIZATION {role}",
        *(f"SET ROLE {role}; {each.format('{schema}')}" for each in OWNED),
        f"SET ROLE {role}; CREATE TABLE elsewhere.t (id int)",
        MAKING["aggregate"].format("{schema}.o"),
        f"ALTER AGGREGATE {{schema}}.o(float8 ORDER BY anyelement) OWNER TO {role}",
        "CREATE OPERATOR CLASS {schema}.oc FOR TYPE int USING btree AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int, int)",
        f"ALTER OPERATOR CLASS {{schema}}.oc USING btree OWNER TO {role}",
        f"ALTER OPERATOR FAMILY {{schema}}.oc USING btree OWNER TO {role}",
    )
    (note,) = [note for note in cellar.plan().unmanaged if "so the schema's owner" in note]
    assert f"type(s) in schema 'cellar' belong to {role!r}" in note
    cellar.raw["schemas"][cellar.schema]["adopt"] = [role]
    adopting = [step for step in cellar.plan().statements if " OWNER TO " in step.sql]
    assert [step.sql for step in adopting if "RUNS WITH THE RIGHTS OF" in step.reason] == [
        cellar.filled('ALTER ROUTINE {schema}.definer() OWNER TO "{owner}"')
    ]
    cellar.apply()
    kept = cellar.as_superuser(OTHER_OWNERS.format(role))
    assert [what for (what,) in kept if "elsewhere" not in what] == []
    assert len(kept) == 2
    assert cellar.plan().statements == ()
    assert cellar.as_superuser("SELECT has_table_privilege('{reader}', '{schema}.t', 'SELECT')") == [[True]]


def test_objects_of_a_superuser_cannot_be_adopted(cellar: Access) -> None:
    cellar.apply()
    cellar.as_superuser("CREATE TABLE {schema}.theirs (id int)")
    cellar.raw["schemas"][cellar.schema]["adopt"] = ["rdsadmin"]
    (refusal,) = cellar.plan().refusals
    assert "adopt: " in refusal
    assert "cannot act as 'rdsadmin', who owns 1 object(s) there; no customer of RDS can, or remove it" in refusal
