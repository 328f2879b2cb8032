"""The rotated logins of a database, with their secrets, and Secrets Manager driven step by step."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from db_bootstrap.credentials.rotation import Rotation, Step, StepReport
from db_bootstrap.credentials.store import SecretStore
from db_bootstrap.document import sibling_names
from db_bootstrap.lambdas import apply as handlers
from db_bootstrap.lambdas.apply import ApplyEvent
from db_bootstrap.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.integration.db_bootstrap.conftest import Access
    from tests.support.rotation import SecretsManager

FUNCTION_TIMEOUT_SECONDS = 180.0
FIRST_MAJOR_WITH_GRANTORS = 16
STEPS = tuple(Step)


class RotatedLogins:
    """What a test does with the logins ``app`` and ``migrator``, which have their first credentials.

    Attributes:
        arns: The secret of each, by the login's short name.
    """

    def __init__(self, cellar: Access, manager: SecretsManager) -> None:
        self.cellar = cellar
        self.manager = manager
        self.store = SecretStore(manager.client)
        self.master_arn = self._make_secret("master", SecretString=self.master_secret())
        self.arns = {name: self._make_secret(name) for name in ("app", "migrator")}
        self.bootstrap()

    def _make_secret(self, name: str, **value: str) -> str:
        arn: str = self.manager.client.create_secret(Name=self.cellar.role(name), **value)["ARN"]
        return arn

    def master_secret(self) -> str:
        """What RDS writes into the master's secret."""
        return json.dumps({"username": self.cellar.database.master, "password": self.cellar.database.password})

    def bootstrap(self) -> list[str]:
        """Apply the document and see to the credentials; the outcome for each login."""
        secret_arns = {self.cellar.role(name): arn for name, arn in self.arns.items()}
        event = {"action": "apply", "document": self.cellar.raw, "secret_arns": secret_arns}
        report = handlers.run(ApplyEvent.parse(event), Settings(self.cellar.endpoint, self.master_arn), self.store)
        return [credential["outcome"] for credential in report["credentials"]]

    def begin(self, name: str = "app") -> str:
        return self.manager.begin(self.arns[name])

    def step(self, step: Step, token: str, name: str = "app") -> StepReport:
        """Have the function do one step."""
        rotation = Rotation(
            self.store,
            self.cellar.endpoint,
            self.master_arn,
            self.cellar.role(name),
            self.arns[name],
            token,
            lambda: FUNCTION_TIMEOUT_SECONDS,
        )
        return rotation.run(step)

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
        value = self.manager.client.get_secret_value(SecretId=self.arns[name], VersionStage=stage)
        content: dict[str, Any] = json.loads(value["SecretString"])
        return content

    def put(self, text: str, name: str = "app", **options: Any) -> None:
        """Write a value by hand."""
        self.manager.client.put_secret_value(SecretId=self.arns[name], SecretString=text, **options)

    def logs_in(self, name: str = "app") -> bool:
        """Whether what is current logs in, and may use the schema."""
        content = self.content(name)
        with self.cellar.database.connect(content["username"], content["password"]) as session:
            who, may = session.run(f"SELECT session_user::text, has_schema_privilege('{self.cellar.schema}', 'USAGE')")[
                0
            ]
        return bool(who == content["username"] and may)

    def serving(self, name: str = "app") -> str:
        """The login role that serves now."""
        username: str = self.content(name)["username"]
        return username

    def other(self, name: str = "app") -> str:
        """The login role that does not serve now."""
        first, second = sibling_names(self.cellar.role(name))
        return second if self.serving(name) == first else first

    def by_hand(self, *statements: str) -> None:
        """What somebody does to the login ``app``, as the superuser.

        ``{serving}`` and ``{other}`` are its login roles. ``{as_master}`` at the end of a grant or revoke makes it the
        master's, whose grants from PostgreSQL 16 on nobody else's statement revokes.
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
