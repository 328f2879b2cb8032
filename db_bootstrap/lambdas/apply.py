"""The function that applies an access document and ensures the logins' credentials.

Terraform invokes `bootstrap` after it has created the database and before it creates the service. Raising an error is
the only way to fail Terraform's apply. The result is stored in Terraform's state, and contains no secret. Several
invocations, concurrent ones included, are safe.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from db_bootstrap.apply import ReviewedPlan, apply, locked
from db_bootstrap.credentials.initial import PublishedCredential, ensure_credential
from db_bootstrap.credentials.store import SecretStore, master_credential, store_of_runtime
from db_bootstrap.document import parse_document
from db_bootstrap.document.model import AccessDocument
from db_bootstrap.errors import EventError
from db_bootstrap.inspect.session import Session, connected_as_master
from db_bootstrap.lambdas import metrics
from db_bootstrap.lambdas.handler import handler, logger
from db_bootstrap.model import Endpoint, Plan
from db_bootstrap.plan_digest import is_digest
from db_bootstrap.report import changes
from db_bootstrap.settings import Settings
from db_bootstrap.values import dataclass


@dataclass(frozen=True)
class ApplyEvent:
    """The event with which Terraform invokes the function.

    Attributes:
        secret_arns: The ARN of each rotated login's secret, by the login's name.
        expected_digest: The digest of the reviewed plan; None, null or missing in the event, to do all that is needed.
    """

    document: AccessDocument
    secret_arns: dict[str, str]
    expected_digest: str | None = None

    @classmethod
    def parse(cls, event: object) -> "ApplyEvent":
        """Validate an event.

        Raises:
            EventError: It is invalid, or its secrets do not match the document's logins.
            AccessDocumentError: Its document is invalid.
        """
        if not isinstance(event, Mapping) or set(event) - {"expected_digest"} != {"action", "document", "secret_arns"}:
            keys = sorted(event) if isinstance(event, Mapping) else type(event).__name__
            raise EventError(
                f"The event must have action, document and secret_arns, optionally expected_digest; it has {keys}."
            )
        if event["action"] != "apply":
            raise EventError(f"The action must be 'apply', and is {event['action']!r}.")
        document, arns = parse_document(event["document"]), event["secret_arns"]
        if not isinstance(arns, Mapping) or not all(isinstance(arn, str) and arn for arn in arns.values()):
            raise EventError("secret_arns must map each rotated login to the ARN of its secret.")
        if set(arns) != set(document.rotated_logins):
            raise EventError(
                f"secret_arns must name exactly the document's rotated logins, {sorted(document.rotated_logins)}; "
                f"it names {sorted(arns)}."
            )
        expected = event.get("expected_digest")
        if expected is not None and not (isinstance(expected, str) and is_digest(expected)):
            raise EventError(f"expected_digest must be a digest that plan returned, or null, and is {expected!r}.")
        return cls(document, dict(arns), expected)


@handler("Apply failed", "Everything was applied, and the log has each statement. Apply again: its answer is short.")
def bootstrap(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Make the database's access what the document declares, and ensure that every login has a credential.

    Returns:
        The database's name, what each login gained and lost, the statements that ran with their reasons, each login's
        outcome, what was left alone.

    Raises:
        BootstrapError: Nothing was changed, or a later run continues; the message says what to do.
    """
    report = run(ApplyEvent.parse(event), Settings.from_environment(os.environ), store_of_runtime())
    # There is no drift now, and its alarm need not wait for the next check.
    metrics.record_drift(report["database"], 0)
    return report


def run(event: ApplyEvent, settings: Settings, store: SecretStore) -> dict[str, Any]:
    """Process one event, without Lambda."""

    def master(endpoint: Endpoint) -> AbstractContextManager[Session]:
        return connected_as_master(endpoint, lambda: master_credential(settings, store))

    def elsewhere(database: str) -> AbstractContextManager[Session]:
        return master(replace(settings.endpoint, database=database))

    with master(settings.endpoint) as connection, locked(connection):
        reviewed = ReviewedPlan(settings.endpoint.host, event.expected_digest) if event.expected_digest else None
        done = apply(connection, event.document, reviewed, elsewhere)
        for statement in done.statements:
            logger.info("Statement executed", sql=statement.sql, reason=statement.reason)
        credentials = []
        for login, arn in sorted(event.secret_arns.items()):
            credentials.append(ensure_credential(connection, settings.endpoint, store, login, arn))
            logger.info("Credential ensured", login=login, outcome=credentials[-1].outcome)
    return _report(event.document, done, credentials)


def _report(document: AccessDocument, done: Plan, credentials: list[PublishedCredential]) -> dict[str, Any]:
    return {
        "database": document.database,
        "summary": list(done.summary),
        "changes": changes(done.statements, document.database),
        "credentials": [asdict(credential) for credential in credentials],
        "unmanaged": list(done.unmanaged),
        "in_sync": True,
    }
