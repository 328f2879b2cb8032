"""KMS keys and ACM certificates: like EC2's resources, policies tell them apart by tags."""

from collections.abc import Mapping
from typing import Any

from localaws.iam.actions.context import RequestContext, request_tags
from localaws.iam.evaluate import Request


def acm(operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return a request for the certificate with its tags, or for a new one with its tags and domain names."""
    arn = parameters.get("CertificateArn")
    context: dict[str, str | tuple[str, ...]] = {**request_tags(parameters), **(ctx.resource_tags(arn) if arn else {})}
    if parameters.get("DomainName"):
        names = [parameters["DomainName"], *(parameters.get("SubjectAlternativeNames") or [])]
        context["acm:DomainNames"] = tuple(name.lower() for name in names)
    return [Request(f"acm:{operation}", arn, context)]


def kms(operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return a request for the key with its tags and encryption context, and one for the alias in the call."""
    action = f"kms:{operation}"
    key = parameters.get("KeyId") or parameters.get("TargetKeyId")
    arn = ctx.find_key_arn(key) if key else None
    encryption = parameters.get("EncryptionContext") or {}
    conditions = {f"kms:EncryptionContext:{name}": value for name, value in encryption.items()}
    conditions |= request_tags(parameters)
    if arn:
        conditions |= ctx.resource_tags(arn)
    alias = parameters.get("AliasName")
    requests = [Request(action, ctx.arn("kms", alias))] if alias else []
    return requests if alias and not key else [Request(action, arn, conditions), *requests]
