"""Sessions with the database: verified TLS, timeouts, and patience with a server that is not ready yet.

By default pg8000 tries TLS without verifying the certificate, and continues in plain text if the server has no TLS. So
it is always given a context here.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache, partial
from itertools import chain, repeat
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from db_bootstrap.errors import (
    ConfigurationError,
    NotReadyError,
    RefusedLoginError,
    StatementError,
    UnreachableDatabaseError,
)
from db_bootstrap.model import Credential, Endpoint
from db_bootstrap.sql import bound

if TYPE_CHECKING:
    import ssl

    from pg8000.native import Connection

CONNECT_TIMEOUT_SECONDS = 10
STATEMENT_TIMEOUT_SECONDS = 60
ANSWER_TIMEOUT_SECONDS = STATEMENT_TIMEOUT_SECONDS + 15
"""The socket's timeout; the server cancels a statement before that."""

MASTER_RETRY_SECONDS = 90
"""RDS rotates the master's password, and for about a minute a reader may get the previous version."""

_PAUSE_SECONDS = (1.0, 2.0, 4.0, 8.0, 10.0)
_REFUSED = frozenset({"28P01", "28000"})
_READ_ONLY = "25006"
_NOT_READY = frozenset({"57P01", "57P02", "57P03", "53300"})
"""The server is shutting down or starting, or has no connection to spare."""
_DRIVER_LOST_CONNECTION = "network error"

# In the startup message, so that they precede all settings of roles and databases, and the first code that runs.
_SETTINGS = {
    # Find nothing by search path: PostgreSQL then prints types with their schemas, and no foreign object is called.
    "search_path": "pg_catalog, pg_temp",
    "row_security": "off",  # an error instead of the code of a policy
    "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
    # Compiling one of `queries` takes seconds and running it milliseconds, contrary to the planner's estimate.
    "jit": "off",
    # Dates are compared as text.
    "datestyle": "ISO",
    "timezone": "UTC",
}

_NO_ADVICE: Mapping[str, str] = MappingProxyType({})

Rows = Sequence[Sequence[Any]]

Run = Callable[..., Rows]
"""Runs one query with parameters by keyword, and returns its rows."""


