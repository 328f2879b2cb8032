"""``valueFrom`` of a container's secret: a Secrets Manager secret or an SSM parameter.

Pure: parses references, and selects the value in a secret's text. ``execution_role`` fetches it.
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
    """Return what ``valueFrom`` refers to; as in ECS, anything other than a secret's ARN is a parameter."""
    parts = value_from.split(":")
    if len(parts) < _ARN_PARTS or parts[2] != "secretsmanager":
        return ParameterReference(value_from)
    json_key, stage, version = [*parts[_ARN_PARTS:], "", "", ""][:3]
    return SecretReference(":".join(parts[:_ARN_PARTS]), json_key, stage, version)


def pick(reference: SecretReference, text: str) -> str:
    """Return the part of a secret's text that ``reference`` selects.

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
