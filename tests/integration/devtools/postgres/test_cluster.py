import gc
import socket
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path

import pg8000.exceptions
import pg8000.native
import pytest

from devtools.postgres.binaries import Binaries
from devtools.postgres.cluster import Cluster, remove_left_data
from devtools.processes import ProcessRegister
from tests.support.database import Database, running_cluster

pytestmark = [pytest.mark.database, pytest.mark.each_major]


@pytest.fixture
def fresh(postgres: Cluster, tmp_path: Path) -> Iterator[Cluster]:
    """A server for one test; it depends on the shared one only to skip where there is none."""
    assert postgres.port
    with running_cluster(Binaries.find(), tmp_path) as cluster:
        yield cluster


def test_the_master_is_not_a_superuser_and_logs_in_over_tls(database: Database) -> None:
    with database.connect() as connection:
        row = connection.run(
            "SELECT rolsuper, rolcreaterole, ssl FROM pg_roles, pg_stat_ssl"
            " WHERE rolname = current_user AND pid = pg_backend_pid()"
        )
    assert row == [[False, True, True]]


@pytest.mark.aws("RDS-1")
def test_rds_superuser_has_the_grants_that_aws_documents_and_none_on_rds_iam(database: Database) -> None:
    """The documentation's output of \\drg+ for PostgreSQL 16 and later; before, of \\du."""
    granted = ["pg_monitor", "pg_signal_backend", "rds_password", "rds_replication"]
    if database.cluster.major >= 16:
        granted = sorted([*granted, "pg_checkpoint", "pg_use_reserved_connections"])
    memberships = database.cluster.admin(
        "SELECT member::regrole::text, roleid::regrole::text, admin_option FROM pg_auth_members"
        " WHERE member = 'rds_superuser'::regrole OR member = CAST(:master AS regrole) ORDER BY 1, 2",
        master=database.master,
    )
    of_superuser = [["rds_superuser", role, True] for role in granted]
    assert sorted(memberships) == sorted([*of_superuser, [database.master, "rds_superuser", False]])


@pytest.mark.aws("RDS-23")
def test_a_connection_without_tls_is_refused(database: Database) -> None:
    with pytest.raises(pg8000.exceptions.DatabaseError, match="no encryption"):
        pg8000.native.Connection(
            database.master, password=database.password, host="127.0.0.1", port=database.cluster.port, ssl_context=False
        )


def test_the_superuser_cannot_come_in_over_the_network(database: Database) -> None:
    with pytest.raises(pg8000.exceptions.DatabaseError, match="28000"), database.connect("rdsadmin", "x"):
        pass


def test_stopping_a_server_leaves_neither_process_nor_data(fresh: Cluster) -> None:
    fresh.stop()
    assert not fresh.directory.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((fresh.host, fresh.port))


def test_a_server_that_stops_closes_open_connections_through_its_proxy(tmp_path: Path) -> None:
    with running_cluster(Binaries.find(), tmp_path, token_refusal=lambda _user, _token: None) as cluster:
        cluster.admin("CREATE ROLE someone LOGIN PASSWORD 'secret'")
        context = ssl.create_default_context(cafile=str(cluster.authority.ca_file))
        address = {"host": cluster.host, "port": cluster.port, "ssl_context": context}
        connection = pg8000.native.Connection("someone", database="postgres", password="secret", **address)
    with warnings.catch_warnings(record=True) as unclosed:
        warnings.simplefilter("always")
        gc.collect()
    assert [str(warning.message) for warning in unclosed] == []
    with pytest.raises(pg8000.exceptions.InterfaceError), connection:
        connection.run("SELECT 1")


def test_the_data_of_a_killed_run_is_found_and_removed(fresh: Cluster) -> None:
    assert fresh.directory.exists()
    remove_left_data(fresh.log.parent)
    assert not fresh.directory.exists()


def test_a_server_that_cannot_start_says_why(fresh: Cluster, tmp_path: Path) -> None:
    broken = Cluster(
        Binaries.find(),
        fresh.authority,
        processes=ProcessRegister(tmp_path / "broken.jsonl"),
        log=tmp_path / "broken.log",
        settings={"shared_preload_libraries": "no_such_library"},
    )
    try:
        with pytest.raises(Exception, match="no_such_library"):
            broken.start()
    finally:
        broken.stop()
