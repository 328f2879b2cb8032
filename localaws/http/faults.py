"""Failures on demand: each kind of thing fails once to be made and once to be deleted, as if for a passing reason.

So an apply can be seen to end half-way at every kind of resource, and the next one to go on from there. Asked for by
``POST /_rehearsal/faults``.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from localaws.http.call import Answer, ApiCall, error_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.http.middleware import Handler

_MAKING = ("Create", "Register", "Request", "Delete", "Deregister")
# Terraform's lock is no resource; and a state that cannot be written is another procedure, of a person's.
_STATE = ("s3", "DeleteObject")
CODE = "RehearsedFailure"
MESSAGE = "The rehearsal lets the first call of each kind fail. Apply again."


class Faults:
    """Whether calls fail, and which kinds of them have failed already."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_for = False
        self.failed: list[str] = []

    def ask_for(self) -> None:
        """From now on, let each kind of call that makes or deletes something fail once."""
        self._asked_for = True

    def middleware(self, handle: Handler, is_role: Callable[[str], bool]) -> Handler:
        """Answer the first call of each kind with an error, and pass on any other.

        Args:
            handle: what answers the others.
            is_role: whether an access key is that of a role; the administrator's calls never fail.
        """

        def faulty(call: ApiCall) -> Answer:
            if self._asked_for and is_role(call.access_key_id) and self._is_first(call):
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
