"""Find the digest of an image in the registry: of the one that main built for a commit, or of one that is named.

What is deployed is always named by digest, so that what staging has tried is what prod gets, whatever happens to a tag.
Only a release changes the registry: RELEASE=v1.2.0 also tags the image, so that the registry keeps it.
"""

import argparse
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


class ImageError(Exception):
    """There is no such image; the message says what to do."""


def image_id(commit: str, digest: str) -> dict[str, str]:
    """How the registry names the image: by digest if one is given, else by the tag that main gave it.

    Raises:
        ImageError: what is given is neither.
    """
    if digest:
        if not _DIGEST.fullmatch(digest):
            raise ImageError(f"{digest!r} is no digest. Give sha256: and 64 hexadecimal digits.")
        return {"imageDigest": digest}
    if not _COMMIT.fullmatch(commit):
        raise ImageError(f"{commit!r} is no commit. Give COMMIT=, all 40 hexadecimal digits, or DIGEST=sha256:...")
    return {"imageTag": commit}


def find(ecr: Any, repository: Mapping[str, str], wanted: Mapping[str, str]) -> str | None:
    """The digest of an image; none if it is not there.

    Args:
        ecr: client of the registry's region.
        repository: ``registryId``, the account that has it, and ``repositoryName``.
        wanted: the image, by digest or by tag.
    """
    answer = ecr.batch_get_image(**repository, imageIds=[dict(wanted)])
    return next((image["imageId"]["imageDigest"] for image in answer["images"]), None)


def keep(ecr: Any, repository: Mapping[str, str], digest: str, release: str) -> None:
    """Tag an image as released, which exempts it from expiry; idempotent.

    Raises:
        ImageError: the release has tagged another image before.
    """
    tag = f"release-{release}"
    earlier = find(ecr, repository, {"imageTag": tag})
    if earlier == digest:
        return
    if earlier:
        raise ImageError(f"{tag} is another image, {earlier}. Release {digest} under a new version.")
    (image,) = ecr.batch_get_image(**repository, imageIds=[{"imageDigest": digest}])["images"]
    media_type = {name: image[name] for name in ("imageManifestMediaType",) if name in image}
    ecr.put_image(**repository, imageTag=tag, imageManifest=image["imageManifest"], **media_type)


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Print the digest, and hand it to the steps of a workflow that follow."""
    parser = argparse.ArgumentParser(description="Find the digest of an image in the registry.")
    parser.add_argument("--if-any", action="store_true", help="say nothing when there is none")
    options = parser.parse_args(arguments)
    host, _, name = environment.get("IMAGE_REPOSITORY", "").partition("/")
    if not name:
        print(
            "Set IMAGE_REPOSITORY to the registry's address, terraform/account's output image_repository_url.",
            file=sys.stderr,
        )
        return 1
    try:
        wanted = image_id(environment.get("COMMIT", ""), environment.get("DIGEST", ""))
        region = environment.get("AWS_REGION") or host.split(".")[3]
        ecr = boto3.client("ecr", region_name=region)
        repository = {"registryId": host.split(".")[0], "repositoryName": name}  # perhaps of another account
        digest = find(ecr, repository, wanted)
        if digest is None and not options.if_any:
            raise ImageError(
                f"The registry {name} has no image {next(iter(wanted.values()))}. Only main builds images: wait "
                "until its run for this commit has ended, or see why it failed. Images without a release expire."
            )
        if digest and (release := environment.get("RELEASE")):
            keep(ecr, repository, digest, release)
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    if digest:
        print(digest)
        if output := environment.get("GITHUB_OUTPUT"):
            with Path(output).open("a") as file:
                file.write(f"digest={digest}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
