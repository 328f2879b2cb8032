"""One warm process of a function: started once, invoked many times, ended by its first failure to answer."""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devtools.processes import ProcessRegister

RUNTIME_PROGRAM = Path(__file__).with_name("runtime.py")
# Lambda allows an init phase of ten seconds; two busy cores that also run everything else need more.
INIT_TIMEOUT_SECONDS = 60.0
STOP_GRACE_SECONDS = 0.5


@dataclass(frozen=True)
class WorkerSpecification:
    """The code and settings of a worker.

    Attributes:
        name: the function's name.
        version: ``$LATEST`` or the number of a published version.
        identity: what tells this code and configuration from any other of the function.
        arn: the invoked function's ARN.
        task_directory: the unzipped package, and the working directory.
        packages_directory: what Lambda's runtime brings along.
        environment: all of the process's environment.
        timeout_seconds: limit of one invocation.
        output: file that takes what the process prints.
    """

    name: str
    version: str
    identity: str
    arn: str
    task_directory: Path
    packages_directory: Path
    environment: Mapping[str, str]
    timeout_seconds: float
    output: Path


@dataclass(frozen=True)
class Outcome:
    """The result of an invocation.

    Attributes:
        request_id: Lambda's id of the invocation.
        payload: the function's answer, or its error, as JSON text.
        failed: the payload is an error.
        output: what the function printed meanwhile.
        duration_seconds: how long it took.
    """

    request_id: str
    payload: str
    failed: bool
    output: str
    duration_seconds: float


class Worker:
    """A function's process and the conversation with it. One invocation at a time.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(self, specification: WorkerSpecification, processes: ProcessRegister) -> None:
        self.specification = specification
        self._processes = processes
        self._ready = False
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        self._outcomes = os.fdopen(ours_in)
        self._invocations = os.fdopen(ours_out, "w")
        try:
            self._process = processes.start(
                [
                    sys.executable,
                    # Isolated, without site-packages: nothing of our environment can be imported.
                    "-I",
                    "-S",
                    str(RUNTIME_PROGRAM),
                    str(theirs_in),
                    str(theirs_out),
                    str(specification.packages_directory),
                ],
                env=specification.environment,
                cwd=specification.task_directory,
                log=specification.output,
                pass_fds=(theirs_in, theirs_out),
            )
        except BaseException:
            self._invocations.close()
            self._outcomes.close()
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def usable(self) -> bool:
        """Return True if it can take another invocation."""
        return self._process.poll() is None and not self._invocations.closed

    def invoke(self, event: Any) -> Outcome:
        """Hand over one event and wait for what becomes of it, at most the function's timeout.

        Never raises for what the function does: an exception, an exit and a timeout are outcomes.
        """
        request_id = str(uuid.uuid4())
        printed = self.specification.output.stat().st_size
        started = time.monotonic()
        answer = self._converse(request_id, event)
        duration = time.monotonic() - started
        with self.specification.output.open("rb") as file:
            file.seek(printed)
            output = file.read().decode(errors="replace")
        failed = "error" in answer
        payload = json.dumps(answer["error"]) if failed else answer["payload"]
        return Outcome(request_id, payload, failed, output, duration)

    def stop(self) -> None:
        """End the process. Safe to call twice, and while an invocation is under way, which then fails."""
        if self._process.poll() is None:
            self._processes.stop(self._process, STOP_GRACE_SECONDS)
        # A blocked reader sees the end of the pipe; closing its file under it would not be safe.

    def close(self) -> None:
        """Stop, and close the conversation. Only for who holds the worker."""
        self.stop()
        for pipe in (self._invocations, self._outcomes):
            try:
                pipe.close()
            except BrokenPipeError:
                continue  # the worker ended before it read the event

    def _converse(self, request_id: str, event: Any) -> dict[str, Any]:
        if not self._ready:
            greeting = self._read(request_id, INIT_TIMEOUT_SECONDS)
            if "error" in greeting:
                self.close()
                return greeting
            self._ready = True
        invocation = {
            "request_id": request_id,
            "arn": self.specification.arn,
            "timeout_seconds": self.specification.timeout_seconds,
            "event": event,
        }
        answer = self._read(request_id, self.specification.timeout_seconds, json.dumps(invocation) + "\n")
        if not self.usable:
            self.close()
        return answer

    def _read(self, request_id: str, timeout_seconds: float, line: str = "") -> dict[str, Any]:
        """Send ``line``, if there is one, and read the next line of the worker."""
        timed_out = threading.Event()

        def end() -> None:
            timed_out.set()
            self._process.kill()

        # The timer ends the process rather than the wait: a blocked write ends with it as well.
        timer = threading.Timer(timeout_seconds, end)
        timer.start()
        try:
            if line:
                self._invocations.write(line)
                self._invocations.flush()
            text = self._outcomes.readline()
        except OSError:
            text = ""
        finally:
            timer.cancel()
        if text.endswith("\n"):
            answer: dict[str, Any] = json.loads(text)
            return answer
        code = self._exit_code()
        self.close()
        if timed_out.is_set():
            message = f"RequestId: {request_id} Error: Task timed out after {timeout_seconds:.2f} seconds"
            return {"error": {"errorType": "Sandbox.Timedout", "errorMessage": message}}
        how = "without providing a reason" if code == 0 else f"with error: exit status {code}"
        message = f"RequestId: {request_id} Error: Runtime exited {how}"
        return {"error": {"errorType": "Runtime.ExitError", "errorMessage": message}}

    def _exit_code(self) -> int:
        try:
            return self._process.wait(STOP_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            # It closed its side and lives on: no conversation is possible any more.
            self.stop()
            return self._process.returncode
