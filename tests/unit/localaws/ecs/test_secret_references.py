"""What a container's ``valueFrom`` means."""

import pytest

from localaws.ecs.secret_references import SecretReference, SecretValueError, pick, read_reference

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:taproom-dev/beers_app-AbCdEf"


@pytest.mark.parametrize(
    ("value_from", "expected"),
    [
        pytest.param(ARN, SecretReference(ARN), id="the whole secret"),
        pytest.param(f"{ARN}:password::", SecretReference(ARN, "password"), id="one key"),
    ],
)
def test_a_reference_is_read_as_ecs_reads_it(value_from: str, expected: SecretReference) -> None:
    assert read_reference(value_from) == expected


@pytest.mark.parametrize("value_from", ["/taproom/flag", f"{ARN}::AWSPREVIOUS:", f"{ARN}:password::v1"])
def test_parameters_and_versions_are_refused(value_from: str) -> None:
    with pytest.raises(SecretValueError, match="is not emulated"):
        read_reference(value_from)


@pytest.mark.parametrize(
    ("key", "value"), [("", '{"password": "p", "port": 5432}'), ("password", "p"), ("port", "5432")]
)
def test_a_value_is_picked_from_the_secret(key: str, value: str) -> None:
    assert pick(SecretReference(ARN, key), '{"password": "p", "port": 5432}') == value


@pytest.mark.parametrize("text", ["hunter2", '["hunter2"]', '{"other": "hunter2"}'])
def test_a_missing_key_is_named_without_any_value(text: str) -> None:
    with pytest.raises(SecretValueError, match="password") as caught:
        pick(SecretReference(ARN, "password"), text)
    assert ARN in str(caught.value)
    assert "hunter2" not in str(caught.value)
