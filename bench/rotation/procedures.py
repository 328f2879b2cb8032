"""Ways to rotate the login. Each does one rotation, and stops where somebody could lose a request."""

from collections.abc import Callable, Iterator
from enum import StrEnum

from bench.rotation.baselines import AlternatingUsers, SingleUser
from db_bootstrap.credentials.rotation import Step
from tests.support.rotating import Rotates, RotatingDatabase


class Moment(StrEnum):
    """What has just happened."""

    SET = "the new password is set"
    MOVED = "AWSCURRENT has moved"


_MOMENT_AFTER = {Step.SET: Moment.SET, Step.FINISH: Moment.MOVED}


def one_user(database: RotatingDatabase) -> Iterator[Moment]:
    """The password of the one user is replaced, and then the secret."""
    return _moments(database, lambda arn, token: SingleUser(database.client, database.endpoint, arn, token))


def two_users(database: RotatingDatabase) -> Iterator[Moment]:
    """The other user of two gets a new password, and then the secret names that one."""
    return _moments(
        database,
        lambda arn, token: AlternatingUsers(database.client, database.endpoint, arn, token, database.master),
    )


def taproom(database: RotatingDatabase) -> Iterator[Moment]:
    """The rotation function of this project."""
    return _moments(database, None)


def _moments(database: RotatingDatabase, make: Callable[[str, str], Rotates] | None) -> Iterator[Moment]:
    for step in database.steps(make=make):
        if step in _MOMENT_AFTER:
            yield _MOMENT_AFTER[step]
