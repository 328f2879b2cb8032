"""Settings, read from the environment and validated."""

from pathlib import Path

import pytest

from app.settings import Settings, SettingsError

URL = "postgresql://me:hidden@localhost/beers"


def test_only_the_database_is_required() -> None:
    settings = Settings.from_environment({"DATABASE_URL": URL})
    assert settings == Settings(database_url=URL)
    assert (settings.host, settings.port, settings.database_ca_file) == ("127.0.0.1", 8000, Path("rds-ca.pem"))


def test_every_variable_is_read() -> None:
    environment = {
        "DATABASE_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:x",
        "DATABASE_CA_FILE": "/etc/ca.pem",
        "WRITE_TOKEN_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:y",
        "SEEDING": "off",
        "DATABASE_POOL_SIZE": "7",
        "DATABASE_POOL_RECYCLE_SECONDS": "60",
        "HOST": "0.0.0.0",
        "PORT": "8080",
        "WEB_CONCURRENCY": "3",
        "LOG_LEVEL": "warning",
        "APP_VERSION": "v1",
    }
    assert Settings.from_environment(environment) == Settings(
        database_secret_arn=environment["DATABASE_SECRET_ARN"],
        database_ca_file=Path("/etc/ca.pem"),
        write_token_secret_arn=environment["WRITE_TOKEN_SECRET_ARN"],
        seeding=False,
        database_pool_size=7,
        database_pool_recycle_seconds=60,
        host="0.0.0.0",
        port=8080,
        web_concurrency=3,
        log_level="WARNING",
        app_version="v1",
    )


def test_names_in_lower_case_are_not_variables() -> None:
    assert Settings.from_environment({"DATABASE_URL": URL, "port": "9"}) == Settings(database_url=URL)


def test_an_empty_variable_counts_as_unset() -> None:
    settings = Settings.from_environment({"DATABASE_URL": URL, "DATABASE_SECRET": "", "PORT": ""})
    assert settings == Settings(database_url=URL)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "found none of them"),
        ({"DATABASE_URL": URL, "DATABASE_SECRET": "{}"}, "found DATABASE_URL and DATABASE_SECRET"),
        ({"DATABASE_SECRET_ARN": '{"password": "hidden"}'}, "DATABASE_SECRET_ARN is not the ARN of a secret"),
        ({"DATABASE_SECRET_ARN": "taproom-dev-hidden"}, "DATABASE_SECRET_ARN is not the ARN of a secret"),
        ({"DATABASE_IAM_URL": "postgresql://me@db/beers"}, "DATABASE_IAM_URL needs AWS_REGION"),
        ({"DATABASE_URL": URL, "DATABASE_POOL_RECYCLE_SECONDS": "0"}, "DATABASE_POOL_RECYCLE_SECONDS is '0'"),
        ({"DATABASE_URL": URL, "PORT": "0"}, "PORT is '0'. Input should be greater than or equal to 1"),
        ({"DATABASE_URL": URL, "PORT": "65536"}, "PORT is '65536'"),
        ({"DATABASE_URL": URL, "PORT": "9" * 5000}, "PORT is '9"),
        ({"DATABASE_URL": URL, "PORT": "٣"}, "PORT is"),
        ({"DATABASE_URL": URL, "WEB_CONCURRENCY": "-1"}, "WEB_CONCURRENCY is '-1'"),
        ({"DATABASE_URL": URL, "DATABASE_POOL_SIZE": "many"}, "DATABASE_POOL_SIZE is 'many'"),
        ({"DATABASE_URL": URL, "LOG_LEVEL": "loud"}, "LOG_LEVEL is 'LOUD'"),
        ({"DATABASE_URL": URL, "SEEDING": "perhaps"}, "SEEDING is 'perhaps'. Input should be a valid boolean"),
        ({"DATABASE_URL": URL, "WRITE_TOKEN": "hidden"}, "WRITE_TOKEN is not a valid bearer token"),
        ({"DATABASE_URL": URL, "WRITE_TOKEN_SECRET_ARN": "hidden"}, "TOKEN_SECRET_ARN is not the ARN of a secret"),
        ({"DATABASE_URL": URL, "WRITE_TOKEN": "hidden", "WRITE_TOKEN_SECRET_ARN": "hidden"}, "both set"),
    ],
)
def test_an_invalid_variable_is_named_without_its_secret(environment: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says) as refused:
        Settings.from_environment(environment)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_SECRET", "WRITE_TOKEN"])
def test_the_repr_of_settings_contains_no_secret(name: str) -> None:
    environment = {"DATABASE_URL": URL} if name == "WRITE_TOKEN" else {}
    settings = Settings.from_environment({**environment, name: "hidden-hidden-hidden"})
    assert getattr(settings, name.lower()) == "hidden-hidden-hidden"
    assert "hidden" not in repr(settings)
