"""Read a PostgreSQL address as libpq writes it, and refuse what would send a password unprotected."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from app.database.credentials import Credential
from app.settings import SettingsError

_EXAMPLE = "postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full&sslrootcert=FILE"
_IAM_EXAMPLE = "postgresql://USER@HOST:5432/DATABASE"
_SCHEMES = ("postgresql", "postgres", "postgresql+pg8000")


@dataclass(frozen=True)
class PostgresAddress:
    """What an address says.

    Attributes:
        credential: host, database, user and password.
        ca_file: who may vouch for the server, or ``None`` for a connection in plain text within this machine.
    """

    credential: Credential
    ca_file: Path | None


def parse_url(url: str, default_ca_file: Path) -> PostgresAddress:
    """The parts of ``url``; ``default_ca_file`` serves where it names no ``sslrootcert``.

    Raises:
        SettingsError: the address is incomplete, or asks for less than verified TLS to another machine.
    """
    credential, query = _parts(url, "DATABASE_URL", _EXAMPLE)
    options, host = dict(parse_qsl(query)), credential.host
    unknown = sorted(options.keys() - {"sslmode", "sslrootcert"})
    if unknown:
        raise SettingsError(f"DATABASE_URL has the option {unknown[0]!r}; only sslmode and sslrootcert are understood.")
    mode = options.get("sslmode", "disable" if _is_this_machine(host) else "none given")
    if mode == "verify-full":
        return PostgresAddress(credential, Path(options.get("sslrootcert", default_ca_file)))
    if mode == "disable" and _is_this_machine(host):
        return PostgresAddress(credential, None)
    raise SettingsError(
        f"DATABASE_URL asks for sslmode {mode!r} with host {host!r}. Passwords and data would travel unprotected or to "
        "an unknown server; add sslmode=verify-full&sslrootcert=FILE. Plain text is allowed within this machine only."
    )


def parse_iam_url(url: str) -> Credential:
    """Who logs in where, without a password: a token takes its place, and always travels over verified TLS.

    Raises:
        SettingsError: the address is incomplete, or says more than that.
    """
    login, query = _parts(url, "DATABASE_IAM_URL", _IAM_EXAMPLE)
    if login.password or query:
        raise SettingsError(f"DATABASE_IAM_URL has a password or options, which mean nothing here; use {_IAM_EXAMPLE}")
    return login


def _parts(url: str, variable: str, example: str) -> tuple[Credential, str]:
    """What ``url`` says before its question mark, and after it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 5432
    except ValueError:
        raise SettingsError(f"{variable} has a host or port that cannot be read; expected {example}") from None
    database = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in _SCHEMES or not host or not parts.username or not database:
        raise SettingsError(f"{variable} lacks its scheme, host, user or database; expected {example}")
    return Credential(host, port, database, unquote(parts.username), unquote(parts.password or "")), parts.query


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
