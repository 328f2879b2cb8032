"""The function that looks and never changes: what an apply would do, and whether the database is as declared.

`plan` is what Lambda calls: for Terraform while it plans, and for the schedule that watches for drift. Nothing in this
module leads to `reconcile.apply` or to the writing of a secret, and its role may not write one. PostgreSQL is told that
the session and its one transaction only read, so it would refuse a statement that changes something.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from pg8000.native import Connection

from db_bootstrap import apply as reconcile
from db_bootstrap import document as access
from db_bootstrap.credentials.store import SecretStore, store_of_runtime
from db_bootstrap.errors import AccessDocumentError, BootstrapError, EventError
from db_bootstrap.inspect.session import connected_as_master
from db_bootstrap.lambdas import metrics
from db_bootstrap.report import Action, Report, content
from db_bootstrap.settings import Settings

logger = Logger()


@dataclass(frozen=True)
class PlanEvent:
    """What is asked.

    Attributes:
        action: `Action.PLAN`, whose answer Terraform shows, or `Action.VERIFY`, which is counted as drift.
        document: The access document, not parsed yet.
    """

    action: Action
    document: Any

    @classmethod
    def parse(cls, event: object) -> "PlanEvent":
        """Check an event, but for its document.

        Raises:
            EventError: It is not one.
        """
        if not isinstance(event, Mapping) or set(event) != {"action", "document"}:
            keys = sorted(event) if isinstance(event, Mapping) else type(event).__name__
            raise EventError(f"The event must have the keys action and document, and has {keys}.")
        if event["action"] not in (Action.PLAN, Action.VERIFY):
            raise EventError(
                f"The action must be 'plan' or 'verify', and is {event['action']!r}. This function cannot apply."
            )
        return cls(Action(event["action"]), event["document"])


@logger.inject_lambda_context(clear_state=True)
def plan(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Compare the database with a document.

    Returns:
        `render.content`: whether they agree, the statements that an apply would run and their digest, why it could not,
        and what is not managed. For `Action.PLAN` a failure is an answer too, as a refusal: Terraform shows it as a
        paragraph, and the alarm on this function's errors stays for the watch over drift.

    Raises:
        EventError: The event is not one.
        BootstrapError: `Action.VERIFY` could not be done; the message says what to do.
    """
    asked = PlanEvent.parse(event)
    try:
        report = run(asked, Settings.from_environment(os.environ), store_of_runtime())
    except BootstrapError as error:
        # Without a traceback: the message is made for its reader, and Lambda adds the trace to its own record.
        logger.error("Not done", error=type(error).__name__, reason=str(error))  # noqa: TRY400
        if asked.action is Action.VERIFY:
            raise
        report = Report(Action.PLAN, os.environ.get("DATABASE_NAME", ""), (), _reasons(error), ())
    if asked.action is Action.VERIFY:
        metrics.record_drift(report.database, len(report.statements) + len(report.refusals))
        for statement in report.statements:
            logger.warning("Drift", reason=statement.reason, sql=statement.sql)
        for refusal in report.refusals:
            logger.warning("Drift that cannot be mended", reason=refusal)
    return content(report)


def run(event: PlanEvent, settings: Settings, store: SecretStore) -> Report:
    """`plan` without Lambda: the same, for one event."""
    document = access.parse(event.document)

    @contextmanager
    def reading(database: str) -> Iterator[Connection]:
        there = replace(settings.endpoint, database=database)
        with connected_as_master(there, lambda: store.master(settings.master_secret_arn)) as connection:
            connection.run("SET default_transaction_read_only = on")
            yield connection

    with reading(settings.endpoint.database) as connection:
        # One look at one moment: an apply that is under way is seen as a whole or not at all.
        connection.run("START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        planned = reconcile.plan(connection, document, reading)
        digest = None
        if event.action is Action.PLAN:
            digest = reconcile.digest(connection, settings.endpoint.host, planned) or None
    return Report(event.action, document.database, planned.statements, planned.refusals, planned.unmanaged, digest)


def _reasons(error: BootstrapError) -> tuple[str, ...]:
    return error.problems if isinstance(error, AccessDocumentError) else (str(error),)
