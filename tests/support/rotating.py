"""A database whose roles the bootstrap made and whose logins rotate, with a real Secrets Manager API."""

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from app.database.migrate import migrate
from app.settings import InjectedSecret
from app.settings import Settings as AppSettings
from db_bootstrap.credentials.passwords import new_password
from db_bootstrap.credentials.rotation import Rotation, Step
from db_bootstrap.credentials.store import SecretStore
from db_bootstrap.document import sibling_names
from db_bootstrap.inspect.session import Credential, Endpoint
from db_bootstrap.lambdas.apply import ApplyEvent, run
from db_bootstrap.settings import Settings
from devtools.postgres.cluster import Cluster
from tests.support.local_aws import REGION
from tests.support.rotation import SecretsManager

DATABASE = "beers"
MASTER = "dbmaster"
LOGIN = "beers_app"
MIGRATOR = "beers_migrator"
FUNCTION_TIMEOUT_SECONDS = 180.0
_DOCUMENT = {
    "database": DATABASE,
    "schemas": {"beers": {"owner": "beers_owner"}},
    "roles": {"beers_owner": {}, "beers_writer": {"schemas": {"beers": "write"}}},
    "logins": {
        LOGIN: {"credential": "rotated", "member_of": ["beers_writer"], "settings": {"statement_timeout": "5s"}},
        MIGRATOR: {"credential": "rotated", "acts_as": "beers_owner"},
    },
}


class Rotates(Protocol):
    """What does the steps of one rotation."""

    def run(self, step: Step) -> object:
        """Do one step."""


class RotatingDatabase:
    """A migrated database with its secrets.

    Attributes:
        cluster: its server, which is its own.
        client: of Secrets Manager, as the administrator.
        arns: the secret of each login, by the login's name.
        rotations: how many there were.
        master: the master's login.
    """

    def __init__(self, cluster: Cluster, manager: SecretsManager) -> None:
        self.cluster = cluster
        self.client = manager.client
        self._manager = manager
        self.rotations = 0
        self._passwords = {secrets.token_urlsafe(18)}
        (master_password,) = self._passwords
        self.master = Credential(MASTER, master_password)
        cluster.create_master(MASTER, master_password)
        cluster.create_database(DATABASE, MASTER)
        self._master_arn = self._create_secret(json.dumps({"username": MASTER, "password": master_password}))
        self.arns = {login: self._create_secret() for login in (LOGIN, MIGRATOR)}
        self.endpoint = Endpoint(cluster.host, cluster.port, DATABASE, str(cluster.authority.ca_file))
        event = ApplyEvent.parse({"action": "apply", "document": _DOCUMENT, "secret_arns": self.arns})
        self._store = SecretStore(self.client)
        run(event, Settings(self.endpoint, self._master_arn), self._store)
        migrate(self.injected(MIGRATOR))

    def environment(self, endpoint_url: str) -> dict[str, str]:
        """What the service is given: the secret's name, and the way to Secrets Manager."""
        return {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": endpoint_url,
            "DATABASE_CA_FILE": str(self.cluster.authority.ca_file),
            "DATABASE_SECRET_ARN": self.arns[LOGIN],
        }

    def injected(self, login: str) -> AppSettings:
        """Settings with a login's secret as it is now."""
        return AppSettings(InjectedSecret(json.dumps(self.secret(login))), ca_file=Path(self.cluster.authority.ca_file))

    def secret(self, login: str = LOGIN) -> dict[str, Any]:
        """What is current in a login's secret."""
        value = self.client.get_secret_value(SecretId=self.arns[login], VersionStage="AWSCURRENT")
        content: dict[str, Any] = json.loads(value["SecretString"])
        self._passwords.add(content["password"])
        return content

    def rotate(self, login: str = LOGIN) -> None:
        """One whole rotation."""
        for _ in self.steps(login):
            pass

    def steps(self, login: str = LOGIN, make: Callable[[str, str], Rotates] | None = None) -> Iterator[Step]:
        """One rotation, which stops after each of its steps and says which that was.

        ``make`` makes what does the steps of the rotation of a secret to a version, if it is not this project's.
        """
        arn = self.arns[login]
        token = self._manager.begin(arn)
        rotation = make(arn, token) if make else self._rotation(login, arn, token)
        for step in Step:
            rotation.run(step)
            if step is Step.FINISH:
                self._manager.conclude(arn, token)
                self.rotations += 1
                self.secret(login)
            yield step

    def _rotation(self, login: str, arn: str, token: str) -> Rotation:
        return Rotation(
            self._store, self.endpoint, self._master_arn, login, arn, token, lambda: FUNCTION_TIMEOUT_SECONDS
        )

    def start_over(self) -> None:
        """Make the first of the login's roles current, with a new password, whoever was current before."""
        credential = {**self.secret(), "username": sibling_names(LOGIN)[0], "password": new_password()}
        self.cluster.set_password(credential["username"], credential["password"])
        self.client.put_secret_value(SecretId=self.arns[LOGIN], SecretString=json.dumps(credential))

    def rows(self, statement: str) -> list[list[Any]]:
        """The rows of a statement, run by the superuser."""
        return self.cluster.admin(statement, database=DATABASE)

    def empty(self) -> None:
        """Take all beers away."""
        self.rows("TRUNCATE beers.beers RESTART IDENTITY")

    @property
    def passwords(self) -> frozenset[str]:
        """Every password that has been in force."""
        return frozenset(self._passwords)

    def _create_secret(self, value: str | None = None) -> str:
        arn: str = self.client.create_secret(
            Name=f"test/{secrets.token_hex(8)}", **({} if value is None else {"SecretString": value})
        )["ARN"]
        return arn
