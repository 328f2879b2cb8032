"""A database's address on the command line: ``postgresql://USER@HOST:PORT/DATABASE?sslrootcert=FILE``.

Stricter than libpq, whose default sends a password to any server: TLS is always verified, except on the loopback
interface with ``sslmode=disable``. No message repeats a part of the address: if a password contains a character that
should be encoded, any part may be a piece of it.
"""

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from db_bootstrap.errors import ConfigurationError
from db_bootstrap.model import Credential, Endpoint

DEFAULT_PORT = 5432
PASSWORD_VARIABLE = "PGPASSWORD"  # noqa: S105 - its name

_PASSWORD_LINE = re.compile(r"((?:\\.|[^\\:])*):" * 4 + r"((?:\\.|[^:])*)", re.DOTALL)

_SHAPE = "postgresql://USER@HOST:PORT/DATABASE?sslrootcert=FILE"
_PARAMETERS = frozenset({"sslmode", "sslrootcert"})


def parse_dsn(dsn: str, environment: Mapping[str, str]) -> tuple[Endpoint, Credential]:
    """Return the endpoint and the credential; the password is the address's, or else PGPASSWORD, or in .pgpass.

    Raises:
        ConfigurationError: It is not such an address, it lacks a part, or its connection could not be verified.
    """
    parts, port = _split(dsn)
    database = unquote(parts.path.removeprefix("/"))
    if not (parts.username and parts.hostname and database) or "/" in parts.path.removeprefix("/"):
        raise _unusable("lacks a user, a host or a database")
    user = unquote(parts.username)
    password = unquote(parts.password or "") or environment.get(PASSWORD_VARIABLE, "")
    if not password:
        password = _from_password_file(environment, (parts.hostname, str(port), database, user))
    ca_file = _ca_file(_parameters(parts.query), parts.hostname)
    return Endpoint(parts.hostname, port, database, ca_file), Credential(user, password)


def _from_password_file(environment: Mapping[str, str], address: tuple[str, str, str, str]) -> str:
    """Return the password of the first line that matches host, port, database and user, as libpq finds it.

    Raises:
        ConfigurationError: There is none, or others than its owner can read the file.
    """
    named = environment.get("PGPASSFILE")
    file = Path(named) if named else Path(environment.get("HOME") or Path.home()) / ".pgpass"
    missing = f"There is no password for the database; put it into {PASSWORD_VARIABLE}, or into {file}"
    try:
        if not file.is_file():
            raise ConfigurationError(f"{missing} as HOST:PORT:DATABASE:USER:PASSWORD, with mode 600.")
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigurationError(f"The password file {file} can be read by others; run `chmod 600` on it.")
        lines = file.read_bytes().decode(errors="surrogateescape").split("\n")
    except OSError:
        raise ConfigurationError(f"The password file {file} cannot be read.") from None
    for line in lines:
        match = None if line.startswith("#") else _PASSWORD_LINE.match(line.partition("\0")[0].rstrip("\r"))
        *fields, password = match.groups() if match else [""]
        if all(raw == "*" or _unescape(raw) == value for raw, value in zip(fields, address, strict=False)) and match:
            if password:
                return _unescape(password)
            break
    raise ConfigurationError(f"{missing}, of which no line has one for this host, port, database and user.")


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def is_loopback(host: str) -> bool:
    """Return True if ``host`` is the loopback interface, so that the connection passes no network."""
    import ipaddress  # noqa: PLC0415 - only addresses without TLS need it

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
