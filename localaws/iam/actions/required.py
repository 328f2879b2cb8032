"""Which permissions an API call needs: IAM's actions and resources, derived from the call's own parameters.

Written for the services that the project's functions and tasks talk to; ``required_for_changes`` and
``required_for_operations`` have what only a deployment calls. For any other service the action is the operation and the
resource is left open (``None``), which the judge treats generously. Pure, but for the lookups that it is handed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localaws.iam.actions import changes, operations
from localaws.iam.evaluate import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localaws.http.call import ApiCall


@dataclass(frozen=True)
class KnownSecret:
    """What the judge must know of a secret.

    Attributes:
        arn: with its random suffix.
        customer_key_arn: the KMS key that somebody chose for it, None for AWS's own.
    """

    arn: str
    customer_key_arn: str | None


@dataclass(frozen=True)
class Surroundings:
    """What a call's parameters do not say themselves.

    Attributes:
        account_id: the account of every resource.
        region: the region of every resource.
        find_secret: a secret by name or ARN.
        find_key_arn: a KMS key's ARN by id, alias or ARN; the given text if there is none.
        find_tags: the tags of a resource by its id in EC2, or by the ARN of a key, secret or certificate.
        find_boundary: the ARN of the permissions boundary of a role, by the role's name.
    """

    account_id: str
    region: str
    find_secret: Callable[[str], KnownSecret | None]
    find_key_arn: Callable[[str], str]
    find_tags: Callable[[str], Mapping[str, str]] = lambda _identifier: {}
    find_boundary: Callable[[str], str | None] = lambda _role: None

    def arn(self, service: str, rest: str) -> str:
        """``arn:aws:SERVICE:REGION:ACCOUNT:REST``."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{rest}"


# Where IAM's prefix is not botocore's name of the service.
PREFIXES = {"elbv2": "elasticloadbalancing", "resourcegroupstaggingapi": "tag", "s3control": "s3"}
# Anybody may ask who they are.
FREE_ACTIONS = frozenset({"sts:GetCallerIdentity"})
# S3's operations by the action that IAM knows; what is not listed is called alike.
S3_ACTIONS = {
    "CopyObject": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "UploadPart": "PutObject",
}
SQS_ACTIONS = {
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "DeleteMessageBatch": "DeleteMessage",
    "SendMessageBatch": "SendMessage",
}
# CloudWatch Logs checks these against the stream level of the group, even where no stream is named.
LOG_STREAM_OPERATIONS = frozenset(
    {"CreateLogGroup", "CreateLogStream", "DescribeLogStreams", "GetLogEvents", "PutLogEvents"}
)


def required_permissions(call: ApiCall, surroundings: Surroundings) -> list[Request]:
    """Everything that the caller's policies must allow for this call; empty if it is free."""
    prefix = PREFIXES.get(call.service, call.service)
    if f"{prefix}:{call.operation}" in FREE_ACTIONS:
        return []
    derive = _DERIVATIONS.get(call.service)
    if derive is None:
        needed = [Request(f"{prefix}:{call.operation}", None)]
    else:
        needed = derive(call.operation, call.parameters, surroundings)
    return [*needed, *changes.passed_roles(call.service, call.parameters)]


def network_interface_permissions(
    subnet_ids: list[str], security_group_ids: list[str], surroundings: Surroundings
) -> list[Request]:
    """What the role of a function in a VPC must be allowed: Lambda makes the interfaces in its name."""
    places = [f"subnet/{name}" for name in subnet_ids] + [f"security-group/{n}" for n in security_group_ids]
    creating = [
        Request("ec2:CreateNetworkInterface", surroundings.arn("ec2", place))
        for place in ["network-interface/*", *places]
    ]
    return [
        *creating,
        Request("ec2:DescribeNetworkInterfaces", "*"),
        Request("ec2:DeleteNetworkInterface", surroundings.arn("ec2", "network-interface/*")),
    ]


def _secretsmanager(operation: str, parameters: Mapping[str, Any], around: Surroundings) -> list[Request]:
    identifier = parameters.get("SecretId")
    action = f"secretsmanager:{operation}"
    if identifier is None:
        if operation == "CreateSecret":
            return [Request(action, around.arn("secretsmanager", f"secret:{parameters.get('Name')}-??????"))]
        return [Request(action, "*")]
    secret = around.find_secret(identifier)
    unknown_arn = identifier if identifier.startswith("arn:") else around.arn("secretsmanager", f"secret:{identifier}")
    arn = secret.arn if secret else unknown_arn
    context = {
        f"secretsmanager:{key}": parameters[key]
        for key in ("SecretId", "VersionId", "VersionStage")
        if parameters.get(key)
    }
    context |= {f"aws:ResourceTag/{name}": value for name, value in around.find_tags(arn).items()}
    requests = [Request(action, arn, context)]
    if secret and secret.customer_key_arn:
        encryption = {
            "kms:ViaService": f"secretsmanager.{around.region}.amazonaws.com",
            "kms:CallerAccount": around.account_id,
            "kms:EncryptionContext:SecretARN": arn,
            **{f"aws:ResourceTag/{name}": value for name, value in around.find_tags(secret.customer_key_arn).items()},
        }
        requests += [
            Request(f"kms:{needed}", secret.customer_key_arn, encryption) for needed in _KEY_ACTIONS.get(operation, ())
        ]
    return requests


