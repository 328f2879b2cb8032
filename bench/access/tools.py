"""The tools that are compared: their commands, and their output if there is nothing to do."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.access import workload
from bench.access.server import BenchServer
from db_bootstrap.cli.command import DSN_VARIABLE
from db_bootstrap.cli.dsn import PASSWORD_VARIABLE
from devtools.checkout import CHECKOUT

PEERS_FOLDER = Path(sys.prefix) / "bench-access"
"""The virtual environment of the other tool."""


@dataclass(frozen=True)
class Tool:
    """One tool on one server.

    Attributes:
        name: With its version.
        argv: The command that applies the desired access; idempotent.
        environment: All of its variables.
        settled: Its output if there is nothing to do.
        start: A command that loads everything and exits without connecting to a database.
    """

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str]
    settled: str
    start: tuple[str, ...]


def ours(server: BenchServer, folder: Path) -> Tool:
    """Return `db_bootstrap`, as a master that is not a superuser, over verified TLS and with a password."""
    document = folder / "access.json"  # as Terraform passes it; ldap2pg reads only YAML
    document.write_text(json.dumps(workload.access_document(server.size)))
    endpoint, master = server.endpoint, server.master
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


def ldap2pg(server: BenchServer, folder: Path) -> Tool:
    """Return ldap2pg without LDAP, as the superuser, through the server's socket."""
    desired = workload.ldap2pg_configuration(server.size, server.superuser_dsn)
    configuration = _written(folder / "ldap2pg.yaml", desired)
    return Tool(
        "ldap2pg 5.9",
        (str(PEERS_FOLDER / "bin" / "ldap2pg"), "--config", str(configuration), "--real", "--no-color"),
        _environment(),
        "Nothing to do",
        (str(PEERS_FOLDER / "bin" / "ldap2pg"), "--version"),
    )


def _written(file: Path, content: dict[str, Any]) -> Path:
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
