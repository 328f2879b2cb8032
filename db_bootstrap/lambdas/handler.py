"""Shared parts of the handlers: the log, and the errors that they raise."""

import functools
import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import pg8000.native  # noqa: F401 - `session` imports it late, and Lambda has more processor time before an invocation
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from db_bootstrap.errors import AnswerTooLongError, BootstrapError, UnexpectedError

MAXIMUM_ANSWER_BYTES = 6_000_000
"""Lambda fails an invocation with a longer response ("Invocation payload" in AWS's Lambda quotas: 6 MB)."""

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

logger = Logger()


def handler(
    failure: str, if_too_long: str = "Run python -m db_bootstrap with --dsn, which has no limit."
) -> Callable[[Handler], Handler]:
    """Make a function a handler: it logs with the request's context, and raises errors of this package only.

    Lambda returns and logs an error's message. That of an unexpected error may contain a secret, so only its type and
    the lines of code that it passed are logged.

    Args:
        failure: The log's message if the handler fails.
        if_too_long: What to do if its answer is longer than Lambda can return.
    """

    def decorate(handle: Handler) -> Handler:
        @logger.inject_lambda_context(clear_state=True)
        @functools.wraps(handle)
        def handled(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
            try:
                answer = handle(event, context)
                check_length(answer, if_too_long)
            except BootstrapError as error:
                log_failure(failure, error)
                raise
            except Exception as error:  # noqa: BLE001 - no raw exception leaves a handler
                lines = traceback.format_tb(error.__traceback__)
                logger.error(failure, error=type(error).__name__, traceback=lines)  # noqa: TRY400 - see above
                raise UnexpectedError(type(error).__name__) from None
            return answer

        return handled

    return decorate


def check_length(answer: Mapping[str, Any], remedy: str) -> None:
    """Check that Lambda can return an answer.

    Raises:
        AnswerTooLongError: It cannot; with the remedy.
    """
    if (length := len(json.dumps(answer))) > MAXIMUM_ANSWER_BYTES:
        raise AnswerTooLongError(
            f"The answer has {length:,} bytes, and Lambda returns at most {MAXIMUM_ANSWER_BYTES:,}. {remedy}"
        )


def log_failure(message: str, error: BootstrapError) -> None:
    """Log an error of this package, without its traceback, which Lambda logs itself."""
    logger.error(message, error=type(error).__name__, reason=str(error))
