"""What every API call passes through on its way to moto: one small layer a duty.

Each function takes the handler below it and gives the handler above it. The order is the server's to choose.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from localaws.http.call import Answer, ApiCall, error_answer

if TYPE_CHECKING:
    from localaws.journal import Journal

Handler = Callable[[ApiCall], Answer]

# Answers kept for replay; a retry follows its call by seconds.
REPLAYABLE_ANSWERS = 500
# Secrets Manager's token is the version's id, and a repetition is judged by what the version holds now.
KEEPS_ITS_OWN_TOKENS = frozenset({"secretsmanager"})
# These wait for something that may itself need the service; two of them at once harm nothing.
WAITING_OPERATIONS = frozenset(
    {("lambda", "Invoke"), ("sqs", "ReceiveMessage"), ("logs", "StartLiveTail"), ("s3", "GetObject")}
)
ERROR_EXCERPT_CHARACTERS = 500


def journaled(handle: Handler, journal: Journal, caller_name: Callable[[str], str]) -> Handler:
    """Write each call with its caller, status and duration; of errors also what they say.

    Inputs and successful answers are never written: they hold secrets.

    Args:
        handle: what answers the call.
        journal: where the line goes.
        caller_name: the name that goes with an access key.
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
    """Answer 501 for what moto does not have, or fails at.

    AWS's SDKs repeat a call that was answered with 500, Terraform for many minutes; they do not repeat a 501.
    So a gap ends an apply at once, and by name.
    """

    def middleware(call: ApiCall) -> Answer:
        try:
            answer = handle(call)
        except NotImplementedError as error:
            return refuse(call, f"moto has no {call.service} {call.operation}: {error}")
        except Exception as error:  # noqa: BLE001 - whatever broke in moto must not be repeated for ever
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
        advice = "The local AWS needs a repair in localaws/moto_patches.py; the journal has the details."
        return error_answer(call, 501, "NotImplemented", f"{reason}. {advice}")

    return middleware


def _is_unrouted(call: ApiCall, answer: Answer) -> bool:
    """Whether a 404 comes from moto's routing rather than from a service that misses a resource."""
    not_found = 404
    if answer.status != not_found or call.service == "s3":
        return False
    return not answer.body or answer.body.lstrip().lower().startswith(b"<!doctype html")


def authorized(handle: Handler, refusal: Callable[[ApiCall], Answer | None]) -> Handler:
    """Ask ``refusal`` first, and pass the call on only if it has none."""

    def middleware(call: ApiCall) -> Answer:
        return refusal(call) or handle(call)

    return middleware


def serialized(handle: Handler) -> Handler:
    """Let one call a service into moto: its backends are plain dictionaries, changed while others iterate."""
    locks: dict[str, threading.Lock] = {}

    def middleware(call: ApiCall) -> Answer:
        if (call.service, call.operation) in WAITING_OPERATIONS:
            return handle(call)
        with locks.setdefault(call.service, threading.Lock()):
            return handle(call)

    return middleware


def replayed(handle: Handler, journal: Journal) -> Handler:
    """Answer a repeated call with its first answer, as AWS does by the client token.

    An SDK repeats a call whose answer was lost on the way. moto would make a second resource, which nobody
    knows of, and the destroy would fail on what it blocks; and the judge would refuse to remove for the second
    time what carries no tag any more. So this stands above both, and below a layer that lets one call a service
    through, so that a repetition never overtakes its original.
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
