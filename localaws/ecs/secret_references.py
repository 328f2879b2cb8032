"""What ``valueFrom`` of a container's secret points at: a Secrets Manager secret or an SSM parameter.

Pure: parses, and picks the value out of a secret's text. Fetching is done by ``tasks``, with the execution role's
credentials.
"""

import json
from dataclasses import dataclass

_ARN_PARTS = 7  # arn:partition:secretsmanager:region:account:secret:name-suffix


@dataclass(frozen=True)
class SecretReference:
    """``ARN[:json-key:version-stage:version-id]``, each of the three possibly empty."""

    arn: str
    json_key: str = ""
    version_stage: str = ""
    version_id: str = ""


@dataclass(frozen=True)
class ParameterReference:
    """The name or the ARN of an SSM parameter."""

    name: str


class SecretValueError(Exception):
    """A secret does not hold what the task definition asks it for. The message never holds a value."""


def read_reference(value_from: str) -> SecretReference | ParameterReference:
    """What ``valueFrom`` points at; anything that is no secret's ARN is a parameter, as for ECS."""
    parts = value_from.split(":")
    if len(parts) < _ARN_PARTS or parts[2] != "secretsmanager":
        return ParameterReference(value_from)
    json_key, stage, version = [*parts[_ARN_PARTS:], "", "", ""][:3]
    return SecretReference(":".join(parts[:_ARN_PARTS]), json_key, stage, version)


def pick(reference: SecretReference, text: str) -> str:
    """The part of a secret's text that ``reference`` asks for.

    Raises:
        SecretValueError: a JSON key is asked for, and the secret is no JSON object or lacks the key.
    """
    if not reference.json_key:
        return text
    try:
        document = json.loads(text)
    except ValueError as error:
        raise SecretValueError(
            f"ResourceInitializationError: secret {reference.arn} is not JSON, so it has no key {reference.json_key!r}."
        ) from error
    if not isinstance(document, dict) or reference.json_key not in document:
        raise SecretValueError(
            f"ResourceInitializationError: retrieved secret from Secrets Manager did not contain json key "
            f"{reference.json_key} (secret {reference.arn})"
        )
    value = document[reference.json_key]
    return value if isinstance(value, str) else json.dumps(value)
