"""States of a database that an apply once stumbled over; most were found by test_property.py."""

from typing import Any

import pytest

from db_bootstrap.errors import UnmanageableError
from tests.support.access import Access

pytestmark = [pytest.mark.database, pytest.mark.each_major]

ORDERED_SET = (
    "CREATE AGGREGATE {schema}.middle(float8 ORDER BY anyelement)"
    " (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA)"
)
WINE = "CREATE TABLE {schema}.wine (id int)"

# What was done by the superuser and by the master after a first apply, a question, and its answer after the next.
STATES = [
    pytest.param(
        ("GRANT USAGE ON SCHEMA {schema} TO {owner}", "ALTER SCHEMA {schema} OWNER TO {master}"),
        ("GRANT USAGE ON SCHEMA {schema} TO {owner}",),
        "has_schema_privilege('{owner}', '{schema}', 'USAGE, CREATE')",
        id="the new owner of a schema could use it before, and still can",
    ),
    pytest.param(
        (WINE, "ALTER TABLE {schema}.wine OWNER TO {master}"),
        (),
        "has_table_privilege('{writer}', '{schema}.wine', 'INSERT')",
        id="a table of the master's in a schema that the master may not use",
    ),
    pytest.param(
        (ORDERED_SET, "ALTER AGGREGATE {schema}.middle(float8 ORDER BY anyelement) OWNER TO {owner}"),
        (),
        "has_function_privilege('{writer}', '{schema}.middle(float8, anyelement)', 'EXECUTE')"
        " AND NOT has_function_privilege('{reader}', '{schema}.middle(float8, anyelement)', 'EXECUTE')",
        id="an aggregate of an ordered set",
    ),
    pytest.param(
        ("DROP SCHEMA {schema}", "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT CREATE ON SCHEMAS TO PUBLIC"),
        (),
        "NOT has_schema_privilege('{reader}', '{schema}', 'CREATE')",
        id="default privileges on schemas to come",
    ),
    pytest.param(
        ("SET SESSION AUTHORIZATION {master}; CREATE ROLE {stranger}", "ALTER SCHEMA {schema} OWNER TO {stranger}"),
        (),
        "pg_get_userbyid(nspowner) = '{owner}' AND NOT pg_has_role('{master}', '{stranger}', 'USAGE')"
        " FROM pg_namespace WHERE nspname = '{schema}'",
        id="a schema of a role that only the master knows",
    ),
    *(
        pytest.param(
            (
                "CREATE TABLE IF NOT EXISTS {schema}.wine (id int); ALTER TABLE {schema}.wine OWNER TO {owner}",
                f"GRANT {target} TO {{app}} WITH GRANT OPTION; SET ROLE {{app}}; GRANT {target} TO PUBLIC, {{reader}}",
            ),
            (),
            "count(*) = 0 FROM pg_class WHERE relname = 'wine' AND relacl::text LIKE '%*%'",
            id=f"a grant option on {target} that was passed on",
        )
        for target in ("UPDATE ON {schema}.wine", "USAGE ON SCHEMA {schema}", "CONNECT ON DATABASE {database}")
    ),
    pytest.param(
        (
            "SET ROLE {master}; GRANT {owner} TO {writer} WITH ADMIN OPTION; REVOKE {writer} FROM {app}",
            "SET ROLE {writer}; GRANT {owner} TO {app_b}",
        ),
        (),
        "NOT pg_has_role('{app_b}', '{owner}', 'MEMBER')",
        id="an admin option that was passed on",
    ),
    pytest.param(
        ("ALTER ROLE {app_a} SET timezone TO 'UTC'",),
        (),
        "NOT EXISTS (SELECT FROM pg_db_role_setting WHERE setconfig::text ILIKE '%TimeZone=UTC%'"
        " AND setrole = '{app_a}'::regrole)",
        id="a setting whose name has capitals",
    ),
    pytest.param(
        (WINE, "ALTER TABLE {schema}.wine OWNER TO {owner}"),
        ("GRANT {owner} TO {writer}", "GRANT {writer} TO {master}"),
        "NOT pg_has_role('{writer}', '{owner}', 'MEMBER') AND pg_has_role('{master}', '{writer}', 'MEMBER')",
        id="a master whose rights come through a membership that has to go",
    ),
    pytest.param(
        (
            *(WINE, "ALTER TABLE {schema}.wine OWNER TO {report}", "ALTER SCHEMA {schema} OWNER TO {writer}"),
            *("GRANT SELECT ON {schema}.wine TO {owner}, {writer}, {master} WITH GRANT OPTION",),
        ),
        ("GRANT {writer} TO {master}",),
        "NOT has_table_privilege('{writer}', '{schema}.wine', 'SELECT WITH GRANT OPTION')"
        " AND NOT has_schema_privilege('{report}', '{schema}', 'CREATE')",
        id="grant options of roles that the master acts as, on another owner's table",
    ),
]


