"""A deployment on the local AWS for tests, made the way `make up` makes it."""

import json
import shutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pg8000.native

from devtools.checkout import CHECKOUT
from devtools.images.store import ImageStore
from devtools.terraform.program import find_terraform
from rehearsal import deployment
from rehearsal.aws import assume_role, aws_client, write_token
from rehearsal.deployment import Deployment
from rehearsal.run import Run
from tests.support.http import Client
from tests.support.journal import journal_events


@dataclass
class Rehearsal:
    """A local AWS with an account and an environment.

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
        """Return a client with the given credentials, or with the administrator's."""
        return aws_client(self.run.endpoint, service, **credentials)

    def aws_as(self, role_arn: str, service: str) -> Any:
        """Return a client with a role's credentials."""
        return self.aws(service, **assume_role(self.run.endpoint, role_arn))

    def secret(self, arn: str) -> dict[str, Any]:
        """Return the current value of a secret."""
        value = self.aws("secretsmanager").get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")
        content: dict[str, Any] = json.loads(value["SecretString"])
        return content

    def journal(self, kind: str) -> list[dict[str, Any]]:
        """Return the journal's events of a kind."""
        return journal_events(self.run.logs, kind)


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
    rehearsal.deployment.apply_environment(rehearsal.digest, quiet)
    rehearsal.outputs = rehearsal.deployment.environment.outputs()
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
