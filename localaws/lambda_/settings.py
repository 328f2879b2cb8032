"""Settings of functions that moto drops, and those that AWS refuses.

moto 5.2.5 drops a function's dead-letter queue and logging configuration and, on updates, also its key, tracing and
storage; each plan would set them again.
"""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
from typing import TYPE_CHECKING, Any

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaFunction

from localaws.iam.evaluate import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localaws.iam.authorizer import Authorizer
    from localaws.patch import MonkeyPatch

_KEPT = "localaws_settings"
_FORGOTTEN = ("DeadLetterConfig", "LoggingConfig", "FileSystemConfigs")
_NOT_UPDATED = {"KMSKeyArn": "kms_key_arn", "TracingConfig": "tracing_config"}

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, "Reserved environment variables"
RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)


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
        kept = _kept(function)
        answer["LoggingConfig"] = logging_config(function)
        if dead_letter_target(function):
            answer["DeadLetterConfig"] = kept["DeadLetterConfig"]
        if kept.get("FileSystemConfigs"):
            answer["FileSystemConfigs"] = kept["FileSystemConfigs"]
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
        if "EphemeralStorage" in updates:
            function.ephemeral_storage = updates["EphemeralStorage"]["Size"]
        return function.get_configuration()


def logging_config(function: LambdaFunction) -> dict[str, Any]:
    """Return a function's logging configuration, with AWS's defaults."""
    defaults = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.function_name}"}
    return defaults | {key: value for key, value in _kept(function).get("LoggingConfig", {}).items() if value}


def dead_letter_target(function: LambdaFunction) -> str | None:
    """ARN of the queue or topic for events that nobody could handle, if there is one."""
    return _kept(function).get("DeadLetterConfig", {}).get("TargetArn") or None


def withhold_variables(configuration: dict[str, Any], access_key_id: str, authorizer: Authorizer) -> None:
    """Replace variables by Lambda's error if the caller cannot use the function's customer managed key."""
    key = configuration.get("KMSKeyArn")
    if not key or not configuration.get("Environment"):
        return
    context = {
        "kms:ViaService": f"lambda.{authorizer.context.region}.amazonaws.com",
        "kms:CallerAccount": authorizer.context.account_id,
        "kms:EncryptionContext:aws:lambda:FunctionArn": configuration["FunctionArn"],
        **authorizer.context.resource_tags(key),
    }
    if not authorizer.allows_caller(access_key_id, Request("kms:Decrypt", key, context)):
        message = "Lambda was unable to decrypt your environment variables because the KMS access was denied."
        configuration["Environment"] = {"Error": {"ErrorCode": "AccessDeniedException", "Message": message}}


def check_variables(spec: Mapping[str, Any]) -> None:
    """Refuse environment variables that Lambda sets itself.

    Raises:
        InvalidParameterValueException: with AWS's message.
    """
    variables = (spec.get("Environment") or {}).get("Variables") or {}
    reserved = sorted(RESERVED_VARIABLES & set(variables))
    if reserved:
        raise InvalidParameterValueException(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )


def check_package(code: Mapping[str, Any]) -> None:
    """Refuse an uploaded package that is no zip.

    Raises:
        InvalidParameterValueException: with AWS's message.
    """
    if not code.get("ZipFile"):
        return
    try:
        zipfile.ZipFile(io.BytesIO(base64.b64decode(code["ZipFile"])))
    except (binascii.Error, zipfile.BadZipFile) as error:
        raise InvalidParameterValueException(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from error


def _kept(function: LambdaFunction) -> dict[str, Any]:
    kept: dict[str, Any] = getattr(function, _KEPT, {})
    return kept
