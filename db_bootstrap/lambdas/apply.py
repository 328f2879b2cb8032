"""What Lambda calls.

`bootstrap` is invoked by Terraform between the database and the service. An error is the only way to fail an apply, so
whatever goes wrong is raised; what is returned stands in Terraform's state and holds nothing secret. It may be invoked
more than once, also at the same time.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from pg8000.native import Connection

from db_bootstrap import apply as reconcile
from db_bootstrap import document as access
from db_bootstrap.credentials.initial import PublishedCredential, ensure_credential
from db_bootstrap.credentials.store import SecretStore, store_of_runtime
from db_bootstrap.document import AccessDocument
from db_bootstrap.errors import BootstrapError, EventError
from db_bootstrap.inspect.session import Endpoint, connected_as_master
from db_bootstrap.lambdas import metrics
from db_bootstrap.plan_digest import is_digest
from db_bootstrap.report import changes
from db_bootstrap.settings import Settings

logger = Logger()


@dataclass(frozen=True)
class ApplyEvent:
    """What Terraform asks for.

    Attributes:
        document: The access document.
        secret_arns: The secret of each rotated login, by the login's name.
        expected_digest: Of the plan that was reviewed; None, in the event null or left out, to do whatever is needed.
    """

    document: AccessDocument
    secret_arns: dict[str, str]
    expected_digest: str | None = None

    @classmethod
    def parse(cls, event: object) -> "ApplyEvent":
        """Check an event.

        Raises:
            EventError: It is not one, or its secrets do not match the document's logins.
            AccessDocumentError: Its document is wrong.
        """
        if not isinstance(event, Mapping) or set(event) - {"expected_digest"} != {"action", "document", "secret_arns"}:
            keys = sorted(event) if isinstance(event, Mapping) else type(event).__name__
            raise EventError(
                f"The event needs the keys action, document and secret_arns, may have expected_digest, and has {keys}."
            )
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
        expected = event.get("expected_digest")
        if expected is not None and not (isinstance(expected, str) and is_digest(expected)):
            raise EventError(f"expected_digest must be a digest as plan answers it, or null, and is {expected!r}.")
        return cls(document, dict(arns), expected)


@logger.inject_lambda_context(clear_state=True)
def bootstrap(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Make the database's roles and privileges what the document declares, and see that every login has a credential.

    Returns:
        The database's name, the statements that ran with their reasons, each login's outcome, what was left alone.

    Raises:
        BootstrapError: Nothing was changed, or a later run continues; the message says what to do.
    """
    try:
        report = run(ApplyEvent.parse(event), Settings.from_environment(os.environ), store_of_runtime())
    except BootstrapError as error:
        # Without a traceback: the message is made for its reader, and Lambda adds the trace to its own record.
        logger.error("Not done", error=type(error).__name__, reason=str(error))  # noqa: TRY400
        raise
    # Whatever the watch over drift found is mended now, and its alarm need not wait for the next look.
    metrics.record_drift(report["database"], 0)
    return report


def run(event: ApplyEvent, settings: Settings, store: SecretStore) -> dict[str, Any]:
    """`bootstrap` without Lambda: the same, for one event."""

    def master(endpoint: Endpoint) -> AbstractContextManager[Connection]:
        return connected_as_master(endpoint, lambda: store.master(settings.master_secret_arn))

    def elsewhere(database: str) -> AbstractContextManager[Connection]:
        return master(replace(settings.endpoint, database=database))

    with (
        master(settings.endpoint) as connection,
        reconcile.locked(connection),
    ):
        done = reconcile.apply(connection, event.document, _reviewed(event, settings), elsewhere)
        for statement in done.statements:
            logger.info("Ran a statement", sql=statement.sql, reason=statement.reason)
        credentials = []
        for login, arn in sorted(event.secret_arns.items()):
            credentials.append(ensure_credential(connection, settings.endpoint, store, login, arn))
            logger.info("Saw to a credential", login=login, outcome=credentials[-1].outcome)
    return _report(event.document, done, credentials)


def _reviewed(event: ApplyEvent, settings: Settings) -> reconcile.Reviewed | None:
    return reconcile.Reviewed(settings.endpoint.host, event.expected_digest) if event.expected_digest else None


def _report(document: AccessDocument, done: reconcile.Plan, credentials: list[PublishedCredential]) -> dict[str, Any]:
    return {
        "database": document.database,
        "changes": changes(done.statements, document.database),
        "credentials": [asdict(credential) for credential in credentials],
        "unmanaged": list(done.unmanaged),
        "in_sync": True,
    }
