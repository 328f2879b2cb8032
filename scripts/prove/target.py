"""A deployment to prove: its Terraform, service and database, reached by AWS's APIs and the service's URL only."""

import http.client
import json
import signal
import subprocess
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from devtools.load import Load
from scripts.deployment import plan, smoke
from scripts.deployment.image_digest import images, parse_image, registry
from scripts.deployment.report import Plan
from scripts.environment import PROJECT, ROOT, CommandError, RefusedError, Running, failure, init, outputs, running
from scripts.prove.claim import DisprovedError
from scripts.prove.rehearsed import listener

_CLIENTS = 4
_PAUSE_SECONDS = 0.02
_CALM_SECONDS = 1.0  # of load alone, before and after what is proven
_TIMEOUT_SECONDS = 30
_POLL_SECONDS = 1.0
_RESULT = "prove: "
# Runs in the service's image, as the login that runs migrations.
_SQL = f"""
import json, os, ssl, sys
import pg8000.native
secret = json.loads(os.environ["DATABASE_SECRET"])
connection = pg8000.native.Connection(
    secret["username"], password=secret["password"], host=secret["host"], port=int(secret["port"]),
    database=secret["dbname"], ssl_context=ssl.create_default_context(cafile="rds-ca.pem"), timeout=60)
print("{_RESULT}" + json.dumps(connection.run(sys.argv[1]) or [], default=str))
"""


def sql_command(statements: str) -> list[str]:
    """Return the command that runs statements in a container that has the login of migrations."""
    return ["python", "-c", _SQL, statements]


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 600) -> None:
    """Wait for a condition.

    Raises:
        DisprovedError: it does not become true.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise DisprovedError(f"After {seconds:.0f} s, still not: {what}.")
        time.sleep(_POLL_SECONDS)


def prepare(name: str, settings: Mapping[str, str]) -> tuple[str, str]:
    """Prepare Terraform for an environment; return its account's ID and its region."""
    account = str(boto3.client("sts", region_name=settings.get("AWS_REGION")).get_caller_identity()["Account"])
    return account, init(name, {"STATE_BUCKET": f"{PROJECT}-terraform-state-{account}", **settings})


