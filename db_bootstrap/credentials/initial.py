"""The first credential of each rotated login, and the repair of one that no longer logs in.

A rotated login is a pair of login roles and one secret, which names one of the two. The AWSCURRENT version logs in at
every moment: the password is set in the database, verified, and only then published. A crash in between leaves a
password that was never published, and the next run sets another one.
"""

import contextlib
from enum import StrEnum

from db_bootstrap.credentials.passwords import new_password, verifier
from db_bootstrap.credentials.store import PREVIOUS, LoginSecret, SecretStore, is_printable
from db_bootstrap.credentials.verify import verify_credential
from db_bootstrap.document.model import login_role_names
from db_bootstrap.errors import RefusedLoginError, SecretError, UnreachableDatabaseError
from db_bootstrap.inspect.session import Session
from db_bootstrap.model import Credential, Endpoint
from db_bootstrap.sql import identifier, literal
from db_bootstrap.values import dataclass

_TOO_MANY_CONNECTIONS = "53300"


class Outcome(StrEnum):
    """The outcome for a login's credential."""

    CREATED = "created"
    KEPT = "kept"
    RESTORED = "restored"


@dataclass(frozen=True)
class PublishedCredential:
    """A login whose secret has a credential that has just been verified."""

    login: str
    secret_arn: str
    version_id: str
    outcome: Outcome


def ensure_credential(
    master: Session, endpoint: Endpoint, store: SecretStore, login: str, secret_arn: str
) -> PublishedCredential:
    """Ensure that a login's secret has a credential that logs in; the caller holds the lock of `apply`.

    Raises:
        SecretError: The secret cannot be read or written, or has the credential of another login.
        StatementError: The server refuses to set a password.
        RefusedLoginError: The server refuses the password that was just set.
        UnfitLoginError: The session lacks privileges of its login.
    """
    secret = store.current(secret_arn)
    if secret is None:
        credential = Credential(login_role_names(login)[0], new_password())
        set_password(master, credential)
        _log_in(endpoint, login, credential)
        version_id = store.publish(secret_arn, endpoint, credential)
        return PublishedCredential(login, secret_arn, version_id, Outcome.CREATED)
    credential = credential_in(secret, login, secret_arn)
    outcome, version_id = Outcome.KEPT, secret.version_id
    if not _logs_in(endpoint, login, credential):
        # First: once the current credential logs in, no later run gets here.
        _restore_alternate(master, store, login, secret_arn, credential.username)
        set_password(master, credential)
        _log_in(endpoint, login, credential)
        outcome = Outcome.RESTORED
    if not _has_endpoint(secret, endpoint):
        version_id = store.publish(secret_arn, endpoint, credential)
        outcome = Outcome.RESTORED
    return PublishedCredential(login, secret_arn, version_id, outcome)


def set_password(master: Session, credential: Credential) -> None:
    """Set the password of a login role; the server gets only its verifier.

    Raises:
        StatementError: The server refuses.
    """
    master.run(
        f"ALTER ROLE {identifier(credential.username)} PASSWORD {literal(verifier(credential.password))}",
        failure=f"The password of {credential.username!r} could not be set.",
        advice={
            "42501": "\nIf the parameter rds.restrict_password_commands is on, the master must be a member of "
            "rds_password."
        },
    )


def _restore_alternate(master: Session, store: SecretStore, login: str, secret_arn: str, current: str) -> None:
    """Set the alternate login role's password to the previous version's, or to none if that has none.

    A restored database has the passwords of its time, and one of them may have leaked since. A rotation that is under
    way and has set another one fails, and Secrets Manager tries it again.
    """
    (alternate,) = (name for name in login_role_names(login) if name != current)
    with contextlib.suppress(SecretError):
        secret = store.labelled(secret_arn, PREVIOUS)
        if secret is not None and username_in(secret, login, secret_arn) == alternate:
            set_password(master, credential_in(secret, login, secret_arn))
            return
    master.run(
        f"ALTER ROLE {identifier(alternate)} PASSWORD NULL",
        failure=f"The password of {alternate!r} could not be removed.",
    )


def credential_in(secret: LoginSecret, login: str, secret_arn: str) -> Credential:
    """Return the credential in a login's secret.

    Raises:
        SecretError: It belongs to another login, or has no usable password.
    """
    username, password = username_in(secret, login, secret_arn), secret.content.get("password")
    if not is_printable(password):
        raise SecretError(
            f"Version {secret.version_id} of the secret {secret_arn} has no usable 'password', which must be printable "
            "ASCII text. Remove its label AWSPENDING, if it has one, then rotate the secret."
        )
    return Credential(username, str(password))


def username_in(secret: LoginSecret, login: str, secret_arn: str) -> str:
    """Return the one of a login's two login roles that its secret names.

    Raises:
        SecretError: It names another role, which must not be changed because of a secret's value.
    """
    username = secret.content.get("username")
    if not (isinstance(username, str) and username in login_role_names(login)):
        login_roles = " and ".join(login_role_names(login))
        raise SecretError(
            f"Version {secret.version_id} of the secret {secret_arn} has the login role {username!r}, and those of "
            f"{login!r} are {login_roles}. Give each login a separate secret."
        )
    return username


def _has_endpoint(secret: LoginSecret, endpoint: Endpoint) -> bool:
    """Return True if a secret has the address of this database."""
    expected = {"engine": "postgres", "host": endpoint.host, "port": endpoint.port, "dbname": endpoint.database}
    return all(secret.content.get(key) == value for key, value in expected.items())


def _logs_in(endpoint: Endpoint, login: str, credential: Credential) -> bool:
    try:
        _log_in(endpoint, login, credential)
    except RefusedLoginError:
        return False
    return True


def _log_in(endpoint: Endpoint, login: str, credential: Credential) -> None:
    try:
        verify_credential(endpoint, login, credential)
    except UnreachableDatabaseError as error:
        # PostgreSQL checks the connection limit after the password, so the password is right.
        if error.sqlstate != _TOO_MANY_CONNECTIONS:
            raise