@pytest.mark.parametrize(("by_superuser", "by_master", "question"), STATES)
def test_it_becomes_what_the_document_says(
    by_superuser: tuple[str, ...], by_master: tuple[str, ...], question: str, cellar: Access
) -> None:
    cellar.apply()
    with cellar.master() as master:
        cellar.as_superuser(*by_superuser)
        for statement in by_master:
            master.run(cellar.filled(statement))
    cellar.apply()
    assert cellar.plan().statements == ()
    assert cellar.as_superuser(f"SELECT {question}") == [[True]]


def test_a_schema_passes_on_from_an_owner_that_is_declared_no_more(cellar: Access) -> None:
    cellar.apply()
    cellar.raw["roles"][cellar.role("new")] = {}
    cellar.raw["schemas"][cellar.schema]["owner"] = cellar.role("new")
    cellar.raw["logins"][cellar.role("migrator")]["acts_as"] = cellar.role("new")
    del cellar.raw["roles"][cellar.role("owner")]
    cellar.apply()
    assert cellar.plan().statements == ()


def test_the_schema_public_is_taken_over_from_the_database_owner(cellar: Access) -> None:
    cellar.raw["schemas"]["public"] = {"owner": cellar.role("owner")}
    if cellar.database.cluster.major < 15:
        cellar.as_superuser("ALTER SCHEMA public OWNER TO {master}")
    cellar.apply()
    assert cellar.plan().statements == ()
    assert cellar.as_superuser("SELECT has_schema_privilege('{reader}', 'public', 'USAGE')") == [[False]]


def test_an_owner_has_its_preset_on_objects_of_other_owners_in_its_schema(cellar: Access) -> None:
    cellar.raw["roles"][cellar.role("owner")] = {"schemas": {cellar.schema: "write"}}
    cellar.apply()
    cellar.as_superuser(WINE, "ALTER TABLE {schema}.wine OWNER TO {master}")
    cellar.apply()
    assert cellar.plan().statements == ()
    allowed = (
        "SELECT has_table_privilege('{owner}', '{schema}.wine', privilege) FROM unnest(ARRAY['SELECT', 'TRUNCATE'])"
    )
    assert cellar.as_superuser(f"{allowed} AS privilege") == [[True], [False]]


def test_a_login_that_owns_the_database_needs_no_right_to_connect(cellar: Access) -> None:
    cellar.apply()
    with cellar.master() as master:
        master.run(cellar.filled("GRANT {app} TO {master}"))
        master.run(cellar.filled("ALTER DATABASE {database} OWNER TO {app}"))
    cellar.apply()
    assert cellar.plan().statements == ()
    with cellar.login("app_a") as session:
        session.run("SELECT 1")


@pytest.mark.parametrize("change", [{"roles": {}}, {"logins": {"credential": "iam"}}])
def test_a_document_that_names_the_master_itself_is_refused(change: dict[str, Any], cellar: Access) -> None:
    [(section, said)] = change.items()
    cellar.raw[section][cellar.database.master] = said
    with pytest.raises(UnmanageableError, match="is the one that applies the document"):
        cellar.apply()


def test_access_entries_of_a_dropped_role_are_reported_and_the_rest_is_applied(cellar: Access) -> None:
    """A race between GRANT and DROP ROLE, or a restore, leaves them; no statement can revoke them."""
    cellar.apply()
    cellar.as_superuser(
        "CREATE ROLE {stranger}",
        f"{WINE}; ALTER TABLE {{schema}}.wine OWNER TO {{owner}}; GRANT SELECT (id) ON {{schema}}.wine TO {{stranger}}",
        "GRANT USAGE ON SCHEMA {schema} TO {stranger}; GRANT SELECT ON {schema}.wine TO {stranger}",
        "GRANT CONNECT ON DATABASE {database} TO {stranger}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT SELECT ON TABLES TO {stranger}",
        "ALTER ROLE {writer} LOGIN",
        "DELETE FROM pg_shdepend WHERE refobjid = '{stranger}'::regrole; DROP ROLE {stranger}",
    )
    planned = cellar.plan()
    assert not any("unknown (OID=" in step.sql for step in planned.statements)
    assert sum("unknown (OID=" in note for note in planned.unmanaged) >= 4
    cellar.apply()
    assert cellar.plan().statements == ()


@pytest.mark.parametrize("granted", ["login", "role", "owner", "public", "database"])
def test_a_rotated_login_that_would_create_objects_as_one_login_role_is_refused(granted: str, cellar: Access) -> None:
    own = {"schemas": {cellar.schema: "own"}}
    match granted:
        case "login":
            cellar.raw["logins"][cellar.role("app")] |= own
        case "role":
            cellar.raw["roles"][cellar.role("writer")] |= own
        case "owner":
            cellar.raw["logins"][cellar.role("app")]["member_of"] = [cellar.role("owner")]
        case "database":
            cellar.raw["logins"][cellar.role("app")]["grants"] = [{"on": "database", "privileges": ["CREATE"]}]
        case _:
            cellar.raw["public"] = own
    with pytest.raises(UnmanageableError, match=r"app'\].acts_as: it can create objects"):
        cellar.apply()
    cellar.raw["logins"][cellar.role("app")]["acts_as"] = cellar.role("owner")
    cellar.apply()
