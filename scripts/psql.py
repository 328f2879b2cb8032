"""Open psql as an IAM login of the access document; `make psql ENVIRONMENT=dev LOGIN=beers_report`.

A Fargate task starts for the session, Systems Manager forwards a local port through it to the database, and the task
stops when psql ends. This machine makes the IAM token and verifies the server's certificate: the task sees ciphertext.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from scripts.environment import PROJECT, CommandError, required

CA_FILE = Path(__file__).parent.parent / "build" / "rds-ca.pem"
_READY = b"Waiting for connections"  # the Session Manager plugin's words once the port is open
_START_SECONDS = 180.0
_FORWARD_SECONDS = 60.0
_POLL_SECONDS = 2.0
_PROGRAMS = {
    "psql": "PostgreSQL's client, https://www.postgresql.org/download/",
    "aws": "the AWS command line, https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    "session-manager-plugin": "its plugin, https://docs.aws.amazon.com/systems-manager/latest/userguide/"
    "session-manager-working-with-install-plugin.html",
}


@dataclass(frozen=True)
class Tunnel:
    """The environment of the task definition that terraform/modules/psql makes."""

    name: str
    host: str
    port: int
    database: str
    logins: frozenset[str]
    subnets: tuple[str, ...]
    security_group: str
    public_address: str


def tunnel(name: str, definition: Mapping[str, Any]) -> Tunnel:
    """Return what a task definition says about the database and the tasks' network."""
    variables = {entry["name"]: entry["value"] for entry in definition["containerDefinitions"][0]["environment"]}
    return Tunnel(
        name=name,
        host=variables["DATABASE_HOST"],
        port=int(variables["DATABASE_PORT"]),
        database=variables["DATABASE_NAME"],
        logins=frozenset(variables["LOGINS"].split()),
        subnets=tuple(variables["SUBNETS"].split()),
        security_group=variables["SECURITY_GROUP"],
        public_address=variables["PUBLIC_ADDRESS"],
    )


def task_request(to: Tunnel, login: str) -> dict[str, Any]:
    """Return the arguments of RunTask."""
    network = {"subnets": list(to.subnets), "securityGroups": [to.security_group], "assignPublicIp": to.public_address}
    return {
        "cluster": to.name,
        "taskDefinition": f"{to.name}-psql",
        "launchType": "FARGATE",
        "enableExecuteCommand": True,
        "propagateTags": "TASK_DEFINITION",
        "startedBy": f"psql/{login}"[:36],
        "networkConfiguration": {"awsvpcConfiguration": network},
    }


def session_target(to: Tunnel, task: Mapping[str, Any]) -> str | None:
    """Return Systems Manager's name of the task's container; None until its agent runs.

    Raises:
        CommandError: the task has stopped.
    """
    if task["lastStatus"] in ("DEPROVISIONING", "STOPPED"):
        raise CommandError(f"The task stopped: {task.get('stoppedReason', 'ECS gives no reason')}.")
    (container,) = task["containers"]
    agents = {agent["name"]: agent["lastStatus"] for agent in container.get("managedAgents", [])}
    if agents.get("ExecuteCommandAgent") != "RUNNING":
        return None
    return f"ecs:{to.name}_{task['taskArn'].rpartition('/')[2]}_{container['runtimeId']}"


def forward_command(to: Tunnel, target: str, local_port: int, region: str) -> list[str]:
    """Return the command that forwards a local port to the database until it is ended."""
    parameters = {"host": [to.host], "portNumber": [str(to.port)], "localPortNumber": [str(local_port)]}
    document = "AWS-StartPortForwardingSessionToRemoteHost"
    options = ["--target", target, "--document-name", document, "--parameters", json.dumps(parameters)]
    return ["aws", "ssm", "start-session", "--region", region, *options]


def psql_environment(to: Tunnel, login: str, token: str, local_port: int, ca_file: Path) -> dict[str, str]:
    """Return libpq's settings: the certificate must be the database's, although the connection goes to this machine."""
    return {
        "PGHOST": to.host,
        "PGHOSTADDR": "127.0.0.1",
        "PGPORT": str(local_port),
        "PGDATABASE": to.database,
        "PGUSER": login,
        "PGPASSWORD": token,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(ca_file),
    }


