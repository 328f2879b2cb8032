"""The middleware that every API call passes on its way to moto, one concern each.

Each function takes the next handler and returns a handler. The server chooses the order.
"""

import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable

from localaws.concurrency import reading_moto
from localaws.http.call import Answer, ApiCall, error_answer
from localaws.http.validation import violations_of
from localaws.journal import Journal

Handler = Callable[[ApiCall], Answer]

# Answers kept for replay; a retry follows its call by seconds.
REPLAYABLE_ANSWERS = 500
# Secrets Manager's token is the version's id, and a repetition is decided by the version's present value.
KEEPS_ITS_OWN_TOKENS = frozenset({"secretsmanager"})
# These wait for something that may need the same service, and can run concurrently.
WAITING_OPERATIONS = frozenset(
    {("lambda", "Invoke"), ("sqs", "ReceiveMessage"), ("logs", "StartLiveTail"), ("s3", "GetObject")}
)
ERROR_EXCERPT_CHARACTERS = 500


def journaled(handle: Handler, journal: Journal, caller_name: Callable[[str], str]) -> Handler:
    """Record each call with its caller, status and duration; of errors also the message.

    Inputs and successful answers are never recorded: they contain secrets.

    Args:
        handle: the next handler.
        journal: where the line is written.
        caller_name: returns the name of an access key's owner.
    """

    def middleware(call: ApiCall) -> Answer:
        started = time.monotonic()
        answer = handle(call)
        said = (
            {"said": answer.body[:ERROR_EXCERPT_CHARACTERS].decode(errors="replace")}
            if answer.status >= 400  # noqa: PLR2004
            else {}
        )
        journal.record(
            "api.call",
            service=call.service,
            operation=call.operation,
            caller=caller_name(call.access_key_id),
            status=answer.status,
            milliseconds=round((time.monotonic() - started) * 1000),
            **said,
        )
        return answer

    return middleware


def not_implemented(handle: Handler, journal: Journal) -> Handler:
    """Answer 501 for operations that moto does not have or fails at.

    AWS's SDKs retry a 500, Terraform for many minutes; they do not retry a 501. So a gap ends an apply at once, and by
    name.
    """

    def middleware(call: ApiCall) -> Answer:
        try:
            answer = handle(call)
        except NotImplementedError as error:
            return refuse(call, f"moto has no {call.service} {call.operation}: {error}")
        except Exception as error:  # noqa: BLE001 - no failure in moto must be retried
            journal.record(
                "api.failed",
                service=call.service,
                operation=call.operation,
                traceback=traceback.format_exc(),
            )
            return refuse(call, f"moto failed at {call.service} {call.operation}: {type(error).__name__}: {error}")
        if _is_unrouted(call, answer):
            return refuse(call, f"moto has no {call.service} {call.operation}")
        return answer

    def refuse(call: ApiCall, reason: str) -> Answer:
        advice = "Patch it in localaws/moto_patches.py; the journal has the details."
        return error_answer(call, 501, "NotImplemented", f"{reason}. {advice}")

    return middleware


def _is_unrouted(call: ApiCall, answer: Answer) -> bool:
    """Return True if a 404 comes from moto's routing and not from a service that misses a resource."""
    not_found = 404
    if answer.status != not_found or call.service == "s3":
        return False
    return not answer.body or answer.body.lstrip().lower().startswith(b"<!doctype html")


def authorized(handle: Handler, denial: Callable[[ApiCall], Answer | None]) -> Handler:
    """Pass a call on only if ``denial`` returns None for it."""

    def middleware(call: ApiCall) -> Answer:
        return denial(call) or handle(call)

    return middleware


def validated(handle: Handler, journal: Journal) -> Handler:
    """Refuse a call that AWS's model of the operation does not allow, and record why."""

    def middleware(call: ApiCall) -> Answer:
        found = list(violations_of(call))
        if not found:
            return handle(call)
        journal.record("api.invalid", service=call.service, operation=call.operation, violations=found)
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
        code = "ValidationException" if call.protocol in {"json", "rest-json"} else "ValidationError"
        return error_answer(call, 400, code, f"{count}: {'; '.join(found)}")

    return middleware


def serialized(handle: Handler) -> Handler:
    """Pass one call at a time for each service: moto's backends are plain dictionaries, without locks."""
    locks: dict[str, threading.Lock] = {}

    def middleware(call: ApiCall) -> Answer:
        if (call.service, call.operation) in WAITING_OPERATIONS:
            return handle(call)
        with locks.setdefault(call.service, threading.Lock()):
            return handle(call)

    return middleware


def repeated(handle: Handler) -> Handler:
    """Repeat a call that only reads, if it must be, see ``reading_moto``."""
    read = reading_moto(handle)
    return lambda call: read(call) if call.is_read else handle(call)


def replayed(handle: Handler, journal: Journal) -> Handler:
    """Answer a repeated call with its first answer, as AWS does by the client token.

    An SDK retries a call whose answer was lost. moto would create a second resource, unknown to the caller, and a
    destroy would fail on what it blocks; and the authorizer would refuse to delete a resource whose tags are gone. So
    this is above both, and below ``serialized``, so that a retry never overtakes the original.
    """
    answers: OrderedDict[tuple[str, str, str, str, bytes], Answer] = OrderedDict()

    def middleware(call: ApiCall) -> Answer:
        if call.idempotency_token is None or call.service in KEEPS_ITS_OWN_TOKENS:
            return handle(call)
        key = (call.service, call.operation, call.access_key_id, call.idempotency_token, call.body)
        if key in answers:
            journal.record("api.replayed", service=call.service, operation=call.operation)
            return answers[key]
        answer = handle(call)
        if answer.status < 300:  # noqa: PLR2004
            answers[key] = answer
            while len(answers) > REPLAYABLE_ANSWERS:
                answers.popitem(last=False)
        return answer

    return middleware
