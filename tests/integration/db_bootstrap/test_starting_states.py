"""States of a database that an apply once stumbled over; most were found by test_property.py."""

from typing import Any

import pytest

from db_bootstrap.errors import UnmanageableError
from tests.support.access import Access

pytestmark = [pytest.mark.database, pytest.mark.each_major(also=15)]

WINE = "CREATE TABLE {schema}.wine (id int)"


def test_the_schema_public_is_taken_over_from_the_database_owner(cellar: Access) -> None:
    cellar.raw["schemas"]["public"] = {"owner": cellar.role("owner")}
    if cellar.database.cluster.major < 15:
        cellar.as_superuser("ALTER SCHEMA public OWNER TO {master}")
    cellar.apply()
    assert cellar.plan().statements == ()
    assert cellar.as_superuser("SELECT has_schema_privilege('{reader}', 'public', 'USAGE')") == [[False]]


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
    [(section, declared)] = change.items()
    cellar.raw[section][cellar.database.master] = declared
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
