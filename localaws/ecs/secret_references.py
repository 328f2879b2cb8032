"""``valueFrom`` of a container's secret in Secrets Manager.

Pure: parses references, and selects the value in a secret's text. ``execution_role`` fetches it. Not emulated: SSM
parameters, and versions other than the current one.
"""

import json
from dataclasses import dataclass

_ARN_PARTS = 7  # arn:partition:secretsmanager:region:account:secret:name-suffix


@dataclass(frozen=True)
class SecretReference:
    """``ARN[:json-key::]``."""

    arn: str
    json_key: str = ""


class SecretValueError(Exception):
    """A secret does not have what the task definition refers to. The message never contains a value."""


def read_reference(value_from: str) -> SecretReference:
    """Return what ``valueFrom`` refers to.

    Raises:
        SecretValueError: it refers to an SSM parameter or to a version.
    """
    parts = value_from.split(":")
    arn, (json_key, *version) = parts[:_ARN_PARTS], [*parts[_ARN_PARTS:], ""]
    if len(arn) < _ARN_PARTS or arn[2] != "secretsmanager" or any(version):
        raise SecretValueError(f"{value_from} is not emulated: use the ARN of a secret, without a version.")
    return SecretReference(":".join(arn), json_key)


def pick(reference: SecretReference, text: str) -> str:
    """Return the part of a secret's text that ``reference`` selects.

    Raises:
        SecretValueError: a JSON key is asked for, and the secret is not a JSON object or lacks the key.
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
