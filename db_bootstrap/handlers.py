"""What Lambda calls.

`bootstrap` is invoked by Terraform between the database and the service. An error is the only way to fail an apply, so
whatever goes wrong is raised; what is returned stands in Terraform's state and holds nothing secret. It may be invoked
more than once, also at the same time.
"""

import functools
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from pg8000.native import Connection

from db_bootstrap import access, reconcile
from db_bootstrap.access import AccessDocument
from db_bootstrap.connection import Endpoint, connected_as_master
from db_bootstrap.errors import BootstrapError, ConfigurationError, EventError
from db_bootstrap.logins import PublishedCredential, ensure_credential
from db_bootstrap.secret_store import SecretStore

logger = Logger()

DEFAULT_CA_FILE = Path(__file__).parent.parent / "rds-ca.pem"
SDK_TIMEOUT_SECONDS = 10


@attrs.frozen
class Settings:
    """The function's environment.

    Attributes:
        endpoint: DATABASE_HOST, DATABASE_PORT, DATABASE_NAME, and DATABASE_CA_FILE or the file in the zip.
        master_secret_arn: MASTER_SECRET_ARN.
    """

    endpoint: Endpoint
    master_secret_arn: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings.

        Raises:
            ConfigurationError: One is missing, or the port is no number.
        """
        needed = ("DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME", "MASTER_SECRET_ARN")
        missing = [name for name in needed if not environment.get(name)]
        if missing:
            raise ConfigurationError(f"The function's environment lacks {', '.join(missing)}; set them in Terraform.")
        port = environment["DATABASE_PORT"]
        if not port.isdigit():
            raise ConfigurationError(f"DATABASE_PORT is {port!r}; give a number.")
        ca_file = environment.get("DATABASE_CA_FILE") or str(DEFAULT_CA_FILE)
        endpoint = Endpoint(environment["DATABASE_HOST"], int(port), environment["DATABASE_NAME"], ca_file)
        return cls(endpoint, environment["MASTER_SECRET_ARN"])


@attrs.frozen
class ApplyEvent:
    """What Terraform asks for.

    Attributes:
        document: The access document.
        secret_arns: The secret of each rotated login, by the login's name.
    """

    document: AccessDocument
    secret_arns: dict[str, str]

    @classmethod
    def parse(cls, event: object) -> "ApplyEvent":
        """Check an event.

        Raises:
            EventError: It is not one, or its secrets do not match the document's logins.
            AccessDocumentError: Its document is wrong.
        """
        if not isinstance(event, Mapping) or set(event) != {"action", "document", "secret_arns"}:
            keys = sorted(event) if isinstance(event, Mapping) else type(event).__name__
            raise EventError(f"The event must have the keys action, document and secret_arns, and has {keys}.")
        if event["action"] != "apply":
            raise EventError(f"The action must be 'apply', and is {event['action']!r}.")
        document, arns = access.parse(event["document"]), event["secret_arns"]
        if not isinstance(arns, Mapping) or not all(isinstance(arn, str) and arn for arn in arns.values()):
            raise EventError("secret_arns must map each rotated login to the ARN of its secret.")
        if set(arns) != set(document.rotated_logins()):
            raise EventError(
                f"secret_arns must name exactly the document's rotated logins, {sorted(document.rotated_logins())}; "
                f"it names {sorted(arns)}."
            )
        return cls(document, dict(arns))


@logger.inject_lambda_context(clear_state=True)
def bootstrap(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Make the database's roles and privileges what the document declares, and see that every login has a credential.

    Returns:
        The database's name, the statements that ran with their reasons, each login's outcome, what was left alone.

    Raises:
        BootstrapError: Nothing was changed, or a later run continues; the message says what to do.
    """
    try:
        return run(ApplyEvent.parse(event), Settings.from_environment(os.environ), _store())
    except BootstrapError as error:
        # Without a traceback: the message is made for its reader, and Lambda adds the trace to its own record.
        logger.error("Not done", error=type(error).__name__, reason=str(error))  # noqa: TRY400
        raise


def run(event: ApplyEvent, settings: Settings, store: SecretStore) -> dict[str, Any]:
    """`bootstrap` without Lambda: the same, for one event."""

    def master(endpoint: Endpoint) -> AbstractContextManager[Connection]:
        return connected_as_master(endpoint, lambda: store.master(settings.master_secret_arn))

    def elsewhere(database: str) -> AbstractContextManager[Connection]:
        return master(attrs.evolve(settings.endpoint, database=database))

    with (
        master(settings.endpoint) as connection,
        reconcile.locked(connection),
    ):
        done = reconcile.apply(connection, event.document, elsewhere=elsewhere)
        for statement in done.statements:
            logger.info("Ran a statement", sql=statement.sql, reason=statement.reason)
        credentials = []
        for login, arn in sorted(event.secret_arns.items()):
            credentials.append(ensure_credential(connection, settings.endpoint, store, login, arn))
            logger.info("Saw to a credential", login=login, outcome=credentials[-1].outcome)
    return _report(event.document, done, credentials)


def _report(document: AccessDocument, done: reconcile.Plan, credentials: list[PublishedCredential]) -> dict[str, Any]:
    return {
        "database": document.database,
        "changes": [
            {"sql": step.sql, "reason": step.reason, "destructive": step.is_destructive} for step in done.statements
        ],
        "credentials": [attrs.asdict(credential) for credential in credentials],
        "unmanaged": list(done.unmanaged),
        "in_sync": True,
    }


@functools.cache
def _store() -> SecretStore:
    import boto3  # noqa: PLC0415 - Lambda brings it; it is slow to import and not needed to refuse an event
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=SDK_TIMEOUT_SECONDS,
        read_timeout=SDK_TIMEOUT_SECONDS,
        retries={"mode": "standard", "max_attempts": 5},
    )
    return SecretStore(boto3.client("secretsmanager", config=config))
