"""Ways to rotate the login. Each performs one rotation, and yields at the moments when requests can fail."""

from collections.abc import Callable, Iterator
from enum import StrEnum

from bench.rotation.baselines import AlternatingUsers, SingleUser
from db_bootstrap.credentials.rotation import Step
from tests.support.rotation import Rotates, RotatingDatabase


class Moment(StrEnum):
    """An event of a rotation."""

    SET = "the new password is set"
    MOVED = "AWSCURRENT has moved"


_MOMENT_AFTER = {Step.SET: Moment.SET, Step.FINISH: Moment.MOVED}


def one_user(database: RotatingDatabase) -> Iterator[Moment]:
    """Change the password of the only user, then the secret."""
    return _moments(database, lambda arn, token: SingleUser(database.client, database.endpoint, arn, token))


def two_users(database: RotatingDatabase) -> Iterator[Moment]:
    """Change the password of the alternate user, then make the secret name it."""
    return _moments(
        database,
        lambda arn, token: AlternatingUsers(database.client, database.endpoint, arn, token, database.master),
    )


def taproom(database: RotatingDatabase) -> Iterator[Moment]:
    """Run this project's rotation function."""
    return _moments(database, None)


def _moments(database: RotatingDatabase, make: Callable[[str, str], Rotates] | None) -> Iterator[Moment]:
    for step in database.steps(make=make):
        if step in _MOMENT_AFTER:
            yield _MOMENT_AFTER[step]
