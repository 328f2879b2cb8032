"""Migrations: privileges, idempotence, concurrency."""

import json
import logging
import socket
import subprocess
from collections.abc import Callable

import pg8000.native
import pytest
from flask import Flask

from app.database.migrate import MigrationError, known_revisions, migrate
from app.settings import Settings
from devtools.checkout import CHECKOUT
from tests.support.catalogue_database import CatalogueDatabase
from tests.support.database import Database
from tests.support.served import MIGRATE, environment, run

pytestmark = pytest.mark.database

HEAD = known_revisions()[-1]


def test_migrated_tables_belong_to_the_schemas_owner(bare: CatalogueDatabase) -> None:
    assert migrate(bare.injected(bare.migrator)) == (None, HEAD)
    owners = bare.admin(
        "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'beers'::regnamespace"
    )
    assert owners == [[bare.owner]]


def test_concurrent_migrations_run_once(bare: CatalogueDatabase) -> None:
    variables = environment(DATABASE_URL=bare.url(bare.migrator))
    running = [
        subprocess.Popen(
            MIGRATE, env=variables, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(8)
    ]
    ended = [(process.communicate(timeout=600), process.returncode) for process in running]
    assert [status for _, status in ended] == [0] * 8, ended
    last_lines = [json.loads(output.splitlines()[-1]) for (output, _), _ in ended]
    assert sorted(str(line["before"]) for line in last_lines) == [HEAD] * 7 + ["None"]
    for spelling in bare.spellings_of_the_password():
        assert spelling not in str(ended)


def test_a_missing_schema_is_created_by_the_databases_owner(database: Database) -> None:
    assert migrate(Settings(database_url=database.url())) == (None, HEAD)


def test_the_services_login_cannot_migrate(bare: CatalogueDatabase) -> None:
    with pytest.raises(MigrationError, match="Run it as the owner of schema beers"):
        migrate(bare.settings(bare.app))
    assert bare.admin("SELECT relname FROM pg_class WHERE relnamespace = 'beers'::regnamespace") == []


def test_a_migration_that_waits_too_long_for_the_advisory_lock_names_the_remedy(
    bare: CatalogueDatabase, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("app.database.migrate.ADVISORY_LOCK_TIMEOUT_SECONDS", 1)
    caplog.set_level(logging.INFO)
    with bare.cluster.connect_as_superuser(bare.database.name) as other:
        ((pid, _),) = other.run("SELECT pg_backend_pid(), pg_advisory_lock(:key)", key=0x746170726F6F6D)
        with pytest.raises(MigrationError, match=f"Another migration has been running .* process {pid} of "):
            migrate(bare.settings(bare.migrator))
    assert "Waiting for another migration" in caplog.text


def test_a_migration_does_not_wait_for_a_server_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.database.migrate.CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://me:hidden@127.0.0.1:{silent.getsockname()[1]}/beers"
        with pytest.raises(TimeoutError):
            migrate(Settings(database_url=url))


_TRAPS = """
    CREATE SCHEMA "{role}";
    CREATE FUNCTION "{role}".pg_try_advisory_lock(text) RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN RAISE 'trapped'; END $$;
    CREATE FUNCTION "{role}".trap(json, record) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
    CREATE AGGREGATE "{role}".json_agg(record) (SFUNC = "{role}".trap, STYPE = json);
    GRANT USAGE ON SCHEMA "{role}" TO PUBLIC;
"""


def test_code_of_a_login_that_can_create_schemas_is_not_executed(
    bare: CatalogueDatabase, create: Callable[[Settings], Flask]
) -> None:
    name = bare.database.name
    bare.admin(f"CREATE ROLE {name}_eve; GRANT CREATE ON DATABASE {name} TO {name}_eve")
    # The default search path begins with a schema of the role's name.
    for role in (bare.owner, bare.app):
        bare.admin(f"SET ROLE {name}_eve;" + _TRAPS.format(role=role))
    assert migrate(bare.settings(bare.migrator)) == (None, HEAD)
    client = create(bare.settings(bare.app)).test_client()
    assert client.post("/beers/seed").status_code == 200
    assert client.get("/beers?limit=1").get_json()["beers"][0]["id"] == 1


def test_a_wrong_password_is_reported_in_one_sentence(bare: CatalogueDatabase) -> None:
    done = run(MIGRATE, DATABASE_URL=bare.url(bare.migrator, "wrong-and-secret"))
    assert done.returncode == 1
    assert done.stderr.startswith("error: The migration failed")
    assert "28P01" in done.stderr
    assert "Traceback" not in done.stderr
    assert "wrong-and-secret" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE beers.mine (id int)",
        "ALTER TABLE beers.beers ADD COLUMN mine int",
        "ALTER TABLE beers.beers DROP CONSTRAINT beers_abv_is_percent",
        "DROP TABLE beers.beers",
        "TRUNCATE beers.beers",
        "CREATE INDEX ON beers.beers (style)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION beers.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "COMMENT ON TABLE beers.beers IS 'mine'",
        "ALTER TABLE beers.beers OWNER TO CURRENT_USER",
    ],
)
def test_the_services_login_can_change_rows_but_not_tables(catalogue: CatalogueDatabase, statement: str) -> None:
    with catalogue.database.connect(catalogue.app, catalogue.password) as connection:
        connection.run("INSERT INTO beers.beers (name, style, abv) VALUES ('mine', 'Ale', 5)")
        connection.run("UPDATE beers.beers SET abv = 6")
        connection.run("DELETE FROM beers.beers")
        with pytest.raises(pg8000.native.DatabaseError, match="42501"):
            connection.run(statement)


