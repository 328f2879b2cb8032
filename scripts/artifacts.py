"""The functions' zip that main built with an image: `make store-function` and `make fetch-function`.

Main builds the zip once and stores it under its SHA-256. The annotation of the image's index names that digest, so the
image's own digest, and its attestation, cover the zip.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from scripts.environment import CommandError, hand_over, required
from scripts.image_digest import ImageError, image_id
from scripts.plan import PACKAGE

ANNOTATION = "dev.taproom.function.sha256"
_MANIFESTS = ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"]


def store(settings: Mapping[str, str]) -> None:
    """Store the zip, unless it is stored already, and hand over its digest for the annotation."""
    package = PACKAGE.read_bytes()
    digest = sha256(package).hexdigest()
    bucket, region = _bucket(settings)
    try:
        boto3.client("s3", region_name=region).put_object(
            Bucket=bucket, Key=_key(digest), Body=package, ServerSideEncryption="AES256", IfNoneMatch="*"
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"PreconditionFailed", "412"}:
            raise
    hand_over(settings, function_sha256=digest)
    print(digest)


def fetch(settings: Mapping[str, str]) -> None:
    """Put the zip that main built for a commit, or with an image, into build/.

    Raises:
        CommandError: there is no such image or zip, or the zip is not the one that was built.
    """
    bucket, region = _bucket(settings)
    host, _, name = required(settings, "IMAGE_REPOSITORY", "terraform/account's image_repository_url").partition("/")
    wanted = image_id(settings.get("COMMIT", ""), settings.get("DIGEST", ""))
    ecr = boto3.client("ecr", region_name=region)
    answer = ecr.batch_get_image(
        registryId=host.split(".")[0], repositoryName=name, imageIds=[wanted], acceptedMediaTypes=_MANIFESTS
    )
    manifests: list[Any] = [json.loads(image["imageManifest"]) for image in answer["images"]]
    digest = manifests[0].get("annotations", {}).get(ANNOTATION, "") if manifests else ""
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise CommandError(
            f"The registry has no image {next(iter(wanted.values()))} that names its zip by {ANNOTATION}. Only main "
            "builds both: wait until its run for this commit has ended. By hand, `make package` builds a zip."
        )
    body = boto3.client("s3", region_name=region).get_object(Bucket=bucket, Key=_key(digest))["Body"].read()
    if sha256(body).hexdigest() != digest:
        raise CommandError(
            f"s3://{bucket}/{_key(digest)} is not the zip that main built: its SHA-256 differs. Build it again."
        )
    PACKAGE.parent.mkdir(exist_ok=True)
    PACKAGE.write_bytes(body)
    print(f"{digest} is in build/db_bootstrap.zip.")


def _bucket(settings: Mapping[str, str]) -> tuple[str, str]:
    """Return the bucket of the account with the registry, and the region. Every account's is named alike."""
    account = required(settings, "IMAGE_REPOSITORY", "terraform/account's image_repository_url").partition(".")[0]
    bucket = required(settings, "STATE_BUCKET", "terraform/account's state_bucket_name")
    return re.sub(r"\d{12}$", account, bucket), required(settings, "AWS_REGION", "the environment's region")


def _key(digest: str) -> str:
    return f"artifacts/{digest}.zip"


def main(command: str, settings: Mapping[str, str]) -> int:
    """Run ``store`` or ``fetch``."""
    try:
        {"store": store, "fetch": fetch}[command](settings)
    except (CommandError, ImageError) as error:
        print(error, file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"The functions' zip is not to be had: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], os.environ))
