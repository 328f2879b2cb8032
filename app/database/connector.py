"""Open one connection to PostgreSQL: verified TLS, bounded waits, and a retry with a refreshed credential.

pg8000 gets a socket and a TLS context from here. By default it does not verify the certificate, and falls back to plain
text if the server has no TLS.
"""

import contextlib
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import pack

import pg8000

from app.database.credentials import (
    Credential,
    CredentialSource,
    FixedSource,
    RotatingSource,
    credential_reader,
    parse_credential,
)
from app.database.rds_token import TokenSource, token_signer
from app.database.url import parse_iam_url, parse_url
from app.settings import DatabaseUrl, InjectedSecret, Settings, SettingsError, TokenLogin

CONNECT_TIMEOUT_SECONDS = 3.0
# After this many refusals, or this long, the next refusal is final.
MAX_REFUSALS = 5
REFUSALS_SECONDS = 10.0

# invalid_password, and invalid_authorization_specification: the login does not exist or cannot log in.
_REFUSED = frozenset({"28P01", "28000"})


def sqlstate(error: BaseException) -> str | None:
    """Return PostgreSQL's error code (SQLSTATE), or None if the server did not send an error."""
    fields = error.args[0] if error.args else None
    return str(fields["C"]) if isinstance(fields, dict) and "C" in fields else None


@dataclass(frozen=True)
class Connector:
    """Opens connections.

    Attributes:
        source: Provides user and password.
        tls: Verifies the server; None means plain text, for a server on this machine.
        application_name: The name in pg_stat_activity.
        read_timeout_seconds: The longest wait for the server within a statement; None waits without a limit.
    """

    source: CredentialSource
    tls: ssl.SSLContext | None
    application_name: str
    read_timeout_seconds: float | None

    def connect(self) -> pg8000.Connection:
        """Return a new connection. If the credential is refused, refresh it, and retry for as long as it has changed.

        A cache can cause one refusal. More of them mean that a whole rotation passed between two attempts, which takes
        rotations back to back and a slow server.

        Raises:
            CredentialError: There is no credential to try.
            pg8000.Error: The server cannot be reached or refuses; class and code say why.
            OSError: The server cannot be reached, did not answer in time, or failed verification.
        """
        credential = self.source.current()
        deadline = time.monotonic() + REFUSALS_SECONDS
        for _ in range(MAX_REFUSALS):
            try:
                return self._open(credential)
            except pg8000.Error as error:
                if sqlstate(error) not in _REFUSED:
                    raise
                newer = self.source.refreshed(credential)
                if newer.version == credential.version or time.monotonic() > deadline:
                    raise
                credential = newer
        return self._open(credential)

    def _open(self, credential: Credential) -> pg8000.Connection:
        plain = socket.create_connection((credential.host, credential.port), CONNECT_TIMEOUT_SECONDS)
        try:
            plain.settimeout(self.read_timeout_seconds)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            # pg8000 writes a message in parts; without this, the second waits 40 ms for the first one's ACK.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _Connection(
                credential.username,
                password=credential.password,
                host=credential.host,
                database=credential.database,
                sock=plain,
                # Only False means plain text; see the module's docstring.
                ssl_context=self.tls or False,
                application_name=self.application_name,
                # Plan each statement once: none has a better plan for some parameters than for others.
                startup_params={"TimeZone": "UTC", "plan_cache_mode": "force_generic_plan"},
            )
        except BaseException:
            plain.close()
            raise


class _Connection(pg8000.Connection):
    """pg8000's connection, without a Flush after each message of a statement.

    The final Sync makes the server send everything. So the response comes in one packet instead of three, and is waited
    for and decrypted once.
    """

    def close(self) -> None:
        """End the session. A broken session has already ended, so the pool need not log an error."""
        with contextlib.suppress(pg8000.Error):
            pg8000.Connection.close(self)

    def send_BIND(self, statement_name_bin: bytes, params: Sequence[str | None]) -> None:  # noqa: N802 - pg8000's name
        """Send a statement's parameters."""
        parts = [b"\x00", statement_name_bin, pack("!hh", 0, len(params))]
        for value in params:
            text = None if value is None else value.encode()
            parts += [pack("!i", -1)] if text is None else [pack("!i", len(text)), text]
        self._send_message(b"B", b"".join([*parts, b"\x00\x00"]))

    def send_EXECUTE(self) -> None:  # noqa: N802 - pg8000's name
        """Request all rows of the statement."""
        self._send_message(b"E", b"\x00" + pack("!i", 0))


def connector_for(settings: Settings, *, read_timeout_seconds: float | None) -> Connector:
    """Return the connector that ``settings`` describe. Reads the certificate file; does not connect.

    Raises:
        SettingsError: The URL or the certificate file is not valid.
        CredentialError: The injected secret is not valid.
    """
    login = settings.login
    ca_file: Path | None = settings.ca_file
    source: CredentialSource
    if isinstance(login, DatabaseUrl):
        address = parse_url(login.url, settings.ca_file)
        source, ca_file = FixedSource(address.credential), address.ca_file
    elif isinstance(login, InjectedSecret):
        source = FixedSource(parse_credential(login.json, subject="DATABASE_SECRET"))
    elif isinstance(login, TokenLogin):
        source = TokenSource(parse_iam_url(login.url), token_signer(login.region))
    else:
        source = RotatingSource(credential_reader(login.arn))
    return Connector(
        source=source,
        tls=None if ca_file is None else _tls_context(ca_file),
        application_name=f"taproom/{settings.version}",
        read_timeout_seconds=read_timeout_seconds,
    )


def _tls_context(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError as error:
        raise SettingsError(
            f"The certificates in {ca_file} cannot be used ({error.strerror or error}). Set DATABASE_CA_FILE to a PEM "
            "file with the certificate authorities of the database server; for RDS, `make` fetches AWS's bundle."
        ) from error
