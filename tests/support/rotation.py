"""Secrets Manager with a test in the place of what invokes the function, and databases whose logins rotate by it."""

import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from moto.secretsmanager.models import FakeSecret, secretsmanager_backends

from app.database.migrate import migrate
from app.settings import Settings as AppSettings
from db_bootstrap.credentials.rotation import Rotation, Step, StepReport
from db_bootstrap.credentials.store import SecretStore
from db_bootstrap.document.model import login_role_names
from db_bootstrap.lambdas.apply import ApplyEvent, run
from db_bootstrap.model import Credential, Endpoint
from db_bootstrap.settings import Settings
from devtools.postgres.cluster import Cluster
from localaws.secretsmanager.rotation import Rotations
from localaws.secretsmanager.secrets import Secrets
from tests.support.access import Access
from tests.support.documents import beers
from tests.support.local_aws import REGION
from tests.support.moto_server import MotoServer, moto_server

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:rotation"
FUNCTION_TIMEOUT_SECONDS = 180.0
FIRST_MAJOR_WITH_GRANTORS = 16
STEPS = tuple(Step)
DATABASE = "beers"
MASTER = "dbmaster"
LOGIN = "beers_app"
MIGRATOR = "beers_migrator"


class RotationsByHand(Rotations):
    """Starts nothing automatically."""

    def may_invoke(self, function_arn: str, secret_arn: str) -> bool:
        return True

    def start(self, secret: FakeSecret, token: str) -> None:
        pass

    def start_test(self, secret: FakeSecret, token: str) -> None:
        pass

    def finish(self, secret: FakeSecret, token: str) -> bool:
        """Return what follows a finishSecret that did not fail; whether the rotation is over."""
        return self._finish(secret, token)


