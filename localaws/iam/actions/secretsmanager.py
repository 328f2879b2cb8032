"""Secrets Manager."""

from collections.abc import Mapping
from typing import Any

from localaws.iam.actions.context import RequestContext
from localaws.iam.evaluate import Request

# Secrets Manager uses a customer managed key as the caller: "Secret encryption and decryption" in its user guide.
_KEY_ACTIONS = {
    "GetSecretValue": ("Decrypt",),
    "PutSecretValue": ("GenerateDataKey", "Decrypt"),
    "UpdateSecret": ("GenerateDataKey", "Decrypt"),
}


def secretsmanager(operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return a request for the secret with its tags, and for its customer managed key where the operation uses it."""
    identifier = parameters.get("SecretId")
    action = f"secretsmanager:{operation}"
    if identifier is None:
        if operation == "CreateSecret":
            return [Request(action, ctx.arn("secretsmanager", f"secret:{parameters.get('Name')}-??????"))]
        return [Request(action, "*")]
    secret = ctx.find_secret(identifier)
    unknown_arn = identifier if identifier.startswith("arn:") else ctx.arn("secretsmanager", f"secret:{identifier}")
    arn = secret.arn if secret else unknown_arn
    conditions = {
        f"secretsmanager:{key}": parameters[key]
        for key in ("SecretId", "VersionId", "VersionStage")
        if parameters.get(key)
    }
    requests = [Request(action, arn, conditions | ctx.resource_tags(arn))]
    if secret and secret.customer_key_arn:
        encryption = {
            "kms:ViaService": f"secretsmanager.{ctx.region}.amazonaws.com",
            "kms:CallerAccount": ctx.account_id,
            "kms:EncryptionContext:SecretARN": arn,
            **ctx.resource_tags(secret.customer_key_arn),
        }
        requests += [
            Request(f"kms:{needed}", secret.customer_key_arn, encryption) for needed in _KEY_ACTIONS.get(operation, ())
        ]
    return requests
