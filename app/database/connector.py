"""Open one connection to PostgreSQL: verified TLS, bounded waits, and a retry with a refreshed credential.

pg8000 gets a socket and a TLS context from here. By default it does not verify the certificate, and falls back to plain
text if the server has no TLS.
"""

import contextlib
import math
import select
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from struct import pack
from typing import Any

import pg8000

from app.aws import secrets_client
from app.database.credentials import Credential, CredentialSource, parse_credential, read_credential
from app.database.rds_token import token_signer
from app.database.url import parse_iam_url, parse_url
from app.settings import Settings, SettingsError

CONNECT_TIMEOUT_SECONDS = 3.0
CLOSE_TIMEOUT_SECONDS = 1.0
# After this many refusals the next one is final.
MAX_REFUSALS = 5

_TCP_OPTIONS = {
    # pg8000 writes a message in parts; without this, the second waits 40 ms for the first one's ACK.
    "TCP_NODELAY": 1,
    # A peer that does not acknowledge anything for 5 seconds is dead. While the connection is idle, the kernel asks it.
    "TCP_USER_TIMEOUT": 5000,
    "TCP_KEEPIDLE": 2,
    "TCP_KEEPINTVL": 1,
    "TCP_KEEPCNT": 3,
}

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
    """

    source: CredentialSource
    tls: ssl.SSLContext | None
    application_name: str

    def connect(self, deadline: float) -> "Connection":
        """Return a new connection. If the credential is refused, refresh it, and retry for as long as it has changed.

        A cache can cause one refusal. More of them mean that a whole rotation passed between two attempts, which takes
        rotations back to back and a slow server.

        Raises:
            SecretError: There is no credential to try.
            pg8000.Error: The server cannot be reached or refuses; class and code say why.
            OSError: The server cannot be reached, did not answer before ``deadline``, or failed verification.
        """
        credential = self.source.current(deadline)
        for _ in range(MAX_REFUSALS):
            try:
                return self._open(credential, deadline)
            except pg8000.Error as error:
                if sqlstate(error) not in _REFUSED:
                    raise
                newer = self.source.refreshed(credential, deadline)
                if newer.version == credential.version:
                    raise
                credential = newer
        return self._open(credential, deadline)

    def _open(self, credential: Credential, deadline: float) -> "Connection":
        address = (credential.host, credential.port)
        with contextlib.ExitStack() as unless_open:
            plain = socket.create_connection(address, min(CONNECT_TIMEOUT_SECONDS, _seconds_left(deadline)))
            unless_open.enter_context(plain)
            for option, value in _TCP_OPTIONS.items():
                if hasattr(socket, option):  # macOS lacks some
                    plain.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            plain.settimeout(_seconds_left(deadline))
            timed = _encrypted(plain, self.tls, credential.host) if self.tls else _PlainSocket(fileno=plain.detach())
            unless_open.enter_context(timed)
            timed.deadline = deadline
            connection = Connection(
                credential.username,
                password=credential.password,
                host=credential.host,
                database=credential.database,
                sock=timed,
                # The socket is encrypted already, or is within this machine.
                ssl_context=False,
                application_name=self.application_name,
                startup_params={
                    # Another schema's function or table must never be used instead of PostgreSQL's own.
                    "search_path": "pg_catalog, pg_temp",
                    "TimeZone": "UTC",
                    # Plan each statement once: none has a better plan for some parameters than for others.
                    "plan_cache_mode": "force_generic_plan",
                },
            )
            unless_open.pop_all()
        return connection


class _Timed:
    """A socket whose calls do not wait beyond its deadline, however slowly data arrives.

    Attributes:
        deadline: On the monotonic clock.
        has_failed_to_send: Whether the end of the last message was certainly not sent.
    """

    deadline = 0.0
    has_failed_to_send = False

    def recv_into(self: Any, *arguments: Any) -> int:
        """Receive into a buffer, or raise TimeoutError."""
        self.settimeout(_seconds_left(self.deadline))
        received: int = super().recv_into(*arguments)  # type: ignore[misc]
        return received

    def send(self: Any, *arguments: Any) -> int:
        """Send as much as possible, or raise TimeoutError."""
        self.has_failed_to_send = True
        self.settimeout(_seconds_left(self.deadline))
        sent: int = super().send(*arguments)  # type: ignore[misc]
        self.has_failed_to_send = False
        return sent


class _PlainSocket(_Timed, socket.socket):
    pass


class _TlsSocket(_Timed, ssl.SSLSocket):
    pass


def _encrypted(plain: socket.socket, tls: ssl.SSLContext, host: str) -> _TlsSocket:
    """Return the same connection with TLS (https://www.postgresql.org/docs/current/protocol-flow.html)."""
    plain.sendall(pack("!ii", 8, 80877103))
    if plain.recv(1) != b"S":
        raise pg8000.InterfaceError("Server refuses SSL")
    encrypted = tls.wrap_socket(plain, server_hostname=host)
    assert isinstance(encrypted, _TlsSocket)
    return encrypted


def _seconds_left(deadline: float) -> float:
    """Return the seconds until ``deadline``, or raise TimeoutError if it has passed."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("The deadline has passed")
    return seconds


class Connection(pg8000.Connection):
    """pg8000's connection, without a Flush after each message of a statement.

    The final Sync makes the server send everything. So the response comes in one packet instead of three, and is waited
    for and decrypted once. PostgreSQL executes no statement whose Sync has not arrived.

    Attributes:
        opened_at: On the monotonic clock.
        prepared: The prepared statements by their text.
        is_lost: Whether it has failed, and must not be used again.
    """

    is_lost = False

    def __init__(self, *arguments: Any, sock: Any, **options: Any) -> None:
        self.sock = sock  # first: if the login fails, pg8000 closes the connection
        super().__init__(*arguments, sock=sock, **options)  # type: ignore[no-untyped-call]
        self.opened_at = time.monotonic()
        self.prepared: dict[str, Any] = {}
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    @property
    def is_alive(self) -> bool:
        """Return True if the server has not ended the idle session, as far as this machine knows."""
        return not self._poll.poll(0)

    def close(self) -> None:
        """End the session, without an error. What could not be sent to a lost one must not be sent now."""
        if self.is_lost:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.deadline = time.monotonic() + CLOSE_TIMEOUT_SECONDS
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


def connector_for(settings: Settings) -> Connector:
    """Return the connector that ``settings`` describe. Reads the certificate file; does not connect.

    Raises:
        SettingsError: The URL or the certificate file is not valid.
        SecretError: The injected secret is not valid.
    """
    ca_file: Path | None = settings.database_ca_file
    if settings.database_url:
        credential, ca_file = parse_url(settings.database_url, settings.database_ca_file)
        source = _fixed(credential)
    elif settings.database_secret:
        source = _fixed(parse_credential(settings.database_secret, subject="DATABASE_SECRET"))
    elif settings.database_iam_url:
        source = CredentialSource(token_signer(parse_iam_url(settings.database_iam_url), settings.aws_region))
    else:
        arn = settings.database_secret_arn
        # No request waits that long (PATIENCE_SECONDS), but a late answer is better than none.
        source = CredentialSource(partial(read_credential, secrets_client(arn, read_timeout_seconds=10), arn))
    tls = None if ca_file is None else _tls_context(ca_file)
    return Connector(source, tls, application_name=f"taproom/{settings.app_version}")


def _fixed(credential: Credential) -> CredentialSource:
    return CredentialSource(lambda: credential, cache_seconds=math.inf)


def _tls_context(ca_file: Path) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(ca_file))
    except OSError as error:
        raise SettingsError(
            f"The certificates in {ca_file} cannot be used ({error.strerror or error}). Set DATABASE_CA_FILE to a PEM "
            "file with the certificate authorities of the database server; for RDS, `make` fetches AWS's bundle."
        ) from error
    context.sslsocket_class = _TlsSocket
    return context
