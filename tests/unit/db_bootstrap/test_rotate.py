"""The events and settings that the rotation function accepts."""

import json

import pytest

from db_bootstrap.credentials.rotation import RotationEvent, Step
from db_bootstrap.errors import ConfigurationError, EventError
from db_bootstrap.lambdas.rotate import RotationSettings

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:beers_app-AbCdEf"
TOKEN = "9f1c5c1e-5f0d-4c4e-9a53-0c6b8d1b2a3f"
EVENT = {"Step": "createSecret", "SecretId": ARN, "ClientRequestToken": TOKEN}
ENVIRONMENT = {
    "DATABASE_HOST": "db.example",
    "DATABASE_PORT": "5432",
    "DATABASE_NAME": "beers",
    "MASTER_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-1",
    "ROTATED_LOGINS": json.dumps({"beers_app": ARN}),
}


@pytest.mark.parametrize("step", Step)
def test_an_event_of_secrets_manager_is_understood(step: Step) -> None:
    assert RotationEvent.parse({**EVENT, "Step": step.value}) == RotationEvent(step, ARN, TOKEN)


def test_keys_that_secrets_manager_adds_are_ignored() -> None:
    assert RotationEvent.parse({**EVENT, "RotationToken": "r", "Surprise": 1}) == RotationEvent(Step.CREATE, ARN, TOKEN)


def test_the_login_of_a_secret_comes_from_the_environment() -> None:
    settings = RotationSettings.from_environment(ENVIRONMENT)
    assert settings.login_of(ARN) == "beers_app"
    assert settings.function.endpoint.host == "db.example"
    with pytest.raises(EventError, match="This function does not rotate the secret"):
        settings.login_of(f"{ARN}x")


@pytest.mark.parametrize(
    ("logins", "message"),
    [
        pytest.param(None, "must be a JSON object", id="not set"),
        pytest.param("", "must be a JSON object", id="empty"),
        pytest.param("beers_app", "must be a JSON object", id="no JSON"),
        pytest.param('["beers_app"]', "must be a JSON object", id="a list"),
        pytest.param('{"beers_app": ""}', "must be a JSON object", id="no ARN"),
        pytest.param('{"beers_app": "arn", "root": "arn"}', "names a secret twice", id="one secret for two logins"),
    ],
)
def test_logins_that_cannot_be_used_are_a_fault_of_the_configuration(logins: str | None, message: str) -> None:
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "ROTATED_LOGINS"}
    with pytest.raises(ConfigurationError, match=message):
        RotationSettings.from_environment(environment if logins is None else {**environment, "ROTATED_LOGINS": logins})
