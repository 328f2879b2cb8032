"""A function's log: to its log group and to a file. Different from AWS: Lambda's own lines are JSON in any case."""

import json
import threading
import time
from datetime import UTC, datetime

from moto.awslambda.models import LambdaFunction
from moto.logs.exceptions import ResourceAlreadyExistsException, ResourceNotFoundException
from moto.logs.models import logs_backends

from localaws.iam.authorizer import Authorizer
from localaws.iam.evaluate import Request
from localaws.journal import Journal
from localaws.lambda_.settings import logging_config
from localaws.lambda_.worker import Outcome
from localaws.settings import Settings


def log_text(version: str, outcome: Outcome) -> str:
    """Return the lines of one invocation: Lambda's own, in JSON, around the function's."""

    def platform(kind: str, **record: object) -> str:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": now, "type": f"platform.{kind}", "record": {"requestId": outcome.request_id, **record}}
        return json.dumps(line) + "\n"

    output = outcome.output
    return (
        platform("start", version=version)
        + (output if not output or output.endswith("\n") else output + "\n")
        + platform(
            "report",
            status="failure" if outcome.failed else "success",
            metrics={"durationMs": round(outcome.duration_seconds * 1000, 3)},
        )
    )


class FunctionLogs:
    """Delivers the log of each invocation."""

    def __init__(self, settings: Settings, journal: Journal, authorizer: Authorizer) -> None:
        self._settings = settings
        self._journal = journal
        self._authorizer = authorizer
        self._lock = threading.Lock()
        self._refused: set[str] = set()

    def write(self, function: LambdaFunction, stream: str, outcome: Outcome) -> None:
        """Write an invocation's log to the file and, as far as the role can, to the log group."""
        text = log_text(str(function.version), outcome)
        path = self._settings.logs_directory / "functions" / f"{function.function_name}.log"
        with self._lock:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
            self._deliver(function.role, logging_config(function)["LogGroup"], stream, text)

    def _deliver(self, role_arn: str, group: str, stream: str, text: str) -> None:
        backend = logs_backends[self._settings.account_id][self._settings.region]
        events = [{"timestamp": int(time.time() * 1000), "message": line} for line in text.splitlines() if line]
        try:
            if group not in backend.groups:
                if not self._may(role_arn, "logs:CreateLogGroup", group, ""):
                    return
                backend.create_log_group(group, {})
            if stream not in backend.groups[group].streams:
                if not self._may(role_arn, "logs:CreateLogStream", group, ""):
                    return
                backend.create_log_stream(group, stream)
            if self._may(role_arn, "logs:PutLogEvents", group, stream):
                backend.put_log_events(group, stream, events)
        except (ResourceAlreadyExistsException, ResourceNotFoundException) as error:
            # Terraform creates or deletes the group at this very moment; the file has the text.
            self._journal.record("function.log_lost", group=group, error=str(error))

    def _may(self, role_arn: str, action: str, group: str, stream: str) -> bool:
        """Return True if the role has the permission. Otherwise Lambda drops logs silently; the journal has it once."""
        arn = self._authorizer.context.arn("logs", f"log-group:{group}:log-stream:{stream}")
        decision = self._authorizer.allows(role_arn, Request(action, arn))
        if not decision.allowed and f"{role_arn} {action}" not in self._refused:
            self._refused.add(f"{role_arn} {action}")
            self._journal.record(
                "permission.denied", caller=role_arn, action=action, resource=arn, reason=decision.reason
            )
        return decision.allowed
