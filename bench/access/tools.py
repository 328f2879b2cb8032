"""The tools that are measured: how each is called, and how it says that there was nothing to do."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.access import workload
from bench.access.stage import Stage
from db_bootstrap.cli.command import DSN_VARIABLE
from db_bootstrap.cli.dsn import PASSWORD_VARIABLE
from devtools.checkout import CHECKOUT
from devtools.postgres.cluster import SUPERUSER

PEERS_FOLDER = Path(sys.prefix) / "bench-access"
"""The environment of the tools that are not ours, beside this one."""


@dataclass(frozen=True)
class Tool:
    """One tool on one stage.

    Attributes:
        name: With its version.
        argv: What makes the database what is wished for, and is called again to find nothing to do.
        environment: All of its variables.
        settled: What it prints when there was nothing to do.
        start: What makes it load everything and end, without a look at a database.
    """

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str]
    settled: str
    start: tuple[str, ...]


def ours(stage: Stage, folder: Path) -> Tool:
    """`db_bootstrap`, as a master that is no superuser, over verified TLS and with a password."""
    document = folder / "access.json"  # as Terraform has it; the others read YAML only
    document.write_text(json.dumps(workload.access_document(stage.size)))
    endpoint, master = stage.endpoint, stage.master
    address = f"postgresql://{master.username}@{endpoint.host}:{endpoint.port}/{endpoint.database}"
    return Tool(
        "db_bootstrap",
        (sys.executable, "-m", "db_bootstrap", "apply", "--document", str(document), "--format", "json"),
        {
            **_environment(),
            "PYTHONPATH": str(CHECKOUT),
            DSN_VARIABLE: f"{address}?sslrootcert={endpoint.ca_file}",
            PASSWORD_VARIABLE: master.password,
        },
        '"changes": []',
        (sys.executable, "-m", "db_bootstrap", "--help"),
    )


def pgbedrock(stage: Stage, folder: Path) -> Tool:
    """Pgbedrock, as the superuser, through the server's socket."""
    spec = _written(folder / "pgbedrock.yaml", workload.pgbedrock_spec(stage.size, stage.roles))
    cluster = stage.cluster
    where = ("-h", str(cluster.directory), "-p", str(cluster.port), "-U", SUPERUSER, "-d", workload.DATABASE)
    return Tool(
        "pgbedrock 0.4.2",
        (str(PEERS_FOLDER / "bin" / "pgbedrock"), "configure", *where, "--live", str(spec)),
        _environment(),
        "No changes needed",
        (str(PEERS_FOLDER / "bin" / "pgbedrock"), "--help"),
    )


def ldap2pg(stage: Stage, folder: Path) -> Tool:
    """ldap2pg without LDAP, as the superuser, through the server's socket."""
    wish = workload.ldap2pg_configuration(stage.size, stage.superuser_address)
    configuration = _written(folder / "ldap2pg.yaml", wish)
    return Tool(
        "ldap2pg 5.9",
        (str(PEERS_FOLDER / "bin" / "ldap2pg"), "--config", str(configuration), "--real", "--no-color"),
        _environment(),
        "Nothing to do",
        (str(PEERS_FOLDER / "bin" / "ldap2pg"), "--version"),
    )


def _written(file: Path, wish: dict[str, Any]) -> Path:
    # What stands in it twice is copied first: YAML would write a reference, which pgbedrock stumbles over.
    file.write_text(yaml.safe_dump(json.loads(json.dumps(wish)), sort_keys=False))
    return file


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
