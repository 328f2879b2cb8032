"""Parse PostgreSQL URLs as libpq does, and refuse those that would send a password unprotected."""

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
class PostgresUrl:
    """The parts of a URL.

    Attributes:
        credential: Host, database, user and password.
        ca_file: The certificate authorities that verify the server; None means plain text within this machine.
    """

    credential: Credential
    ca_file: Path | None


def parse_url(url: str, default_ca_file: Path) -> PostgresUrl:
    """Parse DATABASE_URL; ``default_ca_file`` is used if it has no ``sslrootcert``.

    Raises:
        SettingsError: The URL is incomplete, or asks for less than verified TLS to another machine.
    """
    credential, query = _parts(url, "DATABASE_URL", _EXAMPLE)
    options, host = dict(parse_qsl(query)), credential.host
    unknown = sorted(options.keys() - {"sslmode", "sslrootcert"})
    if unknown:
        raise SettingsError(f"DATABASE_URL has the option {unknown[0]!r}; only sslmode and sslrootcert are supported.")
    mode = options.get("sslmode", "disable" if _is_this_machine(host) else "none given")
    if mode == "verify-full":
        return PostgresUrl(credential, Path(options.get("sslrootcert", default_ca_file)))
    if mode == "disable" and _is_this_machine(host):
        return PostgresUrl(credential, None)
    raise SettingsError(
        f"DATABASE_URL asks for sslmode {mode!r} with host {host!r}. Passwords and data would travel unprotected or to "
        "an unknown server; add sslmode=verify-full&sslrootcert=FILE. Plain text is allowed within this machine only."
    )


def parse_iam_url(url: str) -> Credential:
    """Parse DATABASE_IAM_URL: without a password, because the token replaces it, and always with verified TLS.

    Raises:
        SettingsError: The URL is incomplete, or has a password or options.
    """
    login, query = _parts(url, "DATABASE_IAM_URL", _IAM_EXAMPLE)
    if login.password or query:
        raise SettingsError(
            f"DATABASE_IAM_URL has a password or options, which are not supported; expected {_IAM_EXAMPLE}"
        )
    return login


def _parts(url: str, variable: str, example: str) -> tuple[Credential, str]:
    """Return the credential in ``url`` and its query string."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 5432
    except ValueError:
        raise SettingsError(f"{variable} has a host or port that is not valid; expected {example}") from None
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
