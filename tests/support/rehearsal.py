"""A deployment on the local AWS for tests, made the way `make up` makes it."""

import json
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pg8000.native

from app.database.migrate import known_revisions
from devtools.checkout import CHECKOUT
from devtools.images.store import ImageStore
from devtools.load import Load
from devtools.migration import source
from rehearsal import database, deployment
from rehearsal.aws import assume_role, aws_client, write_token
from rehearsal.deployment import Deployment
from rehearsal.run import Run
from tests.support.http import Client
from tests.support.journal import journal_events
from tests.support.local_aws import policy

COPY_REGION = "eu-west-1"


@dataclass
class Deployed:
    """A local AWS with a database.

    Attributes:
        run: its folder and processes.
    """

    run: Run

    def aws(self, service: str, **credentials: str) -> Any:
        """Return a client with the given credentials, or with the administrator's."""
        return aws_client(self.run, service, **credentials)

    def sql(self, statement: str, **values: object) -> Any:
        """Run a statement as the server's superuser, past all that is managed; return its rows."""
        with superuser(self) as connection:
            return connection.run(statement, **values)

    def alarms(self) -> dict[str, str]:
        """Return the state of every alarm, by its name without the environment's."""
        prefix, kinds = "taproom-dev-", ["MetricAlarm", "CompositeAlarm"]
        found = self.aws("cloudwatch").describe_alarms(AlarmNamePrefix=prefix, AlarmTypes=kinds, MaxRecords=100)
        alarms = [*found["MetricAlarms"], *found["CompositeAlarms"]]
        return {alarm["AlarmName"].removeprefix(prefix): alarm["StateValue"] for alarm in alarms}

    def journal(self, kind: str) -> list[dict[str, Any]]:
        """Return the journal's events of a kind."""
        return journal_events(self.run.logs, kind)


@dataclass
class Rehearsal(Deployed):
    """A local AWS with an account and an environment.

    Attributes:
        deployment: Terraform on the copy of the configuration.
        client: HTTP through the load balancer.
        digest: of the image that was applied.
        outputs: of the environment.
        failed_apply: the error of the apply before the first that succeeded.
    """

    deployment: Deployment
    client: Client
    digest: str
    outputs: dict[str, Any] = field(default_factory=dict)
    failed_apply: str = ""

    def aws_as(self, role_arn: str, service: str) -> Any:
        return self.aws(service, **assume_role(self.run, role_arn))

    def secret(self, arn: str) -> dict[str, Any]:
        return database.credential(self.run, arn)

    def instance(self) -> dict[str, Any]:
        return dict(self.aws("rds").describe_db_instances()["DBInstances"][0])

    def service(self) -> dict[str, Any]:
        names = {"cluster": self.outputs["cluster_name"], "services": [self.outputs["service_name"]]}
        return dict(self.aws("ecs").describe_services(**names)["services"][0])

    def load(self, connections: int = 2) -> Load:
        return Load([urlsplit(self.client.url).netloc], connections, self.client.token, pause_seconds=0.1)

    def begin_rotation(self, name: str = "beers_app") -> str:
        """Begin a rotation of a login; return the pending version."""
        arn = self.outputs["login_secret_arns"][name]
        return str(self.aws("secretsmanager").rotate_secret(SecretId=arn)["VersionId"])

    def secret_values(self) -> set[str]:
        """Return what is secret in each version of each secret: a login's is JSON, the write token is a text."""
        secrets = self.aws("secretsmanager")
        values = [
            secrets.get_secret_value(SecretId=secret["ARN"], VersionId=version)["SecretString"]
            for secret in secrets.list_secrets()["SecretList"]
            for version in secrets.describe_secret(SecretId=secret["ARN"])["VersionIdsToStages"]
        ]
        return {json.loads(value)["password"] if value.startswith("{") else value for value in values}


@contextmanager
def run_in(folder: Path) -> Iterator[Run]:
    """Yield a new run in a folder; at the end all its processes are stopped, even after a failure."""
    run = Run(folder / "run")
    try:
        yield run
    finally:
        deployment.stop_local_aws(run)
        run.clear()


def prepared(run: Run, program: str) -> Rehearsal:
    """Return a new local AWS with an account, ready for the first apply of dev, whose backups are copied."""
    ports = run.take_ports(None)
    digest = deployment.build(run)
    deployment.start_local_aws(run)
    terraform = Deployment(run, program)
    copies = {"account": "backup_copy_region", "environment": "database_backup_copy_region"}
    for root, variable in copies.items():
        (run.terraform / root / "copies.auto.tfvars").write_text(f'{variable} = "{COPY_REGION}"\n')
    rehearsal = Rehearsal(run, terraform, Client(f"http://127.0.0.1:{ports.balancer}"), digest)
    terraform.apply_account(quiet)
    terraform.init_environment()
    return rehearsal


