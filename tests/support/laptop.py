"""Programs that a laptop has for AWS: ``docker``, which puts images where a rehearsal runs them, and ``aws``.

Run as a script whose first argument is the program's name.
"""

import json
import os
import sys
from pathlib import Path

import boto3

from devtools.images.store import ImageStore


def _docker(*arguments: str) -> int:
    if arguments[:2] == ("buildx", "inspect"):
        print("Platforms: linux/arm64")
    if arguments[:2] == ("buildx", "build"):
        images, reference = ImageStore(Path(os.environ["IMAGES"])), arguments[arguments.index("--tag") + 1]
        digest = images.build(Path.cwd(), Path("build/rds-ca.pem"))
        images.tag(digest, reference)
        manifest = json.dumps({"mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"digest": digest}})
        name, _, tag = reference.partition("/")[2].partition(":")
        ecr = boto3.client("ecr")
        ecr.put_image(repositoryName=name, imageTag=tag, imageDigest=digest, imageManifest=manifest)
    return int(arguments[0] == "manifest")  # no image was pushed before


def _aws(service: str, _operation: str, _option: str, value: str, *_arguments: str) -> int:
    if service == "secretsmanager":
        print(boto3.client("secretsmanager").get_secret_value(SecretId=value)["SecretString"])
    return 0


def install(folder: Path, balancer_port: int) -> None:
    """Put the programs into a folder of the PATH, and a ``curl`` that finds the load balancer by each name."""
    for name in ("docker", "aws"):
        start = f'PYTHONPATH="{Path(__file__).parents[2]}" exec "{sys.executable}" -m tests.support.laptop {name} "$@"'
        (folder / name).write_text(f"#!/bin/sh\n{start}\n")
    (folder / "curl").write_text(f'#!/bin/sh\nexec /usr/bin/curl --connect-to ::127.0.0.1:{balancer_port} "$@"\n')
    for name in ("docker", "aws", "curl"):
        (folder / name).chmod(0o755)


if __name__ == "__main__":
    sys.exit(_docker(*sys.argv[2:]) if sys.argv[1] == "docker" else _aws(*sys.argv[2:]))
