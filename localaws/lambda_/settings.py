"""Settings of functions that moto drops.

moto 5.2.5 drops a function's dead-letter target and logging configuration and, on updates, also its key and tracing;
each plan would set them again.
"""

from collections.abc import Callable
from typing import Any

from moto.awslambda.models import LambdaFunction

from localaws.iam.authorizer import Authorizer
from localaws.iam.evaluate import Request
from localaws.patch import MonkeyPatch

_KEPT = "localaws_settings"
_FORGOTTEN = ("DeadLetterConfig", "LoggingConfig")
_NOT_UPDATED = {"KMSKeyArn": "kms_key_arn", "TracingConfig": "tracing_config"}


def extend(patch: MonkeyPatch) -> None:
    """Let moto keep and return the settings that it drops."""

    @patch.method(LambdaFunction, "__init__")
    def initialize(
        original: Callable[..., None],
        function: LambdaFunction,
        account_id: str,
        spec: dict[str, Any],
        *rest: Any,
        **named: Any,
    ) -> None:
        original(function, account_id, spec, *rest, **named)
        setattr(function, _KEPT, {key: spec[key] for key in _FORGOTTEN if spec.get(key)})

    @patch.method(LambdaFunction, "get_configuration")
    def configuration(
        original: Callable[..., dict[str, Any]], function: LambdaFunction, *arguments: Any, **named: Any
    ) -> dict[str, Any]:
        answer = original(function, *arguments, **named)
        answer["LoggingConfig"] = logging_config(function)
        if dead_letter_target(function):
            answer["DeadLetterConfig"] = _kept(function)["DeadLetterConfig"]
        return answer

    @patch.method(LambdaFunction, "update_configuration")
    def update(original: Callable[..., Any], function: LambdaFunction, updates: dict[str, Any]) -> dict[str, Any]:
        original(function, updates)
        # A published version shares its dictionary with the function it was copied from: replace it.
        kept = {**_kept(function), **{key: updates[key] for key in _FORGOTTEN if key in updates}}
        setattr(function, _KEPT, kept)
        for key, attribute in _NOT_UPDATED.items():
            if key in updates:
                setattr(function, attribute, updates[key])
        return function.get_configuration()


def logging_config(function: LambdaFunction) -> dict[str, Any]:
    """Return a function's logging configuration, with AWS's defaults."""
    defaults = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.function_name}"}
    return defaults | {key: value for key, value in _kept(function).get("LoggingConfig", {}).items() if value}


def dead_letter_target(function: LambdaFunction) -> str | None:
    """Return the ARN of the topic for events that could not be processed; None without one."""
    return _kept(function).get("DeadLetterConfig", {}).get("TargetArn") or None


def withhold_variables(configuration: dict[str, Any], access_key_id: str, authorizer: Authorizer) -> None:
    """Replace variables by Lambda's error if the caller cannot use the function's customer managed key."""
    key = configuration.get("KMSKeyArn")
    if not key or not configuration.get("Environment"):
        return
    service = {"kms:ViaService": f"lambda.{authorizer.context.region}.amazonaws.com"}
    if not authorizer.allows_caller(access_key_id, _decryption(key, configuration["FunctionArn"], authorizer, service)):
        message = "Lambda was unable to decrypt your environment variables because the KMS access was denied."
        configuration["Environment"] = {"Error": {"ErrorCode": "AccessDeniedException", "Message": message}}


def can_decrypt(function: LambdaFunction, authorizer: Authorizer) -> bool:
    """Return True if a function's role can decrypt its variables: a start does it as the role, through no service."""
    key = function.kms_key_arn if function.environment_vars else None
    return not key or authorizer.allows(function.role, _decryption(key, function.function_arn, authorizer, {})).allowed


def _decryption(key: str, function_arn: str, authorizer: Authorizer, service: dict[str, str]) -> Request:
    context = {
        "kms:CallerAccount": authorizer.context.account_id,
        "kms:EncryptionContext:aws:lambda:FunctionArn": function_arn,
        **authorizer.context.resource_tags(key),
    }
    return Request("kms:Decrypt", key, {**context, **service})


def _kept(function: LambdaFunction) -> dict[str, Any]:
    kept: dict[str, Any] = getattr(function, _KEPT, {})
    return kept
