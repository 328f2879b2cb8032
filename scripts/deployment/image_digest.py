"""Find the digest of an image in the registry, of a commit or a given one, and check that main built it.

A deployment names its image by digest, so prod gets the image that staging has run, independently of tags. Only
main tags an image with a bare commit. With ATTESTED=true, the image's attestation must say so too. Only a release
changes the registry: RELEASE=prod-v1.2.0 also tags the image, so the registry keeps it, and RELEASED_FOR=prod finds it.
With --if-any, an image that does not exist is not an error.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import boto3

from scripts.environment import CHECKOUT, CommandError, hand_over, required, run_command

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_RUN = "dev.taproom.run"
# Without the image's own type in this list, the registry may answer with another manifest, of another digest.
_KINDS = ("oci.image.index.v1", "oci.image.manifest.v1", "docker.distribution.manifest.list.v2")
_TYPES = [f"application/vnd.{kind}+json" for kind in (*_KINDS, "docker.distribution.manifest.v2")]
_MANIFEST = CHECKOUT / "build" / "image-manifest.json"


def image_id(commit: str, digest: str) -> dict[str, str]:
    """Return how the registry names the image: by digest if one is given, else by the tag that main gave it.

    Raises:
        CommandError: what is given is neither.
    """
    if digest:
        if not _DIGEST.fullmatch(digest):
            raise CommandError(f"{digest!r} is not a digest. Give sha256: and 64 hexadecimal digits.")
        return {"imageDigest": digest}
    if not _COMMIT.fullmatch(commit):
        raise CommandError(f"{commit!r} is not a commit. Give COMMIT=, all 40 hexadecimal digits, or DIGEST=sha256:...")
    return {"imageTag": commit}


def registry(address: str) -> tuple[Any, dict[str, str]]:
    """Return an ECR client for an image repository, perhaps of another account, and the parameters that name it."""
    host, _, name = address.partition("/")
    account, _, _, region, *_ = host.split(".")
    return boto3.client("ecr", region_name=region), {"registryId": account, "repositoryName": name}


def parse_image(image: str) -> tuple[str, dict[str, str]]:
    """Return the address of an image's repository, and how the registry names the image.

    Raises:
        CommandError: it is not an image in ECR.
    """
    found = re.fullmatch(r"(\d+\.dkr\.ecr\.[^.]+\.[^/]+/[^:@]+)(?::([^:@]+))?(?:@(.+))?", image)
    if not found:
        raise CommandError(f"{image!r} is not an image in ECR. Set IMAGE=REPOSITORY@sha256:...")
    address, tag, digest = found.groups()
    return address, {"imageDigest": digest} if digest else {"imageTag": tag or ""}


def find(ecr: Any, repository: Mapping[str, str], image: Mapping[str, str]) -> str | None:
    """Return the digest of an image, which is named as by `image_id`; none if it does not exist."""
    return next((found["imageId"]["imageDigest"] for found in images(ecr, repository, image)), None)


def images(ecr: Any, repository: Mapping[str, str], image: Mapping[str, str]) -> Any:
    """Return an image with its manifest, in a list; an empty list if it does not exist."""
    return ecr.batch_get_image(**repository, imageIds=[dict(image)], acceptedMediaTypes=_TYPES)["images"]


def keep(ecr: Any, repository: Mapping[str, str], digest: str, release: str) -> None:
    """Tag an image as released, which exempts it from expiry; idempotent.

    Raises:
        CommandError: the release has tagged another image before.
    """
    tag = f"release-{release}"
    earlier = find(ecr, repository, {"imageTag": tag})
    if earlier == digest:
        return
    if earlier:
        raise CommandError(f"{tag} is another image, {earlier}. Release {digest} under a new version.")
    (image,) = images(ecr, repository, {"imageDigest": digest})
    media_type = {name: image[name] for name in ("imageManifestMediaType",) if name in image}
    ecr.put_image(**repository, imageTag=tag, imageManifest=image["imageManifest"], **media_type)


def check(ecr: Any, repository: Mapping[str, str], digest: str, environment: Mapping[str, str]) -> str:
    """Check where an image comes from; return the number of the run that built it, empty where it is unknown.

    Raises:
        CommandError: main did not build it, or it was not released where RELEASED_FOR requires that.
    """
    (details,) = ecr.describe_images(**repository, imageIds=[{"imageDigest": digest}])["imageDetails"]
    tags = details.get("imageTags", [])
    if not any(_COMMIT.fullmatch(tag) for tag in tags):
        raise CommandError(f"Main did not build {digest}: no tag of it is a commit ({', '.join(tags) or 'no tags'}).")
    released_for = environment.get("RELEASED_FOR")
    if released_for and not any(tag.startswith(f"release-{released_for}-") for tag in tags):
        raise CommandError(
            f"{digest} was never released to {released_for}. Choose an image that was, or make a release."
        )
    manifest = images(ecr, repository, {"imageDigest": digest})[0]["imageManifest"]
    if environment.get("ATTESTED") == "true":
        verify_attestation(manifest, environment)
    return str(json.loads(manifest).get("annotations", {}).get(_RUN, ""))


def verify_attestation(manifest: str, environment: Mapping[str, str]) -> None:
    """Verify that main's workflow, run on main, attested the image. Its digest is the SHA-256 of its manifest.

    https://cli.github.com/manual/gh_attestation_verify

    Raises:
        CommandError: it did not, or GitHub does not answer.
    """
    _MANIFEST.parent.mkdir(exist_ok=True)
    _MANIFEST.write_text(manifest)
    name = environment["GITHUB_REPOSITORY"]
    command = ["gh", "attestation", "verify", str(_MANIFEST), "--repo", name, "--source-ref", "refs/heads/main"]
    command += ["--signer-workflow", f"{name}/.github/workflows/main.yml"]
    if environment.get("COMMIT"):
        command += ["--source-digest", environment["COMMIT"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandError(f"The image has no valid attestation of main. gh says: {done.stderr.strip()}")


def hand_over_digest(environment: Mapping[str, str], *, is_optional: bool) -> None:
    """Print the digest, and hand it to the steps of a workflow that follow.

    Raises:
        CommandError: there is no such image, unless that is fine, or it is not one to deploy.
    """
    address = required(environment, "IMAGE_REPOSITORY", "terraform/account's output image_repository_url")
    image = image_id(environment.get("COMMIT", ""), environment.get("DIGEST", ""))
    ecr, repository = registry(address)
    digest = find(ecr, repository, image)
    if digest is None:
        if is_optional:
            return
        raise CommandError(
            f"The registry {address} has no image {next(iter(image.values()))}. Only main builds images: wait "
            "until its run for this commit has ended, or re-run that. Images without a release expire."
        )
    run = check(ecr, repository, digest, environment)
    if release := environment.get("RELEASE"):
        keep(ecr, repository, digest, release)
    print(digest)
    hand_over(environment, digest=digest, run=run)


if __name__ == "__main__":
    sys.exit(run_command(os.environ, lambda: hand_over_digest(os.environ, is_optional="--if-any" in sys.argv)))
