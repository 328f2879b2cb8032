"""Settings of the functions."""

import pytest

from db_bootstrap.errors import ConfigurationError
from db_bootstrap.settings import Settings

ENVIRONMENT = {"DATABASE_HOST": "db.example", "DATABASE_PORT": "5432", "DATABASE_NAME": "beers"}


def test_an_environment_that_lacks_something_is_named() -> None:
    with pytest.raises(ConfigurationError, match="lacks DATABASE_PORT, MASTER_SECRET_ARN; set them in Terraform"):
        Settings.from_environment({"DATABASE_HOST": "db.example", "DATABASE_NAME": "beers", "DATABASE_PORT": ""})


def test_a_master_that_logs_in_by_iam_needs_no_secret() -> None:
    settings = Settings.from_environment({**ENVIRONMENT, "MASTER_IAM_USER": "dbmaster"})
    assert (settings.master_iam_user, settings.master_secret_arn) == ("dbmaster", "")


def test_a_port_that_is_no_number_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_PORT is 'http'; give a number"):
        Settings.from_environment({**ENVIRONMENT, "MASTER_SECRET_ARN": "arn", "DATABASE_PORT": "http"})
