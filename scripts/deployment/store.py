"""Storage of saved plans: a folder of this machine, or an S3 bucket that only the deploying role can read."""

import re
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from scripts.environment import CHECKOUT, CommandError, RefusedError

# Without the right to list, S3 answers AccessDenied for an object that does not exist.
_GONE = {"NoSuchKey", "AccessDenied"}


def local(environment: str) -> Path:
    """Return the file of an environment's plan on this machine."""
    return CHECKOUT / "build" / "plans" / environment / "plan.zip"


def store(place: str, environment: str, archive: bytes, region: str) -> str:
    """Store a plan at s3://BUCKET/plans/ENVIRONMENT/NAME, or on this machine without a place; return where it is."""
    if place:
        boto3.client("s3", region_name=region).put_object(**_object(place, environment), Body=archive)
        return place
    file = local(environment)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_bytes(archive)
    return str(file)


def load(place: str, environment: str, region: str) -> bytes:
    """Return a stored plan.

    Raises:
        RefusedError: it does not exist any more.
    """
    if not place:
        return local(environment).read_bytes()
    try:
        answer = boto3.client("s3", region_name=region).get_object(**_object(place, environment))
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise
        raise RefusedError(
            f"There is no plan at {place}, or this role cannot read it: a plan is deleted after two days. Nothing was "
            "changed. Run the release again."
        ) from error
    content: bytes = answer["Body"].read()
    return content


def _object(place: str, environment: str) -> dict[str, str]:
    found = re.fullmatch(rf"s3://([a-z0-9.-]+)/(plans/{re.escape(environment)}/[\w.-]+)", place)
    if not found:
        raise CommandError(f"{place} is not a plan of {environment}. Use PLAN=s3://BUCKET/plans/{environment}/NAME.")
    return {"Bucket": found[1], "Key": found[2]}
