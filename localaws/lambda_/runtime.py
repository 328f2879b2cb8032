"""Lambda's Python runtime inside a function's process, as far as a handler can tell.

Started by ``worker`` as an isolated program with three arguments: the descriptor to read
invocations from, the descriptor to write outcomes to, and the folder of the packages that Lambda's runtime
brings along. Standard library only, and nothing of this project: the function must find in its zip what
else it needs.

One JSON object a line. In: ``request_id``, ``arn``, ``timeout_seconds``, ``event``. Out: first ``{"ready": true}``
or ``{"error": ...}`` for the import of the handler, then for each invocation ``{"payload": JSON text}`` or
``{"error": {errorMessage, errorType, requestId, stackTrace}}``.
"""

import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import IO, Any

Handler = Callable[[Any, "Context"], Any]


class Context:
    """A handler's second argument.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    def __init__(self, invocation: dict[str, Any]) -> None:
        self.aws_request_id: str = invocation["request_id"]
        self.invoked_function_arn: str = invocation["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None
        self._deadline = time.monotonic() + invocation["timeout_seconds"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def load_handler(name: str) -> Handler:
    """Return the function that ``module.function`` names.

    Raises:
        ImportError: there is no such module, or it cannot be imported.
        AttributeError: the module has no such function.
    """
    module, _, attribute = name.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module.replace("/", ".")), attribute)
    return handler


def describe_failed_import(name: str, error: Exception) -> dict[str, Any]:
    """Return Lambda's error for a handler that cannot be loaded."""
    module, _, attribute = name.rpartition(".")
    described = describe_failure(error, "")
    if isinstance(error, ImportError):
        described["errorType"] = "Runtime.ImportModuleError"
        described["errorMessage"] = f"Unable to import module '{module}': {error}"
    elif isinstance(error, AttributeError) and f"no attribute '{attribute}'" in str(error):
        described["errorType"] = "Runtime.HandlerNotFound"
        described["errorMessage"] = f"Handler '{attribute}' missing on module '{module}'"
    return described


def describe_failure(error: Exception, request_id: str) -> dict[str, Any]:
    """Return Lambda's error for an exception that a handler raised."""
    # The first frame is this module's call of the handler, which Lambda leaves out as well.
    frames = traceback.extract_tb(error.__traceback__)[1:]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_list(frames),
    }


def invoke(handler: Handler, invocation: dict[str, Any]) -> dict[str, Any]:
    """Call the handler with one event; its payload or its error, as the protocol has it."""
    request_id = invocation["request_id"]
    try:
        result = handler(invocation["event"], Context(invocation))
    except Exception as error:  # noqa: BLE001 - what the handler raises is the answer
        print_failure(described := describe_failure(error, request_id))
        return {"error": described}
    return {"payload": json.dumps(result)}


def print_failure(described: dict[str, Any]) -> None:
    """Write an error to the function's log."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print(json.dumps({"timestamp": now, "log_level": "ERROR", **described}), flush=True)


def main() -> None:
    """Load the handler once, then serve invocations until the other side closes."""
    incoming, outgoing, packages = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    for descriptor in (incoming, outgoing):
        # What the function starts itself must not hold the conversation open.
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - the signature is Python's
    sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"]]
    sys.path.append(packages)  # searched after the zip
    logging.basicConfig(stream=sys.stdout, level=os.environ.get("AWS_LAMBDA_LOG_LEVEL") or logging.WARNING)
    with os.fdopen(incoming) as invocations, os.fdopen(outgoing, "w") as outcomes:
        serve(os.environ["_HANDLER"], invocations, outcomes)


def serve(name: str, invocations: IO[str], outcomes: IO[str]) -> None:
    """Answer the lines of ``invocations`` with lines in ``outcomes``."""

    def say(outcome: dict[str, Any]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        outcomes.write(json.dumps(outcome) + "\n")
        outcomes.flush()

    try:
        handler = load_handler(name)
    except Exception as error:  # noqa: BLE001 - an import may raise anything
        print_failure(described := describe_failed_import(name, error))
        say({"error": described})
        return
    say({"ready": True})
    for line in invocations:
        say(invoke(handler, json.loads(line)))


if __name__ == "__main__":
    main()