# A customer's key is used in the caller's name: "Secret encryption and decryption" in the Secrets Manager guide.
_KEY_ACTIONS = {
    "GetSecretValue": ("Decrypt",),
    "PutSecretValue": ("GenerateDataKey", "Decrypt"),
    "UpdateSecret": ("GenerateDataKey", "Decrypt"),
}


def _logs(operation: str, parameters: Mapping[str, Any], around: Surroundings) -> list[Request]:
    group = parameters.get("logGroupName")
    if not group:
        return [Request(f"logs:{operation}", None)]
    suffix = (
        f":log-stream:{parameters.get('logStreamName', '') if operation.endswith('Events') else ''}"
        if operation in LOG_STREAM_OPERATIONS
        else ""
    )
    return [Request(f"logs:{operation}", around.arn("logs", f"log-group:{group}{suffix}"))]


def _s3(operation: str, parameters: Mapping[str, Any], _around: Surroundings) -> list[Request]:
    action = f"s3:{S3_ACTIONS.get(operation, operation)}"
    bucket = parameters.get("Bucket")
    if bucket is None:
        return [Request(action, "*")]
    arn = f"arn:aws:s3:::{bucket}"
    if operation == "DeleteObjects":
        doomed = (parameters.get("Delete") or {}).get("Objects") or []
        return [Request(action, f"{arn}/{entry['Key']}") for entry in doomed]
    key = parameters.get("Key")
    if key is None:
        prefix = parameters.get("Prefix")
        return [Request(action, arn, {"s3:prefix": prefix} if prefix else {})]
    if parameters.get("VersionId") and operation in {"GetObject", "HeadObject", "DeleteObject"}:
        action += "Version"
    return [Request(action, f"{arn}/{key}")]


def _sqs(operation: str, parameters: Mapping[str, Any], around: Surroundings) -> list[Request]:
    url = parameters.get("QueueUrl") or ""
    name = url.rpartition("/")[2] or parameters.get("QueueName")
    action = f"sqs:{SQS_ACTIONS.get(operation, operation)}"
    return [Request(action, around.arn("sqs", name) if name else "*")]


def _ssm(operation: str, parameters: Mapping[str, Any], around: Surroundings) -> list[Request]:
    names = parameters.get("Names") or [parameters.get("Name") or parameters.get("Path")]
    return [
        Request(
            f"ssm:{operation}",
            around.arn("ssm", f"parameter/{name.removeprefix('/')}") if name else None,
        )
        for name in names
    ]


def _ecr(operation: str, parameters: Mapping[str, Any], around: Surroundings) -> list[Request]:
    name = parameters.get("repositoryName")
    return [Request(f"ecr:{operation}", around.arn("ecr", f"repository/{name}") if name else "*")]


def _ecs(operation: str, parameters: Mapping[str, Any], around: Surroundings) -> list[Request]:
    cluster, service = parameters.get("cluster"), parameters.get("service")
    if not (cluster and service):
        return [Request(f"ecs:{operation}", None)]
    names = [name.rpartition("/")[2] for name in (cluster, service)]
    return [Request(f"ecs:{operation}", around.arn("ecs", f"service/{'/'.join(names)}"))]


def _lambda(operation: str, parameters: Mapping[str, Any], around: Surroundings) -> list[Request]:
    action = "lambda:" + {"Invoke": "InvokeFunction", "InvokeAsync": "InvokeFunction"}.get(operation, operation)
    function = parameters.get("FunctionName")
    if function is None:
        return [Request(action, None)]
    arn = function if function.startswith("arn:") else around.arn("lambda", f"function:{function}")
    qualifier = parameters.get("Qualifier")
    return [Request(action, f"{arn}:{qualifier}" if qualifier else arn)]


def _sts(operation: str, parameters: Mapping[str, Any], _around: Surroundings) -> list[Request]:
    return [Request(f"sts:{operation}", parameters.get("RoleArn") or "*")]


_DERIVATIONS: Mapping[str, Callable[[str, Mapping[str, Any], Surroundings], list[Request]]] = {
    "acm": changes.acm,
    "application-autoscaling": operations.application_autoscaling,
    "budgets": operations.budgets,
    "cloudwatch": operations.cloudwatch,
    "ec2": changes.ec2,
    "ecr": _ecr,
    "ecs": _ecs,
    "iam": changes.iam,
    "kms": changes.keys,
    "lambda": _lambda,
    "logs": _logs,
    "s3": _s3,
    "secretsmanager": _secretsmanager,
    "sns": operations.sns,
    "sqs": _sqs,
    "ssm": _ssm,
    "sts": _sts,
}
