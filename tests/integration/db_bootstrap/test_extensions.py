"""Extensions exist in the declared schema."""

import pytest

from db_bootstrap.errors import UnmanageableError
from tests.support.access import UNUSUAL_NAMES, Access, on

pytestmark = [pytest.mark.database, pytest.mark.each_major]


def where(cellar: Access) -> dict[str, str]:
    return dict(cellar.as_superuser("SELECT extname::text, extnamespace::regnamespace::text FROM pg_extension"))


def test_an_extension_in_another_schema_is_moved_or_reported(cellar: Access) -> None:
    cellar.raw["extensions"] = {"pgcrypto": {"schema": "public"}}
    cellar.apply()
    cellar.raw["extensions"] = {"pgcrypto": {"schema": cellar.schema}}
    planned = cellar.plan()
    assert planned.statements == (), "its functions are the superuser's"
    assert any("'pgcrypto' is in schema 'public', not in 'cellar' as declared" in note for note in planned.unmanaged)
    of_master = "(SELECT oid FROM pg_roles WHERE rolname = '{master}')"
    cellar.as_superuser(f"UPDATE pg_proc SET proowner = {of_master} WHERE pronamespace = 'public'::regnamespace")
    assert [step.sql for step in cellar.plan().statements if "EXTENSION" in step.sql]
    cellar.apply()
    assert where(cellar)["pgcrypto"] == cellar.schema
    assert cellar.plan().statements == ()
    cellar.raw["extensions"] = {"plpgsql": {"schema": cellar.schema}}
    planned = cellar.plan()
    assert planned.statements == ()
    assert any("'plpgsql' is in schema 'pg_catalog', not in 'cellar' as declared" in note for note in planned.unmanaged)


def test_required_extensions_come_first_and_missing_ones_are_named(cellar: Access) -> None:
    cellar.raw["extensions"] = {"earthdistance": {}}
    with pytest.raises(UnmanageableError, match=r"extensions\['earthdistance'\]: it needs 'cube'; add that"):
        cellar.apply()
    cellar.raw["extensions"]["cube"] = {}
    # Without a superuser it is RDS that may create earthdistance.
    created = [step.sql for step in cellar.plan().statements if step.sql.startswith("CREATE EXTENSION")]
    assert created == ['CREATE EXTENSION "cube" SCHEMA "public"', 'CREATE EXTENSION "earthdistance" SCHEMA "public"']


@pytest.mark.parametrize("name", [*UNUSUAL_NAMES[:6], pytest.param("no_such_extension", id="no such extension")])
def test_an_extension_that_the_server_does_not_offer_is_refused(name: str, cellar: Access) -> None:
    cellar.raw["extensions"] = {name: {}}
    with pytest.raises(UnmanageableError, match="this server does not offer an extension of this name"):
        cellar.apply()


def test_objects_of_an_extension_that_a_document_names_and_the_master_owns_are_judged(cellar: Access) -> None:
    cellar.apply()
    objects = {
        "TABLE": "{schema}.config",
        "SEQUENCE": "{schema}.config_id",
        "TYPE": "{schema}.state",
        "FUNCTION": "{schema}.run(int)",
        "VIEW": "{schema}.other",
    }
    cellar.as_superuser(
        "CREATE EXTENSION pgcrypto SCHEMA {schema}",
        "CREATE TABLE {schema}.config (id int, name text)",
        "CREATE SEQUENCE {schema}.config_id",
        "CREATE TYPE {schema}.state AS ENUM ('a')",
        "CREATE FUNCTION {schema}.run(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE VIEW {schema}.other AS SELECT 1",
        *(f"ALTER {kind} {name} OWNER TO {{master}}" for kind, name in objects.items()),
        *(f"ALTER EXTENSION pgcrypto ADD {kind} {name}" for kind, name in objects.items()),
    )
    cellar.raw["roles"][cellar.role("auditor")] = {
        "grants": [
            on("tables", "DELETE", names=["config"]),
            on("sequences", "UPDATE", names=["config_id"]),
            on("types", "USAGE", names=["state"]),
            on("routines", "EXECUTE", names=["run(int)"]),
            on("tables", "UPDATE", names=["config"], columns=["name"]),
        ]
    }
    cellar.apply()
    may = (
        "SELECT has_table_privilege('{auditor}', '{schema}.config', 'DELETE'),"
        " has_column_privilege('{auditor}', '{schema}.config', 'name', 'UPDATE'),"
        " has_sequence_privilege('{auditor}', '{schema}.config_id', 'UPDATE'),"
        " has_type_privilege('{auditor}', '{schema}.state', 'USAGE'),"
        " has_function_privilege('{auditor}', '{schema}.run(int)', 'EXECUTE'),"
        " has_table_privilege('{reader}', '{schema}.other', 'SELECT')"
    )
    assert cellar.as_superuser(may) == [[True] * 5 + [False]], "what is not named is left alone"
    assert cellar.plan().statements == ()
    cellar.as_superuser("REVOKE DELETE ON {schema}.config FROM {auditor}", "GRANT INSERT ON {schema}.config TO PUBLIC")
    assert len([step for step in cellar.plan().statements if '"config"' in step.sql]) == 2
    assert any("belong to an extension and are left alone; name one" in note for note in cellar.plan().unmanaged)


def test_an_extension_without_a_schema_is_created_in_public(cellar: Access) -> None:
    cellar.raw["extensions"] = {"citext": {}, "cube": {"schema": cellar.schema}, "plpgsql": {}}
    cellar.apply()
    assert where(cellar) == {"plpgsql": "pg_catalog", "citext": "public", "cube": cellar.schema}
    assert cellar.plan().statements == ()
    cellar.raw["extensions"] = {"pgcrypto": {}, "hstore": {"schema": "nowhere"}}
    assert [step for step in cellar.plan().statements if step.sql.startswith("DROP")] == []
    assert any("there is no schema 'nowhere'" in reason for reason in cellar.plan().refusals)
    cellar.as_superuser("DROP SCHEMA public CASCADE")
    (refusal,) = [reason for reason in cellar.plan().refusals if "pgcrypto" in reason]
    assert "the schema 'public' does not exist; name the extension's schema" in refusal
