"""The read-only function: it returns what an apply would do, checks for drift, and answers who has access and why.

Terraform invokes `plan` during its own plan, and a schedule invokes it to check for drift. This module does not import
`db_bootstrap.apply`, and its IAM role cannot write a secret. Session and transaction are read-only, so PostgreSQL would
refuse a statement that changes something.
"""

import os
import shlex
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from db_bootstrap.credentials.store import SecretStore, master_credential, store_of_runtime
from db_bootstrap.document import parse_document
from db_bootstrap.effective.access import Access
from db_bootstrap.effective.audit import audit_as_dict, audit_lines
from db_bootstrap.effective.questions import Question, QuestionKind, answer
from db_bootstrap.effective.questions import as_dict as answer_as_dict
from db_bootstrap.effective.sentences import answer_lines
from db_bootstrap.errors import AccessDocumentError, BootstrapError, EventError
from db_bootstrap.inspect.catalog import read_catalog
from db_bootstrap.inspect.session import OpenElsewhere, Session, connected_as_master
from db_bootstrap.lambdas import metrics
from db_bootstrap.lambdas.handler import check_length, handler, log_failure, logger
from db_bootstrap.plan import digest_for, make_plan
from db_bootstrap.report import Action, Report, as_dict, escaped
from db_bootstrap.settings import Settings
from db_bootstrap.values import dataclass

EXPLAIN_ACTIONS = (*map(str, QuestionKind), str(Action.AUDIT))
"""Questions about effective access, with their keys, and an audit."""


@dataclass(frozen=True)
class PlanEvent:
    """The event with which the function is invoked.

    Attributes:
        action: `Action.PLAN`, whose result Terraform shows, or `Action.VERIFY`, whose result is counted as drift.
        document: The access document, not yet parsed.
    """

    action: Action
    document: Any

    @classmethod
    def parse(cls, event: object) -> "PlanEvent":
        """Validate an event, except for its document.

        Raises:
            EventError: It is invalid.
        """
        if not isinstance(event, Mapping) or set(event) != {"action", "document"}:
            keys = sorted(event) if isinstance(event, Mapping) else type(event).__name__
            raise EventError(f"The event must have the keys action and document, and has {keys}.")
        if event["action"] not in (Action.PLAN, Action.VERIFY):
            raise EventError(
                f"The action must be 'plan' or 'verify', or without a document {', '.join(EXPLAIN_ACTIONS)}, "
                f"and is {event['action']!r}. This function cannot apply."
            )
        return cls(Action(event["action"]), event["document"])


@handler("Drift check failed")
def plan(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Compare the database with a document, or explain its access.

    Returns:
        For `EXPLAIN_ACTIONS`, what `explain` returns. Otherwise `report.as_dict`: whether they agree, what each login
        would gain and lose, the statements of an apply and their digest, refusals, and what is not managed. For
        `Action.PLAN` a failure is returned too, as a refusal: Terraform shows it as a paragraph, and the alarm on this
        function's errors remains one on drift checks.

    Raises:
        EventError: The event is invalid.
        BootstrapError: `Action.VERIFY` failed; the message says what to do.
    """
    if isinstance(event, Mapping) and event.get("action") in EXPLAIN_ACTIONS:
        return explain(event, Settings.from_environment(os.environ), store_of_runtime())
    request = PlanEvent.parse(event)
    try:
        report = run(request, Settings.from_environment(os.environ), store_of_runtime())
        if request.action is Action.PLAN:
            check_length(as_dict(report), _remedy({"action": request.action}))
    except BootstrapError as error:
        if request.action is Action.VERIFY:
            raise
        log_failure("Plan failed", error)
        report = Report((), _reasons(error), (), (), Action.PLAN, os.environ.get("DATABASE_NAME", ""))
    if request.action is Action.VERIFY:
        metrics.record_drift(report.database, len(report.differences) + len(report.refusals))
        if not report.is_in_sync:
            logger.warning("Access drift; an apply would undo it", summary=report.summary)
        for statement in report.differences:
            logger.warning("Drift detected", reason=statement.reason, sql=statement.sql)
        for refusal in report.refusals:
            logger.warning("Unfixable drift detected", reason=refusal)
    return as_dict(report)


def explain(event: Mapping[str, Any], settings: Settings, store: SecretStore) -> dict[str, Any]:
    """Answer a question, or audit the database.

    Returns:
        ``refusals``, empty unless it failed, and the command line's answer: as JSON, and its lines as ``text``.
    """
    database = settings.endpoint.database
    try:
        if event["action"] == Action.AUDIT and event.keys() != {"action"}:
            raise EventError("The event of an audit has no key but action.")
        question = None if event["action"] == Action.AUDIT else Question.parse(event)
        with _opener(settings, store)(database) as session:
            access = Access(read_catalog(session))
        if question is None:
            as_json, lines = audit_as_dict(access), audit_lines(access)
        else:
            answered = answer(question, access)
            as_json = answer_as_dict(answered, database)
            lines = answer_lines(answered, is_verbose=question.kind is QuestionKind.WHY)
        explained = {**as_json, "text": [escaped(line) for line in lines], "refusals": []}
        check_length(explained, _remedy(event))
    except BootstrapError as error:
        log_failure("Question failed", error)
        return {"action": event["action"], "database": database, "refusals": list(_reasons(error))}
    return explained


def run(event: PlanEvent, settings: Settings, store: SecretStore) -> Report:
    """Process one event, without Lambda."""
    document = parse_document(event.document)
    reading = _opener(settings, store)
    with reading(settings.endpoint.database) as session:
        # One consistent snapshot: a concurrent apply is visible as a whole or not at all.
        session.run("START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        planned = make_plan(session, document, reading)
        digest = None
        if event.action is Action.PLAN:
            digest = digest_for(session, settings.endpoint.host, planned) or None
    return Report(**vars(planned), action=event.action, database=document.database, digest=digest)


def _opener(settings: Settings, store: SecretStore) -> OpenElsewhere:
    def reading(database: str) -> AbstractContextManager[Session]:
        endpoint = replace(settings.endpoint, database=database)
        return connected_as_master(endpoint, lambda: master_credential(settings, store), is_read_only=True)

    return reading


def _remedy(event: Mapping[str, Any]) -> str:
    options = [f"--{key} {shlex.quote(event[key])}" for key in ("of", "on", "privilege") if event.get(key)]
    command = " ".join(["python -m db_bootstrap", event["action"], *options, "--dsn URL"])
    return f"Run {command}, which has no limit, or ask about one role and one object."


def _reasons(error: BootstrapError) -> tuple[str, ...]:
    return error.problems if isinstance(error, AccessDocumentError) else (str(error),)
