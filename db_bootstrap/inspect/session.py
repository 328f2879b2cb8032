"""Connections to the database: verified TLS, bounded waiting, and patience with a master whose password just changed.

pg8000 left alone tries TLS without looking at the certificate and goes on in plain text where the server has none, so
it is always given a context here.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache

import pg8000.exceptions
from pg8000.native import Connection

from db_bootstrap.errors import ConfigurationError, RefusedLoginError, UnreachableDatabaseError

CONNECT_TIMEOUT_SECONDS = 10
STATEMENT_TIMEOUT_SECONDS = 60
ANSWER_TIMEOUT_SECONDS = STATEMENT_TIMEOUT_SECONDS + 15
"""For how long the server may say nothing: it ends a statement by itself before that."""

MASTER_PATIENCE_SECONDS = 90
"""RDS replaces the master's password by itself, and for about a minute a reader may get the version before."""

_RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0, 10.0)
_REFUSED = frozenset({"28P01", "28000"})


@dataclass(frozen=True)
class Endpoint:
    """Where the database is, and whom to believe that it is the one.

    Attributes:
        ca_file: The authorities' certificates; None for plain text, which `dsn` allows to this very machine only.
    """

    host: str
    port: int
    database: str
    ca_file: str | None


@dataclass(frozen=True)
class Credential:
    """A login: its name and password."""

    username: str
    password: str = field(repr=False)


class _StartupName(bytes):
    """A user's name, which PostgreSQL reads from the connection's first message and nowhere else.

    It ignores the one in SCRAM's messages, and libpq sends none ("SASL Authentication" in PostgreSQL's documentation).
    pg8000 has scramp prepare one all the same, which refuses emoji and control characters (SASLprep, RFC 4013).
    """

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 - as bytes has it
        """What goes into SCRAM's messages in its place."""
        return "*"


@contextmanager
def connected(endpoint: Endpoint, credential: Credential) -> Iterator[Connection]:
    """A connection, closed at the end.

    Raises:
        ConfigurationError: The file with the authorities' certificates cannot be used.
        RefusedLoginError: The server refuses the login, with its code.
        UnreachableDatabaseError: There is no connection, or none that can be trusted.
    """
    connection = _open(endpoint, credential)
    try:
        yield connection
    finally:
        with suppress(pg8000.exceptions.Error, OSError):  # it may have broken before
            connection.close()


@contextmanager
def connected_as_master(
    endpoint: Endpoint, read_credential: Callable[[], Credential], patience_seconds: float = MASTER_PATIENCE_SECONDS
) -> Iterator[Connection]:
    """A connection of the master, whose secret is read again for as long as the server refuses what it says.

    Raises:
        RefusedLoginError: The server still refuses it after ``patience_seconds``.
    """
    deadline = time.monotonic() + patience_seconds
    for pause in _pauses():
        try:
            connection = _open(endpoint, read_credential())
            break
        except RefusedLoginError:
            left = deadline - time.monotonic()
            if left <= 0:
                raise
            time.sleep(min(pause, left))
    try:
        # Nothing is found by a search path: types are printed with their schemas, and no object of others is called.
        connection.run("SET search_path = pg_catalog, pg_temp")
        connection.run(f"SET statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s'")
        # Compiling one of `catalog_queries` takes seconds, and running it milliseconds; the planner thinks otherwise.
        connection.run("SET jit = off")
        yield connection
    finally:
        with suppress(pg8000.exceptions.Error, OSError):  # it may have broken before
            connection.close()


def describe(error: Exception) -> tuple[str, str]:
    """What the server says, for a person, and its SQLSTATE; an empty one when the connection is the trouble."""
    fields = error.args[0] if error.args else None
    if isinstance(fields, dict):
        parts = [f"{fields.get('S', 'ERROR')} {fields.get('C', '')}: {fields.get('M', '')}"]
        parts += [f"{label}: {fields[key]}" for key, label in (("D", "Detail"), ("H", "Hint")) if key in fields]
        return "\n".join(parts), str(fields.get("C", ""))
    return f"{type(error).__name__}: {error}", ""


def _pauses() -> Iterator[float]:
    yield from _RETRY_SECONDS
    while True:
        yield _RETRY_SECONDS[-1]


def _open(endpoint: Endpoint, credential: Credential) -> Connection:
    tls = None if endpoint.ca_file is None else _tls(endpoint.ca_file)
    try:
        return _start_session(endpoint, credential, tls)
    except (pg8000.exceptions.Error, OSError) as error:
        message, sqlstate = describe(error)
        where = f"{endpoint.host}:{endpoint.port}/{endpoint.database}"
        if sqlstate in _REFUSED:
            raise RefusedLoginError(
                f"The database at {where} refuses the login {credential.username!r}.\n{message}", sqlstate
            ) from None
        if sqlstate:
            raise UnreachableDatabaseError(f"The database at {where} is not ready.\n{message}", sqlstate) from None
        raise UnreachableDatabaseError(
            f"No connection that can be trusted to the database at {where}.\n{message}\nCheck the security groups, the "
            f"routes, and that {endpoint.ca_file or 'sslrootcert'} holds the authority that signed the server's "
            "certificate."
        ) from None


def _start_session(endpoint: Endpoint, credential: Credential, tls: ssl.SSLContext | None) -> Connection:
    """A session on a socket of our own: pg8000's would go on to use the time for connecting as the time for answers."""
    plain = socket.create_connection((endpoint.host, endpoint.port), CONNECT_TIMEOUT_SECONDS)
    try:
        plain.settimeout(ANSWER_TIMEOUT_SECONDS)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # pg8000 sends a question in parts, and the server would wait 40 ms before it acknowledges the first.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Connection(
            _StartupName(credential.username.encode()),
            password=credential.password,
            host=endpoint.host,
            database=endpoint.database,
            sock=plain,
            # None would have pg8000 try TLS without looking at the certificate.
            ssl_context=tls or False,
            application_name="db_bootstrap",
        )
    except BaseException:
        plain.close()
        raise


@cache
def _tls(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigurationError(
            f"The certificates in {ca_file} cannot be used: {error.strerror or error}. Name a PEM file with the "
            "authorities of the database in DATABASE_CA_FILE, or in sslrootcert on the command line."
        ) from None