def reasons(caplog: pytest.LogCaptureFixture) -> str:
    """Return the logged reasons why the database is unavailable; callers do not get them."""
    return " ".join(str(record.__dict__.get("fields")) for record in caplog.records)


def test_readiness_before_and_after_the_migrations(
    bare: CatalogueDatabase, service_on_bare: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    client = service_on_bare.test_client()
    for path in ("/readyz", "/startupz", "/beers"):
        early = client.get(path)
        assert early.status_code == 503
        assert early.mimetype == "application/problem+json"
    assert "python -m app migrate" in reasons(caplog)
    assert client.get("/livez").status_code == 200
    migrate(bare.settings(bare.migrator))
    assert client.get("/readyz").json == {"status": "ok", "revision": HEAD}
    assert client.get("/startupz").json == {"status": "ok"}
    assert client.get("/beers").status_code == 200


def test_not_ready_while_a_migration_is_pending(bare: CatalogueDatabase, service_on_bare: Flask) -> None:
    migrate(bare.settings(bare.migrator))
    bare.admin("DELETE FROM beers.alembic_version")
    response = service_on_bare.test_client().get("/readyz")
    assert response.status_code == 503
    assert response.json is not None
    assert response.json["type"] == "urn:taproom:problem:migrations-pending"


@pytest.mark.parametrize("removal", ["DROP TABLE beers.beers", "ALTER TABLE beers.beers DROP COLUMN brewery"])
def test_ready_after_a_newer_version_s_migration_unless_it_has_removed_a_required_column(
    bare: CatalogueDatabase, service_on_bare: Flask, removal: str, caplog: pytest.LogCaptureFixture
) -> None:
    migrate(bare.settings(bare.migrator))
    bare.admin("UPDATE beers.alembic_version SET version_num = 'newer'")
    client = service_on_bare.test_client()
    assert client.get("/readyz").status_code == 200
    bare.admin(removal)
    assert migrate(bare.settings(bare.migrator)) == ("newer", "newer")
    for path in ("/readyz", "/beers"):
        response = client.get(path)
        assert response.status_code == 503
        assert response.mimetype == "application/problem+json"
    assert "deploy the newer version" in reasons(caplog)
