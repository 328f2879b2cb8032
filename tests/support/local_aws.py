"""A local AWS for tests of its API: a separate process, as in a rehearsal."""

import http.client
import io
import json
import os
import signal
import socket
import sys
import uuid
import zipfile
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from devtools.checkout import CHECKOUT
from devtools.processes import ProcessRegister
from localaws.administrator import Administrator
from rehearsal.aws import assume_role, aws_client
from tests.support.journal import journal_events
from tests.support.waiting import wait_until

REGION = "us-east-1"
ACCOUNT_ID = "123456789012"
START_TIMEOUT_SECONDS = 180
STOP_TIMEOUT_SECONDS = 120
_LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]


class LocalAws:
    """A running local AWS and how to talk to it.

    Args:
        directory: its run directory.

    Attributes:
        directory: its run directory.
        endpoint: URL of its API.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._clients: dict[tuple[str, str], Any] = {}
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = listener.getsockname()[1]
            self.endpoint = f"http://127.0.0.1:{self._port}"
            ports = ["--port", f"fd://{listener.fileno()}", "--balancer-port", "0"]
            self.process = ProcessRegister(directory / "processes.jsonl").start(
                [sys.executable, "-m", "localaws", "--run-directory", str(directory), *ports],
                cwd=CHECKOUT,
                env={**os.environ, "AWS_PROFILE": "another", "AWS_CA_BUNDLE": "/nowhere.pem"},
                log=directory / "server.log",
                pass_fds=[listener.fileno()],
            )
        wait_until(self._answers, "the local AWS", START_TIMEOUT_SECONDS)

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self.directory / "server.log").read_text()
        try:
            return self.ask("status")[0] == HTTPStatus.OK
        except OSError:
            return False

    @property
    def administrator(self) -> dict[str, str]:
        """The administrator's credentials, as arguments of ``aws_client``."""
        return Administrator.read(self.directory).credentials

    @property
    def authorization(self) -> dict[str, str]:
        """The header of requests to ``/_rehearsal/``."""
        return Administrator.read(self.directory).authorization

    def client(self, service: str, **credentials: str) -> Any:
        """Return a client with the given credentials, or with the administrator's."""
        known = (service, credentials.get("aws_access_key_id", ""))
        if known not in self._clients:
            self._clients[known] = aws_client(self, service, **credentials)
        return self._clients[known]

    def ask(self, path: str, method: str = "GET") -> tuple[int, Any]:
        """Status and document that an endpoint of the rehearsal itself answers with."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request(method, f"/_rehearsal/{path}", headers=self.authorization)
            answer = connection.getresponse()
            return answer.status, json.load(answer)
        finally:
            connection.close()

    def resources(self) -> list[str]:
        listed: list[str] = self.ask("resources")[1]["resources"]
        return listed

    def journal(self, kind: str) -> list[dict[str, Any]]:
        return journal_events(self.directory / "logs", kind)

    def make_role(self, name: str, *statements: dict[str, Any], service: str = "lambda.amazonaws.com") -> str:
        """Create a role with one inline policy; its ARN."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy(trust)))["Role"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy(*statements)))
        arn: str = role["Arn"]
        return arn

    def make_function(self, name: str, source: str, handler: str, **settings: Any) -> str:
        """Create a function of one module, ``handlers``, with a separate role unless one is given; its ARN."""
        created = self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler=handler,
            Code={"ZipFile": zipped(source)},
            **{"Role": settings.pop("Role", None) or self.make_role(name, allow(_LOGS)), "Timeout": 20, **settings},
        )
        return str(created["FunctionArn"])

    def make_topic(self, **attributes: str) -> tuple[str, str]:
        """Create a topic, and a queue that gets its messages as they are: the topic's ARN, the queue's URL."""
        sns, sqs = self.client("sns"), self.client("sqs")
        arn = sns.create_topic(Name=unique("topic"), Attributes=attributes)["TopicArn"]
        queue = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
        queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{queue.rpartition('/')[2]}"
        raw = {"RawMessageDelivery": "true"}
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn, Attributes=raw)
        return arn, queue

    def messages(self, queue: str) -> list[str]:
        received = self.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        return [message["Body"] for message in received.get("Messages", [])]

    def sums(self, namespace: str, metric: str, **dimensions: str) -> list[float]:
        """Return the sum of what was measured of a metric around now; empty if nothing was."""
        now = datetime.now(UTC)
        points = self.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=7200,
            Statistics=["Sum"],
        )["Datapoints"]
        return [point["Sum"] for point in points]

    def assume(self, role_arn: str) -> dict[str, str]:
        return assume_role(self, role_arn)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """End it with a signal; its exit code."""
        for client in self._clients.values():
            client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_TIMEOUT_SECONDS)


def zipped(source: str) -> bytes:
    """A zip with one module, ``handlers``."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("handlers.py", source)
    return content.getvalue()


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str | list[str], resource: str | list[str] = "*", **fields: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **fields}
