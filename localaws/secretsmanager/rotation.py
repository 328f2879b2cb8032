"""The rotation of a secret, as Secrets Manager drives it, and the events that it publishes.

RotateSecret returns at once; a thread invokes the function's four steps with the secret's ARN and the pending version's
id as token, and stops at the first error. It then retries the whole rotation with the same token, as AWS does (within
seconds here), and abandons it after the last attempt: the pending version stays, and the current one remains valid.
After a completed rotation, ``AWSPENDING`` is removed. The journal has each step with its duration; EventBridge gets an
event for each outcome.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
https://docs.aws.amazon.com/secretsmanager/latest/userguide/secret-event-notifications.html
"""

import json
import threading
import time
import uuid
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.core.exceptions import JsonRESTError
from moto.events.models import events_backends
from moto.secretsmanager.models import FakeSecret

from localaws.iam.evaluate import Request, decide_for_service
from localaws.secretsmanager.versions import CURRENT, PENDING, holder
from localaws.settings import Context

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
RETRY_DELAYS_SECONDS = (0.5, 1.0)
SERVICE = "secretsmanager.amazonaws.com"
EVENT_SOURCE = "aws.secretsmanager"
ERROR_EXCERPT_CHARACTERS = 1000


class Rotations:
    """Runs rotations, one at a time a secret."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._running: dict[str, str] = {}
        self._stopping = threading.Event()

    def may_invoke(self, function_arn: str, secret_arn: str) -> bool:
        """Return True if the function's policy lets Secrets Manager invoke it for this secret.

        Raises:
            JsonRESTError: there is no such function.
        """
        function = self._lambda.get_function(function_arn)
        request = Request(
            "lambda:InvokeFunction",
            None,
            {"aws:SourceArn": secret_arn, "aws:SourceAccount": self._context.settings.account_id},
        )
        return decide_for_service(function.policy.statements, SERVICE, request).allowed

    def is_running(self, secret: FakeSecret) -> bool:
        """Return True if a rotation of this secret is in progress."""
        with self._lock:
            return secret.arn in self._running

    def start(self, secret: FakeSecret, token: str) -> None:
        """Rotate to the pending version ``token``, in the background. Does nothing while a rotation is under way."""
        self._begin(secret, token, STEPS)

    def start_test(self, secret: FakeSecret, token: str) -> None:
        """Only test the function with the version ``token``, which is removed afterwards."""
        self._begin(secret, token, ("testSecret",))

    def stop(self) -> None:
        """Start no further step."""
        self._stopping.set()

    def status(self) -> dict[str, Any]:
        """Return the step of each rotation in progress, by secret."""
        with self._lock:
            return dict(self._running)

    def _begin(self, secret: FakeSecret, token: str, steps: tuple[str, ...]) -> None:
        with self._lock:
            if secret.arn in self._running:
                return
            self._running[secret.arn] = steps[0]
        self._context.journal.record("rotation.started", secret=secret.name, version_id=token, steps=steps)
        threading.Thread(target=self._rotate, args=(secret, token, steps), daemon=True).start()

    def _rotate(self, secret: FakeSecret, token: str, steps: tuple[str, ...]) -> None:
        try:
            for delay in (0.0, *RETRY_DELAYS_SECONDS):
                if self._stopping.wait(delay):
                    return
                if self._try(secret, token, steps):
                    break
            else:
                self._context.journal.record("rotation.abandoned", secret=secret.name, version_id=token)
            if steps != STEPS:
                secret.versions.pop(token, None)
        finally:
            with self._lock:
                self._running.pop(secret.arn, None)

    def _try(self, secret: FakeSecret, token: str, steps: tuple[str, ...]) -> bool:
        for step in steps:
            if self._stopping.is_set():
                return False
            with self._lock:
                self._running[secret.arn] = step
            started = time.monotonic()
            error = self._invoke(secret, token, step)
            milliseconds = round((time.monotonic() - started) * 1000)
            if error:
                self._fail(secret, token, steps, step, error)
                return False
            self._context.journal.record(
                "rotation.step", secret=secret.name, version_id=token, step=step, milliseconds=milliseconds
            )
        if steps == STEPS:
            return self._finish(secret, token)
        return True

    def _fail(self, secret: FakeSecret, token: str, steps: tuple[str, ...], step: str, error: str) -> None:
        self._context.journal.record(
            "rotation.failed", secret=secret.name, version_id=token, step=step, error=error[:ERROR_EXCERPT_CHARACTERS]
        )
        said = f"Error when executing lambda {secret.rotation_lambda_arn} during {step} step"
        publish_rotation(secret, "RotationFailed" if steps == STEPS else "TestRotationFailed", said)

    def _invoke(self, secret: FakeSecret, token: str, step: str) -> str | None:
        """Run a step and return its error, None if it succeeded."""
        event = {
            "Step": step,
            "SecretId": secret.arn,
            "ClientRequestToken": token,
            "RotationToken": str(uuid.uuid4()),
        }
        headers: dict[str, str] = {}
        try:
            payload = self._lambda.invoke(secret.rotation_lambda_arn, None, json.dumps(event), {}, headers)
        except (JsonRESTError, NotImplementedError) as error:
            return str(error)
        if "X-Amz-Function-Error" not in headers:
            return None
        said = json.loads(payload)
        return f"{said.get('errorType', 'Error')}: {said.get('errorMessage', '')}"

    def _finish(self, secret: FakeSecret, token: str) -> bool:
        labels = {version: value["version_stages"] for version, value in secret.versions.items()}
        if holder(labels, CURRENT) != token:
            error = f"finishSecret succeeded, but {CURRENT} is not on version {token}"
            self._fail(secret, token, STEPS, "finishSecret", error)
            return False
        secret.versions[token]["version_stages"] = [label for label in labels[token] if label != PENDING]
        secret.last_rotation_date = int(time.time())
        self._context.journal.record("rotation.succeeded", secret=secret.name, version_id=token)
        publish_rotation(secret, "RotationSucceeded")
        return True

    @property
    def _lambda(self) -> Any:
        return lambda_backends[self._context.settings.account_id][self._context.settings.region]


def publish_rotation(secret: FakeSecret, event_name: str, error: str = "") -> None:
    """Publish how a rotation ended: in AWS by way of CloudTrail, and only where a trail records the account.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html


    Args:
        secret: what was rotated.
        event_name: ``RotationSucceeded``, ``RotationFailed``, ``RotationAbandoned``, ``TestRotationFailed``.
        error: which step of which function failed; AWS says no more of the reason.
    """
    detail = {
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": event_name,
        "eventType": "AwsServiceEvent",
        "additionalEventData": {"SecretId": secret.arn},
        **({"errorMessage": error} if error else {}),
    }
    entry = {"Source": EVENT_SOURCE, "DetailType": "AWS Service Event via CloudTrail", "Detail": json.dumps(detail)}
    events_backends[secret.account_id][secret.region].put_events([entry])
