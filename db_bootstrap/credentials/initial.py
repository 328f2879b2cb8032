"""The first credential of each rotated login, and the repair of one that no longer logs in.

A rotated login is a pair of login roles and one secret, which names one of the two. What is in the secret as AWSCURRENT
logs in at every moment: the password is set in the database first, tried, and only then published. Whatever crashes in
between leaves a password that nobody knows, and the next run sets another one.
"""

from dataclasses import dataclass
from enum import StrEnum

import pg8000.exceptions
from pg8000.native import Connection

from db_bootstrap.credentials.passwords import new_password, verifier
from db_bootstrap.credentials.store import LoginSecret, SecretStore
from db_bootstrap.credentials.verify import prove
from db_bootstrap.document import sibling_names
from db_bootstrap.errors import RefusedLoginError, SecretError, StatementError, UnreachableDatabaseError
from db_bootstrap.inspect.session import Credential, Endpoint, describe
from db_bootstrap.sql import identifier, literal

_TOO_MANY_CONNECTIONS = "53300"


class Outcome(StrEnum):
    """What became of a login's credential."""

    CREATED = "created"
    KEPT = "kept"
    RESTORED = "restored"


@dataclass(frozen=True)
class PublishedCredential:
    """A login whose secret holds a credential that has just logged in."""

    login: str
    secret_arn: str
    version_id: str
    outcome: Outcome


def ensure_credential(
    master: Connection, endpoint: Endpoint, store: SecretStore, login: str, secret_arn: str
) -> PublishedCredential:
    """See that a login's secret holds a credential that logs in; the caller holds the lock of `reconcile`.

    Raises:
        SecretError: The secret cannot be read or written, or holds somebody else's login.
        StatementError: The server refuses to set a password.
        RefusedLoginError: The server does not accept the password that it was just told.
        UnfitLoginError: It does, and the session does not have what its login has.
    """
    secret = store.current(secret_arn)
    if secret is None:
        credential = Credential(sibling_names(login)[0], new_password())
        set_password(master, credential)
        _log_in(endpoint, login, credential)
        version_id = store.publish(secret_arn, endpoint, credential)
        return PublishedCredential(login, secret_arn, version_id, Outcome.CREATED)
    credential = credential_in(secret, login, secret_arn)
    outcome, version_id = Outcome.KEPT, secret.version_id
    if not _logs_in(endpoint, login, credential):
        set_password(master, credential)
        _log_in(endpoint, login, credential)
        outcome = Outcome.RESTORED
    if not _names(secret, endpoint):
        version_id = store.publish(secret_arn, endpoint, credential)
        outcome = Outcome.RESTORED
    return PublishedCredential(login, secret_arn, version_id, outcome)


def set_password(master: Connection, credential: Credential) -> None:
    """Let a login role log in with this password; the server is told its verifier only.

    Raises:
        StatementError: The server refuses.
    """
    text = literal(verifier(credential.password))
    try:
        master.run(f"ALTER ROLE {identifier(credential.username)} PASSWORD {text}")
    except (pg8000.exceptions.Error, OSError) as error:
        message, sqlstate = describe(error)
        advice = (
            "\nIf the parameter rds.restrict_password_commands is on, the master must be a member of rds_password."
            if sqlstate == "42501"
            else ""
        )
        raise StatementError(
            f"The password of {credential.username!r} could not be set.\n{message}{advice}", sqlstate
        ) from None


def credential_in(secret: LoginSecret, login: str, secret_arn: str) -> Credential:
    """The credential in a login's secret.

    Raises:
        SecretError: It is somebody else's, or there is none.
    """
    username, password = username_in(secret, login, secret_arn), secret.content.get("password")
    if not (isinstance(password, str) and password and password.isascii()):
        raise SecretError(
            f"Version {secret.version_id} of the secret {secret_arn} holds no password that can be used; "
            "delete its value and apply again."
        )
    return Credential(username, password)


def username_in(secret: LoginSecret, login: str, secret_arn: str) -> str:
    """Which of a login's two login roles its secret names.

    Raises:
        SecretError: Neither: nothing is done to a role because a secret's value says so.
    """
    username = secret.content.get("username")
    if not (isinstance(username, str) and username in sibling_names(login)):
        siblings = " and ".join(sibling_names(login))
        raise SecretError(
            f"Version {secret.version_id} of the secret {secret_arn} holds the login {username!r}, and those of "
            f"{login!r} are {siblings}. Give the login a secret of its own."
        )
    return username


def _names(secret: LoginSecret, endpoint: Endpoint) -> bool:
    """Whether a secret leads to this database."""
    wanted = {"engine": "postgres", "host": endpoint.host, "port": endpoint.port, "dbname": endpoint.database}
    return all(secret.content.get(key) == value for key, value in wanted.items())


def _logs_in(endpoint: Endpoint, login: str, credential: Credential) -> bool:
    try:
        _log_in(endpoint, login, credential)
    except RefusedLoginError:
        return False
    return True


def _log_in(endpoint: Endpoint, login: str, credential: Credential) -> None:
    try:
        prove(endpoint, login, credential)
    except UnreachableDatabaseError as error:
        # The login's own limit is checked after its password: it is right, and all of its connections are in use.
        if error.sqlstate != _TOO_MANY_CONNECTIONS:
            raise
