"""Ways to rotate a credential. Each does one rotation, and stops after each of its steps.

The first two follow the order of AWS's reference functions for PostgreSQL, for one user and for two that alternate,
written afresh: they set the password in plain SQL, and assert nothing about the login.
"""

import json
import uuid
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import pg8000.native

from db_bootstrap.access import sibling_names
from db_bootstrap.connection import Credential, connected
from db_bootstrap.passwords import new_password
from db_bootstrap.rotate import Step
from tests.support.rotating import LOGIN, RotatingDatabase


class Moment(StrEnum):
    """What has just happened."""

    SET = "the new password is set"
    MOVED = "AWSCURRENT has moved"


def one_user(database: RotatingDatabase) -> Iterator[Moment]:
    """The password of the one user is replaced, and then the secret."""
    current = database.secret()
    return _in_reference_order(database, current, current["username"])


def two_users(database: RotatingDatabase) -> Iterator[Moment]:
    """The other user of two gets a new password, and then the secret names that one."""
    current = database.secret()
    first, second = sibling_names(LOGIN)
    return _in_reference_order(database, current, second if current["username"] == first else first)


def taproom(database: RotatingDatabase) -> Iterator[Moment]:
    """The rotation function of this project."""
    for step in database.steps():
        if step is Step.SET:
            yield Moment.SET
        if step is Step.FINISH:
            yield Moment.MOVED


def _in_reference_order(database: RotatingDatabase, current: dict[str, Any], username: str) -> Iterator[Moment]:
    client, arn, version = database.client, database.arns[LOGIN], str(uuid.uuid4())
    pending = Credential(username, new_password())
    content = json.dumps({**current, "username": pending.username, "password": pending.password})
    client.put_secret_value(
        SecretId=arn, ClientRequestToken=version, SecretString=content, VersionStages=["AWSPENDING"]
    )
    role, password = pg8000.native.identifier(username), pg8000.native.literal(pending.password)
    database.cluster.admin(f"ALTER USER {role} WITH PASSWORD {password}")
    yield Moment.SET
    with connected(database.endpoint, pending) as connection:
        connection.run("SELECT NOW()")
    labels = client.describe_secret(SecretId=arn)["VersionIdsToStages"]
    before = next(name for name, stages in labels.items() if "AWSCURRENT" in stages)
    client.update_secret_version_stage(
        SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=version, RemoveFromVersionId=before
    )
    client.update_secret_version_stage(SecretId=arn, VersionStage="AWSPENDING", RemoveFromVersionId=version)
    yield Moment.MOVED
