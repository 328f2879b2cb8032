"""Secrets Manager where moto 5.2.5 differs from it: versions, their staging labels, and rotation.

moto loses labels when ``AWSCURRENT`` moves, returns the newest value for a read without a stage, lets a version's value
change, and rotates without checking the function's result. Here labels follow ``versions``, rotation is in
``rotation``, and a version's value is written once.

Different from AWS: no binary values, no replicas, and no rotation on schedule (call RotateSecret). Managed secrets of
other services are rotated by those services.
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.secretsmanager.exceptions import (
    InvalidParameterException,
    InvalidRequestException,
    ResourceExistsException,
    ResourceNotFoundException,
    SecretNotFoundException,
    SecretsManagerClientError,
    SecretStageVersionMismatchException,
)
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend

from localaws.patch import MonkeyPatch
from localaws.secretsmanager.rotation import SERVICE, Rotations, publish_rotation
from localaws.secretsmanager.versions import CURRENT, PENDING, Labels, StagingError, holder, move_label, put_version
from localaws.settings import Context

_RULES = "localaws_rotation_rules"
SECONDS_A_DAY = 86400
DEFAULT_ROTATION_DAYS = 30


class Secrets:
    """Secrets with staging labels and rotation."""

    def __init__(self, context: Context) -> None:
        self._rotations = Rotations(context)
        self._patch = MonkeyPatch()

        patch = self._patch
        for name, replacement in {
            "get_secret_value": get_secret_value,
            "put_secret_value": put_secret_value,
            "update_secret_version_stage": update_secret_version_stage,
        }.items():
            patch.attribute(SecretsManagerBackend, name, replacement)

        @patch.method(FakeSecret, "reset_default_version")
        def put_current(
            _original: Callable[..., None], secret: FakeSecret, version: dict[str, Any], version_id: str
        ) -> None:
            labels = put_version(_without_rotation(secret, version_id), version_id, version["version_stages"])
            secret.versions[version_id] = version
            _set_labels(secret, labels)

        @patch.method(SecretsManagerBackend, "create_secret")
        def create(original: Callable[..., str], backend: SecretsManagerBackend, name: str, **rest: Any) -> str:
            existing = backend.secrets.get(name)
            if existing is not None and existing.is_deleted():
                raise InvalidRequestException(
                    "You can't create this secret because a secret with this name is already scheduled for deletion."
                )
            return original(backend, name=name, **rest)

        @patch.method(SecretsManagerBackend, "rotate_secret")
        def rotate(_original: Callable[..., str], backend: SecretsManagerBackend, secret_id: str, **rest: Any) -> str:
            return self._rotate(_existing(backend, secret_id), **rest)

        self._describe()

    def stop(self) -> None:
        """Start no further rotation step, and restore moto's methods."""
        self._rotations.stop()
        self._patch.undo()

    def status(self) -> dict[str, Any]:
        """Return the rotations in progress."""
        return {"rotating": self._rotations.status()}

    def _describe(self) -> None:
        @self._patch.method(FakeSecret, "to_dict")
        def describe(original: Callable[..., dict[str, Any]], secret: FakeSecret) -> dict[str, Any]:
            described = original(secret)
            labelled = {version: labels for version, labels in _labels(secret).items() if labels}
            for key in ("VersionIdsToStages", "SecretVersionsToStages"):
                if key in described:
                    described[key] = labelled
            if "RotationRules" in described:
                described["RotationRules"] = getattr(secret, _RULES, described["RotationRules"])
                if not described["RotationLambdaARN"]:
                    del described["RotationLambdaARN"]
            return described

    def _rotate(
        self,
        secret: FakeSecret,
        client_request_token: str | None = None,
        rotation_lambda_arn: str | None = None,
        rotation_rules: Mapping[str, Any] | None = None,
        rotate_immediately: bool = True,  # noqa: FBT001, FBT002 - moto's signature
    ) -> str:
        if secret.owning_service:
            raise NotImplementedError(f"no caller can rotate secrets managed by {secret.owning_service}")
        function_arn = rotation_lambda_arn or secret.rotation_lambda_arn
        if not function_arn:
            raise InvalidRequestException("No Lambda rotation function ARN is associated with this secret.")
        self._check_function(function_arn, secret.arn)
        secret.rotation_lambda_arn = function_arn
        schedule(secret, rotation_rules)
        labels = _labels(secret)
        pending = holder(labels, PENDING)
        if self._rotations.is_running(secret) or (pending and CURRENT not in labels[pending]):
            if pending:
                self._rotations.start(secret, pending)
            raise InvalidRequestException("A previous rotation isn't complete. That rotation will be reattempted.")
        token = client_request_token or str(uuid.uuid4())
        current = holder(labels, CURRENT)
        if rotate_immediately:
            _set_labels(secret, put_pending(labels, token), token)
            self._rotations.start(secret, token)
        elif current:
            _set_labels(secret, put_pending(labels, token), token, secret.versions[current].get("secret_string"))
            self._rotations.start_test(secret, token)
        return json.dumps({"ARN": secret.arn, "Name": secret.name, "VersionId": token})

    def _check_function(self, function_arn: str, secret_arn: str) -> None:
        try:
            allowed = self._rotations.may_invoke(function_arn, secret_arn)
        except JsonRESTError as error:
            raise ResourceNotFoundException(f"Lambda does not find the function {function_arn}.") from error
        if not allowed:
            raise SecretsManagerClientError(
                "AccessDeniedException",
                "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants "
                f"access to the principal {SERVICE}.",
            )