@contextmanager
def _task(ecs: Any, to: Tunnel, login: str) -> Iterator[str]:
    """Run a task, yield its container's name in Systems Manager, and stop it."""
    answer = ecs.run_task(**task_request(to, login))
    if not answer["tasks"]:
        raise CommandError(f"ECS started no task: {answer['failures']}")
    arn = answer["tasks"][0]["taskArn"]
    try:
        print("Starting a task, which takes about a minute ...", file=sys.stderr)
        deadline = time.monotonic() + _START_SECONDS
        while not (target := session_target(to, _described(ecs, to, arn))):
            if time.monotonic() > deadline:
                raise CommandError(
                    f"No agent runs in the task after {_START_SECONDS:.0f} s. Read why in ECS's console."
                )
            time.sleep(_POLL_SECONDS)
        yield target
    finally:
        ecs.stop_task(cluster=to.name, task=arn, reason="The session has ended")
        print("Stopped the task.", file=sys.stderr)


def _described(ecs: Any, to: Tunnel, arn: str) -> Mapping[str, Any]:
    found: list[dict[str, Any]] = ecs.describe_tasks(cluster=to.name, tasks=[arn])["tasks"]
    return found[0] if found else {"lastStatus": "PROVISIONING", "taskArn": arn, "containers": [{}]}


@contextmanager
def _forwarded(command: list[str]) -> Iterator[None]:
    """Forward the port; in a separate session, so that Ctrl-C cancels a query of psql's and not the connection."""
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    output: list[bytes] = []
    settled = threading.Event()

    def read() -> None:
        for line in child.stdout or ():
            output.append(line)
            if _READY in line:
                settled.set()
        settled.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        settled.wait(_FORWARD_SECONDS)
        if not any(_READY in line for line in output):
            raise CommandError(f"The port is not forwarded.\n{b''.join(output).decode(errors='replace').strip()}")
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        child.wait()
        reader.join(1)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(1)


def open_session(
    settings: Mapping[str, str], client: Callable[..., Any] = boto3.client, ca_file: Path = CA_FILE
) -> int:
    """Open psql and return its exit code.

    Raises:
        CommandError: a program, a setting or a permission is missing, or the task does not start; the task is stopped.
    """
    name = f"{PROJECT}-{required(settings, 'ENVIRONMENT', 'the environment, such as make psql ENVIRONMENT=dev')}"
    login = required(settings, "LOGIN", 'a login of the access document with credential = "iam"')
    for program, what in _PROGRAMS.items():
        if not shutil.which(program, path=settings.get("PATH")):
            raise CommandError(f"{program} is not on the PATH. Install {what}")
    region = settings.get("AWS_REGION") or boto3.Session().region_name
    if not region:
        raise CommandError("Set AWS_REGION: the environment's region.")
    ecs = client("ecs", region_name=region)
    try:
        definition = ecs.describe_task_definition(taskDefinition=f"{name}-psql")["taskDefinition"]
    except ecs.exceptions.ClientException as error:
        raise CommandError(
            f"{name} allows no sessions. Set psql_is_allowed = true in its .tfvars and apply."
        ) from error
    to = tunnel(name, definition)
    if login not in to.logins:
        raise CommandError(f"{login!r} is not a login of {name} with an IAM token. These are: {sorted(to.logins)}")
    port = _free_port()
    with _task(ecs, to, login) as target, _forwarded(forward_command(to, target, port, region)):
        rds = client("rds", region_name=region)
        token = rds.generate_db_auth_token(DBHostname=to.host, Port=to.port, DBUsername=login)
        # Ctrl-C is psql's: it cancels a query. A handler, unlike SIG_IGN, is not inherited by it.
        before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
        environment = {**settings, **psql_environment(to, login, token, port, ca_file)}
        child = subprocess.Popen(["psql"], env=environment)  # noqa: S607 - found on the PATH above
        try:
            return child.wait()
        finally:
            child.terminate()
            signal.signal(signal.SIGINT, before)


def main(settings: Mapping[str, str]) -> int:
    """Open a session, and end it also when the terminal goes away."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        return open_session(settings)
    except KeyboardInterrupt:
        return 130
    except (CommandError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(os.environ))
