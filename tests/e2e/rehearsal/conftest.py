"""One deployment on the local AWS for the whole session; made the way `make up` makes it."""

import json
import os
import shutil
import ssl
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pg8000.native
import pytest

from devtools.checkout import CHECKOUT
from devtools.images.store import ImageStore
from rehearsal import deployment
from rehearsal.deployment import Deployment
from rehearsal.prerequisites import find_terraform
from rehearsal.run import Run
from rehearsal.write_token import write_token
from tests.support.http import Client

_JOURNAL_LINES = 40


@dataclass
class Rehearsal:
    """What the tests of the whole look at.

    Attributes:
        run: its folder and processes.
        deployment: Terraform on the copy of the configuration.
        client: HTTP through the load balancer.
        digest: of the image that was applied.
        outputs: of the environment.
    """

    run: Run
    deployment: Deployment
    client: Client
    digest: str
    outputs: dict[str, Any] = field(default_factory=dict)

    def aws(self, service: str, **credentials: str) -> Any:
        """A boto3 client of the local AWS, as the account's administrator unless credentials are given."""
        keys = credentials or {"aws_access_key_id": "AKIAREHEARSAL0000000", "aws_secret_access_key": "rehearsal"}
        client: Any = boto3.client  # its overloads know each service by a literal
        return client(service, endpoint_url=self.run.endpoint, region_name="us-east-1", **keys)

    def secret(self, arn: str) -> dict[str, Any]:
        """The current value of a secret."""
        value = self.aws("secretsmanager").get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")
        content: dict[str, Any] = json.loads(value["SecretString"])
        return content


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a failure show how its rehearsal's journal ends: the run itself is gone when somebody reads of it."""
    report = yield
    if report.failed:
        for value in item.funcargs.values():
            if isinstance(value, Rehearsal):
                report.sections.append(("the journal's end", end_of_journal(value.run.logs / "journal.jsonl")))
    return report


def end_of_journal(journal: Path) -> str:
    """What happened last, without the calls that were simply answered."""
    lines = journal.read_text().splitlines() if journal.exists() else []
    telling = [line for line in lines if '"api.call"' not in line or '"said"' in line]
    return "\n".join(telling[-_JOURNAL_LINES:])


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A whole deployment, applied; ended with all its processes even when a test fails."""
    run = Run(tmp_path_factory.mktemp("rehearsal") / "run")
    try:
        yield applied(run)
    finally:
        deployment.stop_local_aws(run)
        run.clear()


@pytest.fixture(scope="session")
def statements_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each rehearsal leaves what it showed of the policies, for whichever process looks back."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "statements"


def applied(run: Run, environment: str = "dev", before: Callable[["Rehearsal"], None] | None = None) -> Rehearsal:
    """Apply account and environment to a new local AWS.

    Args:
        run: where.
        environment: whose variable file.
        before: what people bring along, made just before the environment.
    """
    rehearsal = prepared(run, environment)
    if before:
        before(rehearsal)
    rehearsal.outputs = rehearsal.deployment.apply_environment(rehearsal.digest, quiet)
    rehearsal.client = Client(rehearsal.client.url, write_token(run))
    if rehearsal.outputs["service_url"].startswith("http:"):
        deployment.wait_until_it_answers(rehearsal.client.url, quiet)
    return rehearsal


def prepared(run: Run, environment: str) -> Rehearsal:
    """A new local AWS with an account, ready for an environment's first apply."""
    program, _ = find_terraform()
    ports = run.take_ports(None)
    digest = deployment.build(run)
    deployment.start_local_aws(run)
    terraform = Deployment(run, program, environment)
    rehearsal = Rehearsal(run, terraform, Client(f"http://127.0.0.1:{ports.balancer}"), digest)
    terraform.apply_account(quiet)
    terraform.init_environment()
    return rehearsal


def make_zone(rehearsal: Rehearsal) -> None:
    """The hosted zone that people bring along to an environment with a domain."""
    rehearsal.aws("route53").create_hosted_zone(Name="example.com", CallerReference="rehearsal")


def unprotect(rehearsal: Rehearsal) -> None:
    """What a person does by hand before a destroy; of the load balancer there may be nothing left, because moto does
    not protect one."""
    balancers = rehearsal.aws("elbv2")
    for balancer in balancers.describe_load_balancers()["LoadBalancers"]:
        balancers.modify_load_balancer_attributes(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}],
        )
    databases = rehearsal.aws("rds")
    for instance in databases.describe_db_instances()["DBInstances"]:
        databases.modify_db_instance(DBInstanceIdentifier=instance["DBInstanceIdentifier"], DeletionProtection=False)


def changes_of(plan: dict[str, Any] | None) -> dict[str, list[str]]:
    """What a plan would do, by address; nothing but no-op and read is left out."""
    changes = (plan or {}).get("resource_changes", [])
    actions = {change["address"]: change["change"]["actions"] for change in changes}
    return {address: action for address, action in actions.items() if action not in (["no-op"], ["read"])}


@contextmanager
def connected(rehearsal: Rehearsal, credential: dict[str, Any]) -> Iterator[pg8000.native.Connection]:
    """A connection to the deployed database with a credential, over verified TLS."""
    host, port = rehearsal.outputs["database_endpoint"].split(":")
    connection = pg8000.native.Connection(
        credential["username"],
        password=credential["password"],
        host=host,
        port=int(port),
        database="beers",
        ssl_context=ssl.create_default_context(cafile=str(rehearsal.run.authority / "ca.pem")),
        timeout=30,
    )
    try:
        yield connection
    finally:
        connection.close()


def login(rehearsal: Rehearsal, name: str) -> dict[str, Any]:
    """What the secret of a login holds."""
    return rehearsal.secret(rehearsal.outputs["login_secret_arns"][name])


def master(rehearsal: Rehearsal) -> dict[str, Any]:
    """What the secret of the database's master holds."""
    instance = rehearsal.aws("rds").describe_db_instances()["DBInstances"][0]
    return rehearsal.secret(instance["MasterUserSecret"]["SecretArn"])


def database_folder(rehearsal: Rehearsal) -> Path:
    """Where the database's server has its files and its socket."""
    (link,) = rehearsal.run.logs.glob("*.data")
    return link.resolve()


@contextmanager
def superuser(rehearsal: Rehearsal) -> Iterator[pg8000.native.Connection]:
    """The server's true superuser, through its own socket."""
    (own_socket,) = (path for path in database_folder(rehearsal).glob(".s.PGSQL.*") if path.suffix != ".lock")
    connection = pg8000.native.Connection("rdsadmin", database="beers", unix_sock=str(own_socket), timeout=30)
    try:
        yield connection
    finally:
        connection.close()


def image_of_changed_service(rehearsal: Rehearsal, folder: Path, changes: dict[str, str]) -> str:
    """An image of the checkout's service with some files of another content; its digest."""
    shutil.copytree(CHECKOUT / "app", folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(CHECKOUT / "Dockerfile", folder / "Dockerfile")
    for name, text in changes.items():
        (folder / "app" / name).write_text(text)
    return ImageStore(rehearsal.run.images).build(folder, rehearsal.run.authority / "ca.pem")


def quiet(_note: str) -> None:
    """Pytest says enough."""


def every_file(folder: Path) -> Iterator[Path]:
    """The regular files below a folder."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
