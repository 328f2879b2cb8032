"""A database's address on the command line: ``postgresql://USER@HOST:PORT/DATABASE?sslrootcert=FILE``.

Stricter than libpq, whose default sends a password to any server: TLS is always verified, except on the loopback
interface with ``sslmode=disable``. No message repeats a part of the address: if a password contains a character that
should be encoded, any part may be a piece of it.
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from db_bootstrap.errors import ConfigurationError
from db_bootstrap.model import Credential, Endpoint

DEFAULT_PORT = 5432
PASSWORD_VARIABLE = "PGPASSWORD"  # noqa: S105 - its name

_SHAPE = "postgresql://USER@HOST:PORT/DATABASE?sslrootcert=FILE"
_PARAMETERS = frozenset({"sslmode", "sslrootcert"})


def parse_dsn(dsn: str, environment: Mapping[str, str]) -> tuple[Endpoint, Credential]:
    """Return the endpoint and the credential; the password is the address's, or else PGPASSWORD.

    Raises:
        ConfigurationError: It is not such an address, it lacks a part, or its connection could not be verified.
    """
    parts, port = _split(dsn)
    database = unquote(parts.path.removeprefix("/"))
    if not (parts.username and parts.hostname and database) or "/" in parts.path.removeprefix("/"):
        raise _unusable("lacks a user, a host or a database")
    password = unquote(parts.password or "") or environment.get(PASSWORD_VARIABLE, "")
    if not password:
        raise ConfigurationError(f"There is no password for the database; put it into {PASSWORD_VARIABLE}.")
    ca_file = _ca_file(_parameters(parts.query), parts.hostname)
    return Endpoint(parts.hostname, port, database, ca_file), Credential(unquote(parts.username), password)


def is_loopback(host: str) -> bool:
    """Return True if ``host`` is the loopback interface, so that the connection passes no network."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(dsn: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(dsn)
        port = DEFAULT_PORT if parts.port is None else parts.port
    except ValueError:
        raise _unusable("has a host or a port that cannot be read") from None
    if parts.scheme not in {"postgresql", "postgres"}:
        raise _unusable("does not begin with postgresql://")
    if parts.fragment:
        raise _unusable("has a '#' in it")
    return parts, port


def _parameters(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    parameters = dict(pairs)
    if len(parameters) != len(pairs) or not parameters.keys() <= _PARAMETERS:
        raise _unusable(f"has a parameter twice, or another one than {' and '.join(sorted(_PARAMETERS))}")
    return parameters


def _ca_file(parameters: Mapping[str, str], host: str) -> str | None:
    mode = parameters.get("sslmode", "verify-full")
    if mode == "disable" and is_loopback(host):
        return None
    if mode != "verify-full":
        raise ConfigurationError(
            "The database's address asks for another sslmode than verify-full, which would not verify the "
            "server; leave sslmode out. sslmode=disable is for a database on this machine only."
        )
    if not parameters.get("sslrootcert"):
        raise ConfigurationError(
            "The database's address lacks sslrootcert, the PEM file with the authorities that the database's "
            "certificate is verified by; add ?sslrootcert=FILE. For RDS, `make package` fetches build/rds-ca.pem."
        )
    return parameters["sslrootcert"]


def _unusable(problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"The database's address {problem}. Write it as {_SHAPE}, with /, ?, #, @ and % in a name percent-encoded, and "
        f"the password in {PASSWORD_VARIABLE}."
    )
