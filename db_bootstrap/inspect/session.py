"""Sessions with the database: verified TLS, timeouts, and retries while RDS replaces the master's password.

By default pg8000 tries TLS without verifying the certificate, and continues in plain text if the server has no TLS. So
it is always given a context here.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from typing import Any

import pg8000.exceptions
from pg8000.native import Connection

from db_bootstrap.errors import ConfigurationError, RefusedLoginError, UnreachableDatabaseError
from db_bootstrap.model import Credential, Endpoint
from db_bootstrap.sql import text_array

CONNECT_TIMEOUT_SECONDS = 10
STATEMENT_TIMEOUT_SECONDS = 60
ANSWER_TIMEOUT_SECONDS = STATEMENT_TIMEOUT_SECONDS + 15
"""The socket's timeout; the server cancels a statement before that."""

MASTER_RETRY_SECONDS = 90
"""RDS rotates the master's password, and for about a minute a reader may get the previous version."""

_PAUSE_SECONDS = (1.0, 2.0, 4.0, 8.0, 10.0)
_REFUSED = frozenset({"28P01", "28000"})

Run = Callable[..., Sequence[Sequence[Any]]]
"""Runs one query with parameters by keyword, and returns its rows."""

OpenElsewhere = Callable[[str], AbstractContextManager[Connection]]
"""Opens a session of the master in another database of the same server, by its name."""


class _StartupName(bytes):
    """A user name, which PostgreSQL reads from the startup message only.

    It ignores the name in SCRAM messages, and libpq sends none ("SASL Authentication" in PostgreSQL's documentation).
    pg8000 nevertheless lets scramp prepare it, which refuses emoji and control characters (SASLprep, RFC 4013).
    """

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 - as bytes has it
        """Return a placeholder for SCRAM messages."""
        return "*"


@contextmanager
def connected(endpoint: Endpoint, credential: Credential) -> Iterator[Connection]:
    """Open a connection, and close it at the end.

    Raises:
        ConfigurationError: The CA file cannot be used.
        RefusedLoginError: The server refuses the login, with its code.
        UnreachableDatabaseError: The connection failed, or could not be verified.
    """
    connection = _open(endpoint, credential)
    try:
        yield connection
    finally:
        with suppress(pg8000.exceptions.Error, OSError):  # it may have broken before
            connection.close()


@contextmanager
def connected_as_master(
    endpoint: Endpoint, read_credential: Callable[[], Credential], retry_seconds: float = MASTER_RETRY_SECONDS
) -> Iterator[Connection]:
    """Open a connection as the master, and read its secret again while the server refuses the credential.

    Raises:
        RefusedLoginError: The server still refuses it after ``retry_seconds``.
    """
    deadline = time.monotonic() + retry_seconds
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
        # Find nothing by search path: PostgreSQL then prints types with their schemas, and no foreign object is called.
        connection.run("SET search_path = pg_catalog, pg_temp")
        connection.run(f"SET statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s'")
        # Compiling one of `queries` takes seconds and running it milliseconds, contrary to the planner's estimate.
        connection.run("SET jit = off")
        yield connection
    finally:
        with suppress(pg8000.exceptions.Error, OSError):  # it may have broken before
            connection.close()


def describe_error(error: Exception) -> tuple[str, str]:
    """Return the server's message, for a person, and its SQLSTATE, which is "" if the connection failed."""
    fields = error.args[0] if error.args else None
    if isinstance(fields, dict):
        parts = [f"{fields.get('S', 'ERROR')} {fields.get('C', '')}: {fields.get('M', '')}"]
        parts += [f"{label}: {fields[key]}" for key, label in (("D", "Detail"), ("H", "Hint")) if key in fields]
        return "\n".join(parts), str(fields.get("C", ""))
    return f"{type(error).__name__}: {error}", ""


def remedy(sqlstate: str) -> str:
    """Return what to do about an error of a statement that reads or changes access; "" if that is not known."""
    match sqlstate:
        case "55P03":
            return "\nAnother session held a lock for too long; apply again when the database is less busy."
        case "XX000":  # "tuple concurrently updated": others do not take our lock
            return "\nMost likely another session changed the same thing at the same moment; apply again."
        case "42501":
            return (
                "\nThe master lacks a right that it needs. Log in as a role that has it, such as one with ADMIN OPTION "
                "on the role (\\drg in psql), and grant it to the master; or choose another name, or take the entry "
                "out of the document. On RDS apply as a member of rds_superuser: no customer can act as rdsadmin."
            )
        case "":
            return "\nThe connection broke; apply again."
        case _:
            return ""


def runner(connection: Connection) -> Run:
    """Return a function that runs queries on this connection."""

    def run(sql: str, **parameters: object) -> Sequence[Sequence[Any]]:
        rows: Sequence[Sequence[Any]] | None = connection.run(sql, **parameters)
        return rows or []

    return run


def _pauses() -> Iterator[float]:
    yield from _PAUSE_SECONDS
    while True:
        yield _PAUSE_SECONDS[-1]


def _open(endpoint: Endpoint, credential: Credential) -> Connection:
    tls = None if endpoint.ca_file is None else _tls(endpoint.ca_file)
    try:
        return _start_session(endpoint, credential, tls)
    except (pg8000.exceptions.Error, OSError) as error:
        message, sqlstate = describe_error(error)
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
    """Open a session on our socket: pg8000's would keep the connect timeout as the timeout for answers."""
    plain = socket.create_connection((endpoint.host, endpoint.port), CONNECT_TIMEOUT_SECONDS)
    try:
        plain.settimeout(ANSWER_TIMEOUT_SECONDS)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # pg8000 sends a query in parts, and the server delays the acknowledgment of the first by 40 ms.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(
            _StartupName(credential.username.encode()),
            password=credential.password,
            host=endpoint.host,
            database=endpoint.database,
            sock=plain,
            # With None, pg8000 would try TLS without verifying the certificate.
            ssl_context=tls or False,
            application_name="db_bootstrap",
        )
    except BaseException:
        plain.close()
        raise
    connection.register_out_adapter(list, text_array)
    return connection


@cache
def _tls(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigurationError(
            f"The certificates in {ca_file} cannot be used: {error.strerror or error}. Name a PEM file with the "
            "authorities of the database in DATABASE_CA_FILE, or in sslrootcert on the command line."
        ) from None
