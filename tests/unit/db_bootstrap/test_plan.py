"""Settings of the functions."""

import pytest

from db_bootstrap.errors import ConfigurationError
from db_bootstrap.settings import Settings

ENVIRONMENT = {"DATABASE_HOST": "db.example", "DATABASE_PORT": "5432", "DATABASE_NAME": "beers"}


def test_a_master_that_logs_in_by_iam_needs_no_secret() -> None:
    settings = Settings.from_environment({**ENVIRONMENT, "MASTER_IAM_USER": "dbmaster"})
    assert (settings.master_iam_user, settings.master_secret_arn) == ("dbmaster", "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"DATABASE_PORT": ""}, "lacks DATABASE_PORT, MASTER_SECRET_ARN; set them in Terraform"),
        ({"DATABASE_PORT": "http", "MASTER_SECRET_ARN": "arn"}, "DATABASE_PORT is 'http'; give a number"),
    ],
)
def test_an_environment_that_lacks_something_or_has_no_number_is_refused(change: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Settings.from_environment(ENVIRONMENT | change)
