"""Faults on demand, for the calls of roles.

``POST /_rehearsal/faults``: the first call of each kind that creates or deletes something fails with a transient error.
This shows that an apply can fail at every kind of resource, and that the next one continues.

``POST /_rehearsal/throttles/SERVICE``: every call to the service is throttled, until ``DELETE`` of the same path.
"""

import threading
from collections.abc import Callable

from localaws.http.call import Answer, ApiCall, error_answer
from localaws.http.middleware import Handler

_MAKING = ("Create", "Register", "Request", "Delete", "Deregister")
# Terraform's lock is not a resource, and a state that cannot be written needs a manual procedure.
_STATE = ("s3", "DeleteObject")
CODE = "InjectedFault"
MESSAGE = "Fault injection is on: the first call of each kind fails. Try again."


class Faults:
    """Makes calls fail, and remembers which kinds have failed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_for = False
        self.failed: list[str] = []
        self.throttled: set[str] = set()

    def ask_for(self) -> None:
        """From now on, fail the first call of each kind that creates or deletes something."""
        self._asked_for = True

    def middleware(self, handle: Handler, is_role: Callable[[str], bool]) -> Handler:
        """Answer the first call of each kind with an error, and pass all others on.

        Args:
            handle: the next handler.
            is_role: returns True for an access key of a role; the administrator's calls never fail.
        """

        def faulty(call: ApiCall) -> Answer:
            if not is_role(call.access_key_id):
                return handle(call)
            if call.service in self.throttled:
                return error_answer(call, 400, "ThrottlingException", "Rate exceeded")
            if self._asked_for and self._is_first(call):
                return error_answer(call, 400, CODE, MESSAGE)
            return handle(call)

        return faulty

    def _is_first(self, call: ApiCall) -> bool:
        if not call.operation.startswith(_MAKING) or (call.service, call.operation) == _STATE:
            return False
        kind = f"{call.service} {call.operation}"
        with self._lock:
            if kind in self.failed:
                return False
            self.failed.append(kind)
            return True