class Session:
    """A session that translates every error of the driver and the network into one of this package."""

    def __init__(self, driver: "Connection") -> None:
        self._driver = driver

    def run(
        self,
        sql: str,
        *,
        failure: str = "PostgreSQL refused a statement; nothing was changed.",
        advice: Mapping[str, str] = _NO_ADVICE,
        **parameters: str | list[str],
    ) -> Rows:
        """Run one statement, and return its rows.

        Args:
            sql: With ``:name`` for each parameter.
            failure: The first line of an error's message. The statement is not part of it: it may contain a verifier.
            advice: What to do, by SQLSTATE, where that is not what `remedy` says.
            parameters: The values, by name.

        Raises:
            StatementError: The server refused the statement, or the connection broke.
        """
        try:
            rows: Rows | None = self._driver.run(bound(sql, parameters) if parameters else sql)
        except _driver_errors() as error:
            message, sqlstate = describe_error(error)
            raise StatementError(f"{failure}\n{message}{advice.get(sqlstate) or remedy(sqlstate)}", sqlstate) from None
        return rows or []

    @contextmanager
    def transaction(self, unconfirmed: str) -> Iterator[None]:
        """Begin a transaction, commit it at the end, and roll it back after any error.

        Raises:
            StatementError: It could not be begun or committed; ``unconfirmed`` is the first line if the commit failed.
        """
        self.run("BEGIN")
        try:
            yield
            self.run("COMMIT", failure=unconfirmed)
        except BaseException:
            with suppress(StatementError):  # if the connection broke, the server rolls back
                self.run("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the session, which may have broken before."""
        with suppress(*_driver_errors()):
            self._driver.close()


OpenElsewhere = Callable[[str], AbstractContextManager[Session]]
"""Opens a session of the master in another database of the same server, by its name."""


class _StartupName(bytes):
    """A user name, which PostgreSQL reads from the startup message only.

    It ignores the name in SCRAM messages, and libpq sends none ("SASL Authentication" in PostgreSQL's documentation).
    pg8000 nevertheless lets scramp prepare it, which refuses emoji and control characters (SASLprep, RFC 4013).
    """

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 - as bytes has it
        """Return a placeholder for SCRAM messages."""
        return "*"


def connected(endpoint: Endpoint, credential: Credential) -> AbstractContextManager[Session]:
    """Open a session that only reads, at the first attempt, and close it at the end.

    Raises:
        ConfigurationError: The CA file cannot be used.
        RefusedLoginError: The server refuses the login, with its code.
        UnreachableDatabaseError: The connection failed, or could not be verified.
    """
    return connected_as_master(endpoint, lambda: credential, 0, is_read_only=True)


@contextmanager
def connected_as_master(
    endpoint: Endpoint,
    read_credential: Callable[[], Credential],
    retry_seconds: float = MASTER_RETRY_SECONDS,
    *,
    is_read_only: bool = False,
) -> Iterator[Session]:
    """Open a session as the master, and close it at the end.

    While the server refuses the credential, its secret is read again. A server that is starting, has no connection to
    spare, refuses connections or is still a standby after a failover is retried too.

    Args:
        endpoint: The database.
        read_credential: Returns the master's credential.
        retry_seconds: How long to retry.
        is_read_only: True if PostgreSQL must refuse changes; a standby is accepted then.

    Raises:
        RefusedLoginError: The server still refuses it after ``retry_seconds``.
        UnreachableDatabaseError: No verified connection could be opened, or the server is not ready in time.
    """
    deadline = time.monotonic() + retry_seconds
    for pause in chain(_PAUSE_SECONDS, repeat(_PAUSE_SECONDS[-1])):
        try:
            session = _open(endpoint, read_credential(), is_read_only=is_read_only)
            break
        except (RefusedLoginError, NotReadyError):
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise
            time.sleep(min(pause, remaining))
    try:
        yield session
    finally:
        session.close()


def describe_error(error: Exception) -> tuple[str, str]:
    """Return the server's message, for a person, and its SQLSTATE, which is "" if the connection failed."""
    fields = error.args[0] if error.args else None
    if isinstance(fields, dict):
        parts = [f"{fields.get('S', 'ERROR')} {fields.get('C', '')}: {fields.get('M', '')}"]
        parts += [f"{label}: {fields[key]}" for key, label in (("D", "Detail"), ("H", "Hint")) if key in fields]
        return "\n".join(parts), str(fields.get("C", ""))
    return f"{type(error).__name__}: {error}", ""


_REMEDIES = {
    "55P03": "Another session held a lock for too long; apply again when the database is less busy.",
    # "tuple concurrently updated": others do not take our lock
    "XX000": "Most likely another session changed the same thing at the same moment; apply again.",
    "42501": "The master lacks a right that it needs. Log in as a role that has it, such as one with ADMIN OPTION "
    "on the role (\\drg in psql), and grant it to the master; or choose another name, or take the entry "
    "out of the document. On RDS apply as a member of rds_superuser: no customer can act as rdsadmin.",
    _READ_ONLY: "The server accepts no changes: it is a standby, as just after a failover, its storage is full, or "
    "default_transaction_read_only is on. Wait for the failover, or add storage; then apply again.",
    "57P03": "The server is starting or shutting down; apply again when it accepts connections.",
    "53300": "All connections are in use. End idle sessions, which pg_stat_activity shows, or raise the limit of the "
    "role, the database or the server; then apply again.",
    "": "The connection broke; apply again.",
}


def remedy(sqlstate: str) -> str:
    """Return what to do about an error, on a separate line; "" if that is not known."""
    return f"\n{_REMEDIES[sqlstate]}" if sqlstate in _REMEDIES else ""


def catalog_reader(session: Session) -> Run:
    """Return a function that reads the catalogs."""
    return partial(session.run, failure="The catalogs could not be read; nothing was changed.")


def _open(endpoint: Endpoint, credential: Credential, *, is_read_only: bool) -> Session:
    tls = None if endpoint.ca_file is None else _tls(endpoint.ca_file)
    where = f"{endpoint.host}:{endpoint.port}/{endpoint.database}"
    try:
        driver = _start_session(endpoint, credential, tls, is_read_only=is_read_only)
    except _unsendable():
        raise ConfigurationError(
            f"The user or the password for the database at {where} has characters that PostgreSQL's login cannot "
            "send; use printable ASCII characters."
        ) from None
    except _driver_errors() as error:
        message, sqlstate = describe_error(error)
        if sqlstate in _REFUSED:
            raise RefusedLoginError(
                f"The database at {where} refuses the login {credential.username!r}.\n{message}", sqlstate
            ) from None
        if sqlstate:
            kind = NotReadyError if sqlstate in _NOT_READY else UnreachableDatabaseError
            raise kind(f"The database at {where} is not ready.\n{message}{remedy(sqlstate)}", sqlstate) from None
        if isinstance(error, ConnectionError) or str(error) == _DRIVER_LOST_CONNECTION:
            raise NotReadyError(
                f"The database at {where} refuses connections or ended this one.\n{message}\nCheck the security "
                "groups, the routes, and that the server runs."
            ) from None
        raise UnreachableDatabaseError(
            f"No connection that can be trusted to the database at {where}.\n{message}\nCheck the security groups, the "
            f"routes, and that {endpoint.ca_file or 'sslrootcert'} holds the authority that signed the server's "
            "certificate."
        ) from None
    session = Session(driver)
    if not is_read_only and driver.parameter_statuses.get("in_hot_standby") == "on":
        session.close()
        raise NotReadyError(f"The database at {where} is a standby.{remedy(_READ_ONLY)}", _READ_ONLY)
    return session


def _start_session(
    endpoint: Endpoint, credential: Credential, tls: "ssl.SSLContext | None", *, is_read_only: bool
) -> "Connection":
    """Open a session on our socket: pg8000's would keep the connect timeout as the timeout for answers."""
    import socket  # noqa: PLC0415 - only a connection needs it

    from pg8000.native import Connection  # noqa: PLC0415 - half of the program's start

    plain = socket.create_connection((endpoint.host, endpoint.port), CONNECT_TIMEOUT_SECONDS)
    try:
        plain.settimeout(ANSWER_TIMEOUT_SECONDS)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # pg8000 sends a query in parts, and the server delays the acknowledgment of the first by 40 ms.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Connection(
            _StartupName(credential.username.encode()),
            password=credential.password,
            host=endpoint.host,
            database=endpoint.database,
            sock=plain,
            # With None, pg8000 would try TLS without verifying the certificate.
            ssl_context=tls or False,
            application_name="db_bootstrap",
            startup_params=_SETTINGS | ({"default_transaction_read_only": "on"} if is_read_only else {}),
        )
    except BaseException:
        plain.close()
        raise


@cache
def _driver_errors() -> tuple[type[Exception], ...]:
    from pg8000.exceptions import Error  # noqa: PLC0415 - half of the program's start

    return Error, OSError


@cache
def _unsendable() -> tuple[type[Exception], ...]:
    from scramp import ScramException  # noqa: PLC0415 - half of the program's start

    return ScramException, UnicodeError


@cache
def _tls(ca_file: str) -> "ssl.SSLContext":
    import ssl  # noqa: PLC0415 - only a connection needs it

    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigurationError(
            f"The certificates in {ca_file} cannot be used: {error.strerror or error}. Name a PEM file with the "
            "authorities of the database in DATABASE_CA_FILE, or in sslrootcert on the command line."
        ) from None
