"""The functions' zip that main built with an image: `make store-function` and `make fetch-function`.

Main builds the zip once and stores it by its SHA-256. An annotation of the image's index names that, so the image's own
digest, and its attestation, cover the zip.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import boto3
from botocore.exceptions import ClientError

from scripts.deployment import plan
from scripts.deployment.image_digest import image_id, images, registry
from scripts.environment import CommandError, hand_over, required, run_command

ANNOTATION = "dev.taproom.function.sha256"


def store(settings: Mapping[str, str]) -> None:
    """Store the zip, unless it is stored already, and hand over its digest for the annotation."""
    package = plan.PACKAGE.read_bytes()
    digest = sha256(package).hexdigest()
    s3, place = _place(settings, digest)
    try:
        s3.put_object(**place, Body=package, ServerSideEncryption="AES256", IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
    hand_over(settings, function_sha256=digest)
    print(digest)


def fetch(settings: Mapping[str, str]) -> None:
    """Put the zip that main built for a commit, or with an image, into build/.

    Raises:
        CommandError: there is no such image, or the zip is not the one that was built.
    """
    image = image_id(settings.get("COMMIT", ""), settings.get("DIGEST", ""))
    manifests = [json.loads(found["imageManifest"]) for found in images(*registry(_repository(settings)), image)]
    digest = manifests[0].get("annotations", {}).get(ANNOTATION) if manifests else None
    if not digest:
        raise CommandError(
            f"The registry has no image {next(iter(image.values()))} that names its zip by {ANNOTATION}. Only main "
            "builds both: wait until its run for this commit has ended. By hand, `make package` builds a zip."
        )
    s3, place = _place(settings, digest)
    package = s3.get_object(**place)["Body"].read()
    if sha256(package).hexdigest() != digest:
        raise CommandError(f"{place['Key']} in {place['Bucket']} is not the zip that main built. Build it again.")
    plan.PACKAGE.parent.mkdir(exist_ok=True)
    plan.PACKAGE.write_bytes(package)
    print(f"build/db_bootstrap.zip is {digest}.")


def _place(settings: Mapping[str, str], digest: str) -> tuple[Any, dict[str, str]]:
    """Return a client and the place of a zip: the state bucket of the account that has the registry."""
    bucket = required(settings, "STATE_BUCKET", "terraform/account's output state_bucket_name")
    region = required(settings, "AWS_REGION", "the environment's region")
    bucket = re.sub(r"\d{12}$", _repository(settings).partition(".")[0], bucket)
    return boto3.client("s3", region_name=region), {"Bucket": bucket, "Key": f"artifacts/{digest}.zip"}


def _repository(settings: Mapping[str, str]) -> str:
    return required(settings, "IMAGE_REPOSITORY", "terraform/account's output image_repository_url")


if __name__ == "__main__":
    command = {"store": store, "fetch": fetch}[sys.argv[1]]
    sys.exit(run_command(os.environ, lambda: command(os.environ)))
