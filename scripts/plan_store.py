"""Where saved plans are: a folder of this machine, or an S3 bucket that only the deploying role can read."""

import re
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from scripts.environment import CHECKOUT, CommandError, RefusedError

_FOLDER = CHECKOUT / "build" / "plans"
_IN_BUCKET = re.compile(r"s3://([a-z0-9.-]+)/(plans/([a-z0-9]+)/[\w./-]+)")


def local(environment: str) -> Path:
    """Return the file of an environment's plan on this machine."""
    return _FOLDER / environment / "plan.zip"


def store(place: str, environment: str, archive: bytes, region: str) -> str:
    """Store a plan; return where it is.

    Args:
        place: s3://BUCKET/plans/ENVIRONMENT/NAME; empty for this machine.
        environment: its name.
        archive: the plan.
        region: of the bucket.

    Raises:
        CommandError: the bucket cannot be written.
    """
    if place:
        bucket, key = _object(place, environment)
        try:
            boto3.client("s3", region_name=region).put_object(Bucket=bucket, Key=key, Body=archive)
        except (BotoCoreError, ClientError) as error:
            raise CommandError(f"The plan cannot be stored at {place}: {error}") from error
        return place
    file = local(environment)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.parent.chmod(0o700)
    file.write_bytes(archive)
    return str(file)


def load(place: str, environment: str, region: str) -> bytes:
    """Return a stored plan.

    Raises:
        RefusedError: it is not there any more.
        CommandError: the bucket cannot be read.
    """
    if not place:
        return local(environment).read_bytes()
    bucket, key = _object(place, environment)
    try:
        body: bytes = boto3.client("s3", region_name=region).get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        # Without the right to list, S3 answers 403 for what does not exist.
        if error.response["Error"]["Code"] in {"NoSuchKey", "404", "403", "AccessDenied"}:
            raise RefusedError(
                f"There is no plan at {place}, or this role cannot read it. Plans are deleted after two days. "
                "Nothing was changed. Run the release again."
            ) from error
        raise CommandError(f"The plan at {place} cannot be read: {error}") from error
    except BotoCoreError as error:
        raise CommandError(f"The plan at {place} cannot be read: {error}") from error
    return body


def _object(place: str, environment: str) -> tuple[str, str]:
    found = _IN_BUCKET.fullmatch(place)
    if not found or found[3] != environment:
        raise CommandError(f"{place} is not a plan of {environment}. Use PLAN=s3://BUCKET/plans/{environment}/NAME.")
    return found[1], found[2]
