"""S3: buckets and objects."""

from collections.abc import Mapping
from typing import Any

from localaws.iam.actions.context import RequestContext
from localaws.iam.evaluate import Request

# The IAM action by operation, where the names differ.
_S3_ACTIONS = {
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


def s3(operation: str, parameters: Mapping[str, Any], _ctx: RequestContext) -> list[Request]:
    """Return a request for the bucket or for each object that the call names."""
    action = f"s3:{_S3_ACTIONS.get(operation, operation)}"
    bucket = parameters.get("Bucket")
    if bucket is None:
        return [Request(action, "*")]
    arn = f"arn:aws:s3:::{bucket}"
    if operation == "DeleteObjects":
        objects = (parameters.get("Delete") or {}).get("Objects") or []
        return [Request(action, f"{arn}/{entry['Key']}") for entry in objects]
    key = parameters.get("Key")
    if key is None:
        prefix = parameters.get("Prefix")
        return [Request(action, arn, {"s3:prefix": prefix} if prefix else {})]
    if parameters.get("VersionId") and operation in {"GetObject", "HeadObject", "DeleteObject"}:
        action += "Version"
    return [Request(action, f"{arn}/{key}")]
