"""Open one connection to PostgreSQL: verified TLS, bounded waiting, and a second look at a credential that is refused.

pg8000 is given a socket and a TLS context of our own. Left alone it tries TLS without looking at the certificate, and
goes on in plain text where the server has none.
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

from app.aws import secret_reader
from app.database.credentials import Credential, CredentialSource, FixedSource, RotatingSource, parse_secret
from app.database.rds_token import TokenSource, token_signer
from app.database.url import parse_iam_url, parse_url
from app.settings import DatabaseUrl, InjectedSecret, Settings, SettingsError, TokenLogin

CONNECT_TIMEOUT_SECONDS = 3.0
# After as many refusals, or as long, the next one stands.
MOST_REFUSALS = 5
REFUSALS_SECONDS = 10.0

# invalid_password, and invalid_authorization_specification: the login is gone, or may not log in.
_REFUSED = frozenset({"28P01", "28000"})


def sqlstate(error: BaseException) -> str | None:
    """The five letters of PostgreSQL's error code, or ``None`` when the server did not say anything."""
    fields = error.args[0] if error.args else None
    return str(fields["C"]) if isinstance(fields, dict) and "C" in fields else None


@dataclass(frozen=True)
class Connector:
    """How connections are opened.

    Attributes:
        source: gives user and password.
        tls: verifies the server; ``None`` is plain text, for a server on this machine.
        application_name: what pg_stat_activity calls us.
        read_timeout_seconds: the longest wait for the server within a statement; ``None`` waits as long as it takes.
    """

    source: CredentialSource
    tls: ssl.SSLContext | None
    application_name: str
    read_timeout_seconds: float | None

    def connect(self) -> pg8000.Connection:
        """A new connection; refused credentials are read once more, and tried again for as long as they have changed.

        One refusal is all that a cache can cause. More of them mean that a whole rotation passed between two attempts,
        which takes rotations back to back and a server that is slow to answer.

        Raises:
            CredentialError: there is no credential to try.
            pg8000.Error: the server cannot be reached or refuses; its class and code say why.
            OSError: the server could not be reached, did not answer in time or is not the one it should be.
        """
        credential = self.source.current()
        gives_up_at = time.monotonic() + REFUSALS_SECONDS
        for _ in range(MOST_REFUSALS):
            try:
                return self._open(credential)
            except pg8000.Error as error:
                if sqlstate(error) not in _REFUSED:
                    raise
                newer = self.source.refreshed(credential)
                if newer.version == credential.version or time.monotonic() > gives_up_at:
                    raise
                credential = newer
        return self._open(credential)

    def _open(self, credential: Credential) -> pg8000.Connection:
        plain = socket.create_connection((credential.host, credential.port), CONNECT_TIMEOUT_SECONDS)
        try:
            plain.settimeout(self.read_timeout_seconds)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            # pg8000 writes a message in parts; the second would wait for the first to be acknowledged, 40 ms.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _Connection(
                credential.username,
                password=credential.password,
                host=credential.host,
                database=credential.database,
                sock=plain,
                # False, and only False, is plain text; see the head of this module.
                ssl_context=self.tls or False,
                application_name=self.application_name,
                # A statement is planned once: none of ours has a better plan for some parameters than for others.
                startup_params={"TimeZone": "UTC", "plan_cache_mode": "force_generic_plan"},
            )
        except BaseException:
            plain.close()
            raise


class _Connection(pg8000.Connection):
    """pg8000's own, without the demand to be answered after each of a statement's messages.

    The last of them, Sync, has the server send everything it has. So an answer comes in one packet and not in three,
    and is decrypted and waited for once.
    """

    def close(self) -> None:
        """End the session; one that broke has ended already, and the pool need not write an error about it."""
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
        """Ask for the statement's rows, all of them."""
        self._send_message(b"E", b"\x00" + pack("!i", 0))


def connector_for(settings: Settings, *, read_timeout_seconds: float | None) -> Connector:
    """The connector that ``settings`` describe. Reads the certificate file; does not connect.

    Raises:
        SettingsError: the address or the certificate file is of no use.
        CredentialError: the injected secret is of no use.
    """
    login = settings.login
    ca_file: Path | None = settings.ca_file
    source: CredentialSource
    if isinstance(login, DatabaseUrl):
        address = parse_url(login.url, settings.ca_file)
        source, ca_file = FixedSource(address.credential), address.ca_file
    elif isinstance(login, InjectedSecret):
        source = FixedSource(parse_secret(login.json, subject="DATABASE_SECRET"))
    elif isinstance(login, TokenLogin):
        source = TokenSource(parse_iam_url(login.url), token_signer(login.region))
    else:
        source = RotatingSource(secret_reader(login.arn))
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
            "file with the authorities of the database server; for RDS, `make` fetches AWS's bundle."
        ) from error
