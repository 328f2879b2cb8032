"""The rotations that ours is measured beside do rotate."""

import json
from collections.abc import Callable, Iterator

import pytest

from bench.rotation.baselines import AlternatingUsers, ReferenceRotation, SingleUser
from db_bootstrap.credentials.rotation import Step
from db_bootstrap.model import Credential, Endpoint
from tests.support.database import Database
from tests.support.rotation import SecretsManager, secrets_manager

pytestmark = pytest.mark.database


class Rotated:
    """A login of the master's making, with its secret."""

    def __init__(self, database: Database, manager: SecretsManager) -> None:
        self.database = database
        self.manager = manager
        self.name = f"{database.name}_app"
        with database.connect() as master:
            master.run(f"CREATE ROLE {self.name} LOGIN")
        database.cluster.set_password(self.name, "first")
        content = json.dumps({"username": self.name, "password": "first"})
        self.arn = manager.client.create_secret(Name=self.name, SecretString=content)["ARN"]
        cluster = database.cluster
        self.endpoint = Endpoint(cluster.host, cluster.port, database.name, str(cluster.authority.ca_file))

    def current(self) -> Credential:
        value = self.manager.client.get_secret_value(SecretId=self.arn, VersionStage="AWSCURRENT")
        content = json.loads(value["SecretString"])
        return Credential(content["username"], content["password"])

    def logs_in(self, credential: Credential) -> bool:
        with self.database.connect(credential.username, credential.password) as session:
            return bool(session.run("SELECT session_user::text") == [[credential.username]])

    def rotate(self, make: Callable[["Rotated", str], ReferenceRotation]) -> None:
        token = self.manager.begin(self.arn)
        for step in Step:
            make(self, token).run(step)
        self.manager.conclude(self.arn, token)


@pytest.fixture
def rotated(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rotated]:
    with secrets_manager(tmp_path_factory.mktemp("secrets-manager")) as manager:
        yield Rotated(database, manager)


def single_user(rotated: Rotated, token: str) -> ReferenceRotation:
    return SingleUser(rotated.manager.client, rotated.endpoint, rotated.arn, token)


def alternating_users(rotated: Rotated, token: str) -> ReferenceRotation:
    master = Credential(rotated.database.master, rotated.database.password)
    return AlternatingUsers(rotated.manager.client, rotated.endpoint, rotated.arn, token, master)


def test_a_single_user_gets_a_new_password_and_the_old_one_is_refused(rotated: Rotated) -> None:
    before = rotated.current()
    rotated.rotate(single_user)
    after = rotated.current()
    assert after.username == before.username
    assert rotated.logs_in(after)
    with pytest.raises(Exception, match="28P01"):
        rotated.logs_in(before)


def test_alternating_users_take_turns_and_the_one_before_still_logs_in(rotated: Rotated) -> None:
    before, names = rotated.current(), []
    for _ in range(3):
        rotated.rotate(alternating_users)
        assert rotated.logs_in(before)
        before = rotated.current()
        assert rotated.logs_in(before)
        names.append(before.username)
    assert names == [f"{rotated.name}_clone", rotated.name, f"{rotated.name}_clone"]