class Target:
    """One environment of an account.

    Args:
        settings: as for `make plan`; SERVICE_URL is for where the service's own name does not lead to it yet.

    Attributes:
        outputs: of the environment, as they were at first.
        image: that the service ran at first.
        printed: the plans, and what the applies have printed.
        added: prefixes of the names of beers that were added.

    Raises:
        CommandError: a setting is missing, or the environment was never applied.
        RefusedError: it holds protected data.
    """

    def __init__(self, name: str, settings: Mapping[str, str], folder: Path) -> None:
        self.account_id, self.region = prepare(name, settings)
        self.outputs = outputs()
        if not self.outputs:
            raise CommandError(f"{name} was never applied. Deploy it first: make deploy ENVIRONMENT={name}")
        if self.instance["DeletionProtection"]:
            raise RefusedError(f"{name} is protected, so nothing is tried on it. Omit IN_PLACE to prove a copy of it.")
        self.prefix = f"{PROJECT}-{name}"
        self.image = self.service().image
        self.began = time.time()
        self.printed: list[str] = []
        self.added: list[str] = []
        self._plan_file = folder / "prove.tfplan"
        self._inputs = plan.Target(name, self.region, self.image, self.outputs.get("commit") or "", self.outputs)
        url = settings.get("SERVICE_URL") or listener(settings, self.prefix) or str(self.outputs["service_url"])
        self._address = urllib.parse.urlsplit(url)

    def client(self, service: str) -> Any:
        """Return a client with the caller's credentials."""
        make: Any = boto3.client  # its overloads know each service by a literal
        return make(service, region_name=self.region)

    def plan(self, image: str = "") -> Plan:
        """Plan with the inputs that the environment has, or with another image."""
        made = replace(self._inputs, image=image or self.image).plan(self._plan_file)
        self.printed += [made.text, json.dumps(made.shown)]
        return made

    def apply(self) -> None:
        """Apply the last plan; interrupted, let Terraform release its lock.

        Raises:
            CommandError: Terraform failed; with its output.
        """
        command, pipe = ["terraform", "apply", "-input=false", "-no-color", str(self._plan_file)], subprocess.PIPE
        child = subprocess.Popen(command, cwd=ROOT, text=True, stdout=pipe, stderr=pipe, start_new_session=True)
        try:
            output, errors = child.communicate()
        except BaseException:
            child.send_signal(signal.SIGINT)
            child.communicate()
            raise
        self.printed += [output, errors]
        if child.returncode:
            raise failure("apply", errors.strip() or output.strip())

    @cached_property
    def document(self) -> dict[str, Any]:
        """The access document."""
        return dict(self.plan().shown["variables"]["access"]["value"])

    @cached_property
    def instance(self) -> dict[str, Any]:
        """The database's instance, whose name differs after a restore."""
        host = self.outputs["database_endpoint"].rpartition(":")[0]
        pages = self.client("rds").get_paginator("describe_db_instances").paginate()
        instances = (instance for page in pages for instance in page["DBInstances"])
        return dict(next(one for one in instances if one.get("Endpoint", {}).get("Address") == host))

    def service(self) -> Running:
        """Return what the service runs now."""
        return running(self.client("ecs"), self.outputs["cluster_name"], self.outputs["service_name"])

    def wait_until_deployed(self, before: Running) -> None:
        """Wait until ECS has deployed what ran before; raise CommandError if it does not."""
        if wrong := smoke.wait_for_deployment(self.service, before.task_definition, before.image):
            raise CommandError(" ".join(wrong))

    def register(self, commands: Mapping[str, list[str]]) -> str:
        """Register the service's task definition with other commands, by container, in another family; return it."""
        ecs = self.client("ecs")
        known = ecs.describe_task_definition(taskDefinition=self.service().task_definition)["taskDefinition"]
        for container in known["containerDefinitions"]:
            container["command"] = commands[container["name"]]
        accepted = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
        given = {name: value for name, value in known.items() if name in accepted}
        made = ecs.register_task_definition(**{**given, "family": f"{self.prefix}-prove"})["taskDefinition"]
        return str(made["taskDefinitionArn"])

    def manifests(self) -> list[dict[str, Any]]:
        """Return the manifest of the image in its registry; none if it does not have the image."""
        address, image = parse_image(self.image)
        return [json.loads(found["imageManifest"]) for found in images(*registry(address), image)]

    def access_of(self, role: str) -> list[dict[str, Any]]:
        """Return what a role can do in the database, as the planning function answers.

        Raises:
            CommandError: it failed or refused.
        """
        function, event = self.outputs["planner_function_name"], {"action": "what", "of": role}
        answer = json.load(self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))["Payload"])
        if "access" not in answer:
            raise CommandError(f"{function} does not say what {role} can do: {answer}")
        return list(answer["access"])

    @cached_property
    def token(self) -> str:
        """The token that changes of the catalogue need; empty if they need none."""
        arn, secrets = self.outputs["write_token_secret_arn"], self.client("secretsmanager")
        return str(secrets.get_secret_value(SecretId=arn)["SecretString"]) if arn else ""

    def request(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> tuple[int, str]:
        """Send a request to the service; return the status and the ETag."""
        kind = http.client.HTTPSConnection if self._address.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._address.netloc, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **headers})
            with connection.getresponse() as answer:
                return answer.status, answer.headers.get("ETag", "")
        except http.client.HTTPException as error:
            raise CommandError(f"{method} {self._address.geturl()}{path} failed: {error!r}") from error
        finally:
            connection.close()

    @contextmanager
    def load(self) -> Iterator[Load]:
        """Read and add beers from several connections meanwhile; ``remove_beers`` removes them."""
        is_secure = self._address.scheme == "https"
        with Load([self._address.netloc], _CLIENTS, self.token, _PAUSE_SECONDS, is_secure=is_secure) as load:
            self.added.append(load.name)
            time.sleep(_CALM_SECONDS)
            yield load
            time.sleep(_CALM_SECONDS)

    def remove_beers(self) -> None:
        """Remove the beers that were added."""
        if self.added:
            patterns = ",".join(f"{name}%" for name in self.added)
            self.sql(f"DELETE FROM beers.beers WHERE name LIKE ANY ('{{{patterns}}}')")  # noqa: S608 - names of ours
            self.added.clear()

    @contextmanager
    def task(self, waiter: str, app: str, migrate: list[str]) -> Iterator[dict[str, Any]]:
        """Run a separate task of the service with other commands, wait for it, and yield it as ECS describes it.

        Raises:
            CommandError: ECS starts none.
        """
        commands = {"app": ["python", "-c", app], "migrate": migrate}
        ecs, cluster = self.client("ecs"), self.outputs["cluster_name"]
        (service,) = ecs.describe_services(cluster=cluster, services=[self.outputs["service_name"]])["services"]
        answer = ecs.run_task(
            cluster=cluster,
            taskDefinition=service["taskDefinition"],
            launchType="FARGATE",
            networkConfiguration=service["networkConfiguration"],
            startedBy="prove",
            overrides={"containerOverrides": [{"name": name, "command": argv} for name, argv in commands.items()]},
        )
        if not answer["tasks"]:
            raise CommandError(f"ECS started no task: {answer['failures']}")
        arn = answer["tasks"][0]["taskArn"]
        task = {"cluster": cluster, "tasks": [arn]}
        try:
            ecs.get_waiter(waiter).wait(**task, WaiterConfig={"Delay": 2, "MaxAttempts": 150})
            yield ecs.describe_tasks(**task)["tasks"][0]
        finally:
            ecs.stop_task(cluster=cluster, task=arn, reason="make prove needs it no longer")

    def sql(self, statement: str) -> list[list[Any]]:
        """Run a statement by hand, in a separate task, as the login that runs migrations; return its rows.

        Raises:
            CommandError: the task or the statement failed.
        """
        with self.task("tasks_stopped", "pass", sql_command(statement)) as task:
            codes = {container["name"]: container.get("exitCode") for container in task["containers"]}
        if codes["migrate"] != 0:
            reason = f"{task.get('stoppedReason')} The log of the task {task['taskArn']} says why."
            raise CommandError(f"{statement} failed: {reason}")
        stream = f"task/migrate/{task['taskArn'].rpartition('/')[2]}"
        logs = {"logGroupName": f"/ecs/{self.prefix}", "logStreamName": stream}
        found: list[str] = []

        def has_arrived() -> bool:
            events = self.client("logs").get_log_events(**logs)["events"]
            found.extend(event["message"] for event in events if event["message"].startswith(_RESULT))
            return bool(found)

        wait_until(has_arrived, f"the log {logs} has arrived", 60)
        return list(json.loads(found[0].removeprefix(_RESULT)))