def apply(rehearsal: Rehearsal) -> None:
    """Apply the environment and wait until the service answers."""
    rehearsal.deployment.apply_environment(rehearsal.digest, quiet)
    rehearsal.outputs = rehearsal.deployment.environment.outputs()
    rehearsal.client = Client(rehearsal.client.url, write_token(rehearsal.run))
    deployment.wait_until_it_answers(rehearsal.client.url, quiet)


@contextmanager
def denied(rehearsal: Rehearsal, role: str, statement: dict[str, Any]) -> Iterator[None]:
    """Deny a role for the block what ``statement`` would allow."""
    iam = rehearsal.aws("iam")
    document = json.dumps(policy({**statement, "Effect": "Deny"}))
    iam.put_role_policy(RoleName=role, PolicyName="denied", PolicyDocument=document)
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="denied")


def changes_of(plan: dict[str, Any] | None) -> dict[str, list[str]]:
    """Return what a plan would do, by address; nothing but no-op and read is left out."""
    changes = (plan or {}).get("resource_changes", [])
    actions = {change["address"]: change["change"]["actions"] for change in changes}
    return {address: action for address, action in actions.items() if action not in (["no-op"], ["read"])}


def connected(rehearsal: Rehearsal, credential: dict[str, Any]) -> AbstractContextManager[pg8000.native.Connection]:
    """Return a session in the deployed database, over verified TLS."""
    return database.connected(rehearsal.run, credential)


def login(rehearsal: Rehearsal, name: str) -> dict[str, Any]:
    return rehearsal.secret(rehearsal.outputs["login_secret_arns"][name])


def master(rehearsal: Rehearsal) -> dict[str, Any]:
    return rehearsal.secret(rehearsal.instance()["MasterUserSecret"]["SecretArn"])


def database_folder(rehearsal: Deployed) -> Path:
    """Return where the database's server has its files and its socket."""
    (link,) = rehearsal.run.logs.glob("postgresql-*.data")
    return link.resolve()


@contextmanager
def superuser(rehearsal: Deployed) -> Iterator[pg8000.native.Connection]:
    """The server's true superuser, through its own socket."""
    (own_socket,) = (path for path in database_folder(rehearsal).glob(".s.PGSQL.*") if path.suffix != ".lock")
    connection = pg8000.native.Connection("rdsadmin", database="beers", unix_sock=str(own_socket), timeout=30)
    try:
        yield connection
    finally:
        connection.close()


def image_of_changed_service(rehearsal: Rehearsal, folder: Path, changes: dict[str, str]) -> str:
    """Build the checkout's service with some files changed, by their path in the checkout; return the digest."""
    shutil.copytree(CHECKOUT / "app", folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(CHECKOUT / "Dockerfile", folder / "Dockerfile")
    for name, text in changes.items():
        (folder / name).write_text(text)
    return ImageStore(rehearsal.run.images).build(folder, rehearsal.run.authority / "ca.pem")


# The service's factory for a version that answers its health checks, without a database, and fails everything else.
ANSWERS_ONLY_HEALTH_CHECKS = """
def create_app():
    def application(environ, start_response):
        healthy = environ["PATH_INFO"] in {"/livez", "/startupz", "/readyz"}
        start_response("200 OK" if healthy else "500 Internal Server Error", [("Content-Type", "text/plain")])
        return [b"{}"]
    application.extensions = {}  # gunicorn's configuration puts the startup latch there
    return application
"""
# Migrations of releases in dev, in their order.
MIGRATIONS = (
    "ALTER TABLE beers.beers ADD COLUMN hops text",
    "ALTER TABLE beers.beers ADD COLUMN malt text",
    "ALTER TABLE beers.beers ADD COLUMN yeast text",
)


def migrations(*statements: str) -> dict[str, str]:
    """Return migrations ``rehearsed_1`` and so on that follow the checkout's newest; files by their path in it."""
    files = {}
    before = known_revisions()[-1]
    for number, statement in enumerate(statements, 1):
        revision = f"rehearsed_{number}"
        files[f"app/database/migrations/versions/{revision}.py"] = source(revision, before, statement)
        before = revision
    return files


def quiet(_note: str) -> None:
    """Pytest says enough."""
