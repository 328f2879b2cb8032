"""Ways to rotate the login. Each performs one rotation, and yields each step that is done."""

from collections.abc import Iterator

from bench.rotation.baselines import AlternatingUsers, SingleUser
from db_bootstrap.credentials.rotation import Step
from tests.support.rotation import RotatingDatabase


def one_user(database: RotatingDatabase) -> Iterator[Step]:
    """Change the password of the only user, then the secret."""
    return database.steps(make=lambda arn, token: SingleUser(database.client, database.endpoint, arn, token))


def two_users(database: RotatingDatabase) -> Iterator[Step]:
    """Change the password of the alternate user, then make the secret name it."""
    return database.steps(
        make=lambda arn, token: AlternatingUsers(database.client, database.endpoint, arn, token, database.master)
    )


def taproom(database: RotatingDatabase) -> Iterator[Step]:
    """Run this project's rotation function."""
    return database.steps()
