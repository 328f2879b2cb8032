"""Verification that a credential works: a new session over verified TLS, as the right login and with its rights.

A successful login is not enough. PostgreSQL accepts a session whose membership is gone, and one that cannot SET ROLE to
its ``role`` setting: it warns, and continues as the login itself. So the session reports its users and a table that it
can read, if there is one, and sets its login's role. It touches no object of a user, whose code would run as the login.
"""

from typing import Any

from db_bootstrap.errors import StatementError, UnfitLoginError, UnreachableDatabaseError
from db_bootstrap.inspect.session import Rows, Session, connected
from db_bootstrap.model import Credential, Endpoint
from db_bootstrap.sql import identifier

_INSUFFICIENT_PRIVILEGE = "42501"

# A setting for this database takes precedence over one for all.
_USERS = """
SELECT session_user::text, current_user::text,
       (SELECT pg_has_role(session_user, oid, 'USAGE') FROM pg_roles WHERE rolname = :login),
       (SELECT substring(setting FROM '^role=(.*)$')
        FROM pg_db_role_setting c JOIN pg_roles r ON r.oid = c.setrole, unnest(c.setconfig) AS s (setting)
        WHERE r.rolname = session_user AND setting LIKE 'role=%'
          AND c.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
        ORDER BY c.setdatabase DESC LIMIT 1)
"""

# The login itself can read this of its session; the role that it acts as cannot.
_IS_ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"

# PostgreSQL's check of privileges, and not a query of the table: even planning one runs the code of row policies and of
# index expressions, which belong to others.
_READABLE_TABLE = """
SELECT n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
LIMIT 1
"""


def verify_credential(endpoint: Endpoint, login: str, credential: Credential) -> tuple[str, str] | None:
    """Log in with a credential and check that the session has all privileges of ``login``. Changes nothing.

    Returns:
        Schema and name of a table that the session has read; None if its role can read none, or if the table is locked.

    Raises:
        RefusedLoginError: The server refuses it.
        UnreachableDatabaseError: No session could be opened, also if all of the login's connections are in use.
        UnfitLoginError: The session has the wrong user, or lacks privileges.
        StatementError: The server did not answer.
    """
    try:
        with connected(endpoint, credential) as session:
            return _verify_session(session, login, credential.username, is_encrypted=endpoint.ca_file is not None)
    except UnreachableDatabaseError as error:
        if error.sqlstate != _INSUFFICIENT_PRIVILEGE:
            raise
        raise UnfitLoginError(
            f"{credential.username!r} cannot connect to the database: it does not have the privileges of {login!r}. "
            "Apply the access document, which grants them."
        ) from None


def _verify_session(session: Session, login: str, username: str, *, is_encrypted: bool) -> tuple[str, str] | None:
    user, acts_as, is_member, role = _run(session, _USERS, login=login)[0]
    if user != username:
        raise UnfitLoginError(f"The session of {username!r} is one of {user!r}.")
    if acts_as != (role or user):
        raise UnfitLoginError(
            f"Sessions of {user!r} should act as {role or user!r}, and act as {acts_as!r}: a membership is missing. "
            "Apply the access document, which grants it."
        )
    if not is_member:
        raise UnfitLoginError(
            f"{user!r} does not have the privileges of {login!r}. Apply the access document, which grants them."
        )
    tables = _run(session, _READABLE_TABLE)
    _run(session, "SET ROLE NONE")
    if is_encrypted and _run(session, _IS_ENCRYPTED) != [[True]]:
        raise UnfitLoginError(f"The session of {user!r} is not encrypted.")
    _run(session, f"SET ROLE {identifier(login)}")
    return (tables[0][0], tables[0][1]) if tables else None


def _run(session: Session, sql: str, **parameters: Any) -> Rows:
    try:
        return session.run(sql, failure="The login could not be verified.", **parameters)
    except StatementError as error:
        if error.sqlstate != _INSUFFICIENT_PRIVILEGE:
            raise
        raise UnfitLoginError(
            f"The login lacks a privilege of its role. Apply the access document.\n{sql}\n{error}"
        ) from None