def get_secret_value(
    backend: SecretsManagerBackend, secret_id: str, version_id: str | None, version_stage: str | None
) -> dict[str, Any]:
    """GetSecretValue: the version with the id, or else with the stage, or else the current one."""
    secret = _existing(backend, secret_id)
    labels = _labels(secret)
    if version_id and version_stage and version_stage not in labels.get(version_id, [version_stage]):
        raise SecretStageVersionMismatchException
    stage = version_stage or CURRENT
    found = version_id or holder(labels, stage)
    version = secret.versions.get(found or "", {})
    if "secret_string" not in version:
        which = f"VersionId: {version_id}" if version_id else f"staging label: {stage}"
        raise ResourceNotFoundException(f"Secrets Manager can't find the specified secret value for {which}")
    return {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version["version_id"],
        "VersionStages": version["version_stages"],
        "CreatedDate": version["createdate"],
        "SecretString": version["secret_string"],
    }


def put_secret_value(
    backend: SecretsManagerBackend,
    *,
    secret_id: str,
    secret_string: str | None,
    secret_binary: str | None = None,
    client_request_token: str | None = None,
    version_stages: list[str],
) -> str:
    """PutSecretValue: a new version, or the value of one that has none yet; the same value again changes nothing."""
    if secret_binary is not None:
        raise NotImplementedError("binary secrets are not emulated")
    secret = _existing(backend, secret_id)
    token = client_request_token or str(uuid.uuid4())
    held = secret.versions.get(token, {}).get("secret_string")
    if held not in (None, secret_string):
        raise ResourceExistsException(
            f"You can't use ClientRequestToken {token} because that value is already in use for a version of secret "
            f"{secret.arn}."
        )
    if held is None:
        before = _without_rotation(secret, token) if CURRENT in version_stages else _labels(secret)
        _set_labels(secret, put_version(before, token, version_stages), token, secret_string)
        secret.last_changed_date = int(time.time())
    return json.dumps(
        {
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": token,
            "VersionStages": secret.versions[token]["version_stages"],
        }
    )


def update_secret_version_stage(
    backend: SecretsManagerBackend,
    *,
    secret_id: str,
    version_stage: str,
    remove_from_version_id: str | None,
    move_to_version_id: str | None,
) -> tuple[str, str]:
    """UpdateSecretVersionStage; the secret's ARN and name."""
    secret = _existing(backend, secret_id)
    try:
        labels = move_label(_labels(secret), version_stage, remove_from_version_id, move_to_version_id)
    except StagingError as error:
        raise InvalidParameterException(str(error)) from error
    _set_labels(secret, labels)
    return secret.arn, secret.name


def put_pending(labels: Labels, token: str) -> Labels:
    """Return the labels when a rotation begins: only the new version's pending label changes."""
    without = {version: [label for label in own if label != PENDING] for version, own in labels.items()}
    return {**without, token: [PENDING]}


def schedule(secret: FakeSecret, rules: Mapping[str, Any] | None) -> None:
    """Turn a secret's rotation on; with new rules, or by those that it has."""
    secret.rotation_requested = secret.rotation_enabled = True
    if not rules:
        return
    setattr(secret, _RULES, dict(rules))
    days = rules.get("AutomaticallyAfterDays")
    secret.auto_rotate_after_days = days or 0
    secret.next_rotation_date = int(time.time()) + (days or DEFAULT_ROTATION_DAYS) * SECONDS_A_DAY


def _existing(backend: SecretsManagerBackend, secret_id: str) -> FakeSecret:
    secret = backend.secrets.get(secret_id)
    if secret is None:
        raise SecretNotFoundException
    if not isinstance(secret, FakeSecret):
        raise NotImplementedError(f"{secret_id} is a replica")
    if secret.is_deleted():
        raise InvalidRequestException(
            "You can't perform this operation on the secret because it was marked for deletion."
        )
    return secret


def _labels(secret: FakeSecret) -> Labels:
    return {version_id: list(version["version_stages"]) for version_id, version in secret.versions.items()}


def _without_rotation(secret: FakeSecret, version_id: str) -> Labels:
    """Return the labels after a caller's own version ends the rotation in progress."""
    labels = _labels(secret)
    pending = holder(labels, PENDING)
    if pending in (None, version_id) or CURRENT in labels[pending]:
        return labels
    publish_rotation(secret, "RotationAbandoned")
    return {version: [label for label in own if label != PENDING] for version, own in labels.items()}


def _set_labels(secret: FakeSecret, labels: Labels, token: str | None = None, value: str | None = None) -> None:
    """Write the labels back; and the version ``token`` with its value, which is new or had none."""
    if token is not None:
        version = secret.versions.setdefault(token, {"createdate": int(time.time()), "version_id": token})
        if value is not None:
            version["secret_string"] = value
    for version_id, own in labels.items():
        secret.versions[version_id]["version_stages"] = own
    # moto answers CreateSecret and UpdateSecret with this one.
    secret.set_default_version_id(holder(labels, CURRENT))
