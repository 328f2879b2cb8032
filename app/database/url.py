"""Parse PostgreSQL URLs as libpq does, and refuse those that would send a password unprotected."""

import ipaddress
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from app.database.credentials import Credential
from app.settings import SettingsError

_EXAMPLE = "postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full&sslrootcert=FILE"
_IAM_EXAMPLE = "postgresql://USER@HOST:5432/DATABASE"
_SCHEMES = ("postgresql", "postgres", "postgresql+pg8000")


def parse_url(url: str, default_ca_file: Path) -> tuple[Credential, Path | None]:
    """Parse DATABASE_URL; return also the certificate authorities that verify the server.

    They are ``default_ca_file`` if it has no ``sslrootcert``, and None for plain text within this machine.

    Raises:
        SettingsError: The URL is incomplete, or asks for less than verified TLS to another machine.
    """
    credential, options = _parts(url, "DATABASE_URL", _EXAMPLE)
    host = credential.host
    unknown = sorted(options.keys() - {"sslmode", "sslrootcert"})
    if unknown:
        raise SettingsError(f"DATABASE_URL has the option {unknown[0]!r}; only sslmode and sslrootcert are supported.")
    mode = options.get("sslmode", "disable" if _is_this_machine(host) else "none given")
    if mode == "verify-full":
        return credential, Path(options.get("sslrootcert", default_ca_file))
    if mode == "disable" and _is_this_machine(host):
        return credential, None
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


def _parts(url: str, variable: str, example: str) -> tuple[Credential, dict[str, str]]:
    """Return the credential in ``url`` and its options."""
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        raise SettingsError(f"{variable} is not a URL of the form {example}") from None
    host, user, database = parts.host, parts.username, parts.database
    if parts.drivername not in _SCHEMES or not (host and user and database):
        raise SettingsError(f"{variable} lacks its scheme, host, user or database; expected {example}")
    options = {name: str(value) for name, value in parts.query.items()}
    return Credential(host, parts.port or 5432, database, user, parts.password or ""), options


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