class SecretsManager:
    """A running Secrets Manager.

    Attributes:
        client: boto3's.
        store: what the function reads and writes.
        endpoint: its URL, for clients in other processes.
    """

    def __init__(self, server: MotoServer, rotations: RotationsByHand) -> None:
        self.client = server.client("secretsmanager")
        self.store = SecretStore(self.client)
        self.endpoint = server.context.settings.endpoint
        self._settings = server.context.settings
        self._rotations = rotations

    def create(self, name: str, value: str | None = None) -> str:
        """Create a secret, empty as Terraform does or with a value; its ARN."""
        arn: str = self.client.create_secret(Name=name, **({} if value is None else {"SecretString": value}))["ARN"]
        return arn

    def content(self, arn: str, stage: str = "AWSCURRENT") -> dict[str, Any]:
        """Return what the version with a label holds."""
        value = self.client.get_secret_value(SecretId=arn, VersionStage=stage)
        content: dict[str, Any] = json.loads(value["SecretString"])
        return content

    def rotation(self, endpoint: Endpoint, master_arn: str, login: str, arn: str, token: str) -> Rotation:
        """Return what the function does for a rotation of a login."""
        store, seconds_left = self.store, lambda: FUNCTION_TIMEOUT_SECONDS
        return Rotation(store, endpoint, lambda: store.master(master_arn), login, arn, token, seconds_left)

    def begin(self, arn: str, **options: Any) -> str:
        """RotateSecret: a pending version without a value; its id, which is the token of every step."""
        token: str = self.client.rotate_secret(
            SecretId=arn, RotationLambdaARN=FUNCTION_ARN, RotationRules={"AutomaticallyAfterDays": 30}, **options
        )["VersionId"]
        return token

    def conclude(self, arn: str, token: str) -> None:
        """End a rotation that has done its four steps, as AWS does; it must have moved AWSCURRENT."""
        secret: Any = secretsmanager_backends[self._settings.account_id][self._settings.region].secrets[arn]
        assert self._rotations.finish(secret, token)

    def labels(self, arn: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = self.client.describe_secret(SecretId=arn)["VersionIdsToStages"]
        return found

    def holder(self, arn: str, label: str) -> str:
        return next(version_id for version_id, labels in self.labels(arn).items() if label in labels)


@contextmanager
def secrets_manager(directory: Path) -> Iterator[SecretsManager]:
    """An empty Secrets Manager on a separate port."""
    with moto_server(directory) as server:
        service = Secrets(server.context)
        service._rotations = rotations = RotationsByHand(server.context)
        try:
            yield SecretsManager(server, rotations)
        finally:
            service.stop()


class RotatedLogins:
    """The logins ``app`` and ``migrator`` for a test to work with.

    Attributes:
        arns: The secret of each, by the login's short name.
    """

    def __init__(self, cellar: Access, manager: SecretsManager, *, is_new: bool = False) -> None:
        """Give them their first credentials, unless ``is_new``."""
        self.cellar = cellar
        self.manager = manager
        self.store = manager.store
        self.master_arn = manager.create(cellar.role("master"), self.master_secret())
        self.arns = {name: manager.create(cellar.role(name)) for name in ("app", "migrator")}
        if not is_new:
            self.bootstrap()

    def master_secret(self) -> str:
        """Return what RDS writes into the master's secret."""
        return json.dumps({"username": self.cellar.database.master, "password": self.cellar.database.password})

    def bootstrap(self) -> list[str]:
        """Apply the document and ensure the credentials; return the outcome for each login."""
        return [credential["outcome"] for credential in self.report()["credentials"]]

    def report(self) -> dict[str, Any]:
        secret_arns = {self.cellar.role(name): arn for name, arn in self.arns.items()}
        event = {"action": "apply", "document": self.cellar.raw, "secret_arns": secret_arns}
        return run(ApplyEvent.parse(event), Settings(self.cellar.endpoint, self.master_arn), self.store)

    def begin(self, name: str = "app") -> str:
        return self.manager.begin(self.arns[name])

    def step(self, step: Step, token: str, name: str = "app") -> StepReport:
        login, arn = self.cellar.role(name), self.arns[name]
        return self.manager.rotation(self.cellar.endpoint, self.master_arn, login, arn, token).run(step)

    def steps(self, token: str, name: str = "app", steps: Iterable[Step] = STEPS) -> list[StepReport]:
        return [self.step(step, token, name) for step in steps]

    def rotate(self, name: str = "app") -> str:
        """A whole rotation; its token."""
        token = self.begin(name)
        self.finish(token, name)
        return token

    def finish(self, token: str, name: str = "app") -> None:
        """All four steps, as the first or a later attempt, and what Secrets Manager does afterwards."""
        self.steps(token, name)
        self.manager.conclude(self.arns[name], token)
        assert self.logs_in(name)
        assert self.manager.holder(self.arns[name], "AWSCURRENT") == token

    def content(self, name: str = "app", stage: str = "AWSCURRENT") -> dict[str, Any]:
        return self.manager.content(self.arns[name], stage)

    def put(self, text: str, name: str = "app", **options: Any) -> None:
        """Write a value by hand."""
        self.manager.client.put_secret_value(SecretId=self.arns[name], SecretString=text, **options)

    def logs_in(self, name: str = "app") -> bool:
        """Return True if what is current logs in, and may use the schema."""
        content = self.content(name)
        with self.cellar.database.connect(content["username"], content["password"]) as session:
            may_use = f"has_schema_privilege('{self.cellar.schema}', 'USAGE')"
            ((user, may),) = session.run(f"SELECT session_user::text, {may_use}")
        return bool(user == content["username"] and may)

    def serving(self, name: str = "app") -> str:
        username: str = self.content(name)["username"]
        return username

    def other(self, name: str = "app") -> str:
        first, second = login_role_names(self.cellar.role(name))
        return second if self.serving(name) == first else first

    def by_hand(self, *statements: str) -> None:
        """A manual change of the login ``app``, as the superuser.

        ``{serving}`` and ``{other}`` are its login roles. ``{as_master}`` at the end of a grant or revoke makes it the
        master's, whose grants from PostgreSQL 16 on only its statements revoke.
        """
        is_by_grantor = self.cellar.database.cluster.major >= FIRST_MAJOR_WITH_GRANTORS
        roles = {
            "{serving}": self.serving(),
            "{other}": self.other(),
            "{as_master}": "GRANTED BY {master}" if is_by_grantor else "",
        }
        for statement in statements:
            filled = statement
            for placeholder, role in roles.items():
                filled = filled.replace(placeholder, role)
            self.cellar.as_superuser(filled)


class RotatingDatabase:
    """A migrated database with its secrets.

    Attributes:
        cluster: its server, which is its own.
        arns: the secret of each login, by the login's name.
        rotations: how many there were.
        master: the master's login.
    """

    def __init__(self, cluster: Cluster, manager: SecretsManager) -> None:
        self.cluster = cluster
        self._manager = manager
        self.rotations = 0
        self._passwords = {secrets.token_urlsafe(18)}
        (master_password,) = self._passwords
        self.master = Credential(MASTER, master_password)
        cluster.create_master(MASTER, master_password)
        cluster.create_database(DATABASE, MASTER)
        self._master_arn = self.create_secret(json.dumps({"username": MASTER, "password": master_password}))
        self.arns = {login: self.create_secret() for login in (LOGIN, MIGRATOR)}
        self.endpoint = Endpoint(cluster.host, cluster.port, DATABASE, str(cluster.authority.ca_file))
        self.apply()
        migrate(self.injected(MIGRATOR))

    def apply(self, **changes: Any) -> list[str]:
        """Apply the document, with other logins or retired roles than usual; the outcome for each credential."""
        document = beers() | changes
        rotated = {login: beers()["logins"][login] for login in (LOGIN, MIGRATOR)}
        document["logins"] = rotated | changes.get("logins", {})
        event = ApplyEvent.parse({"action": "apply", "document": document, "secret_arns": self.arns})
        report = run(event, Settings(self.endpoint, self._master_arn), self._manager.store)
        return [credential["outcome"] for credential in report["credentials"]]

    def move_to(self, cluster: Cluster) -> None:
        """Take a restored server for the database; RDS has set its master's password."""
        cluster.set_password(MASTER, self.master.password)
        self.cluster = cluster
        self.endpoint = replace(self.endpoint, port=cluster.port)

    def environment(self, endpoint_url: str) -> dict[str, str]:
        """Return what the service is given: the secret's name, and the way to Secrets Manager."""
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
        return AppSettings(
            database_secret=json.dumps(self.secret(login)), database_ca_file=Path(self.cluster.authority.ca_file)
        )

    def secret(self, login: str = LOGIN) -> dict[str, Any]:
        """Return what is current in a login's secret."""
        content = self._manager.content(self.arns[login])
        self._passwords.add(content["password"])
        return content

    def rotate(self, login: str = LOGIN) -> None:
        for _ in self.steps(login):
            pass

    def steps(self, login: str = LOGIN) -> Iterator[Step]:
        """One rotation, which stops after each of its steps and says which that was."""
        arn = self.arns[login]
        token = self._manager.begin(arn)
        rotation = self._manager.rotation(self.endpoint, self._master_arn, login, arn, token)
        for step in Step:
            rotation.run(step)
            if step is Step.FINISH:
                self._manager.conclude(arn, token)
                self.rotations += 1
                self.secret(login)
            yield step

    def rows(self, statement: str) -> list[list[Any]]:
        """The rows of a statement, run by the superuser."""
        return self.cluster.admin(statement, database=DATABASE)

    def empty(self) -> None:
        self.rows("TRUNCATE beers.beers RESTART IDENTITY")

    @property
    def passwords(self) -> frozenset[str]:
        return frozenset(self._passwords)

    def create_secret(self, value: str | None = None) -> str:
        """Create a secret with a new name; its ARN."""
        return self._manager.create(f"test/{secrets.token_hex(8)}", value)
