"""Build and apply one environment from this machine; `make deploy`. The pipeline does the same in steps."""

import os
import subprocess
import sys
from collections.abc import Mapping

from scripts.deployment import apply
from scripts.environment import CHECKOUT, ROOT, CommandError, git, outputs, required, run_command, terraform

_ACCOUNT = ROOT.parent / "account"
_BUILT_FROM = ("app", "requirements", "Dockerfile", ".dockerignore")


def deploy(settings: Mapping[str, str]) -> None:
    """Build and push the image unless the registry has it, package the functions, apply, and check.

    Raises:
        CommandError: a step failed; with what to do.
    """
    name = required(settings, "ENVIRONMENT", "such as make deploy ENVIRONMENT=dev")
    if not (ROOT / f"{name}.tfvars").exists():
        raise CommandError(f"There is no terraform/environment/{name}.tfvars.")
    terraform("init", "-input=false", root=_ACCOUNT)
    account = outputs(_ACCOUNT)
    repository = account["image_repository_url"]
    region = repository.split(".")[3]
    if git("status", "--porcelain", "--", *_BUILT_FROM).stdout:
        raise CommandError("Commit first: an image is named after the commit that it is built from.")
    commit = git("rev-parse", "HEAD").stdout.strip()
    _run("make", "package")
    password = _run("aws", "ecr", "get-login-password", "--region", region, shown=False)
    _run("docker", "login", "--username", "AWS", "--password-stdin", repository.partition("/")[0], given=password)
    image = _image(repository, commit)
    given = {"IMAGE": image, "COMMIT": commit, "STATE_BUCKET": account["state_bucket_name"], "AWS_REGION": region}
    apply.apply_now(name, {**settings, **given})
    _run("make", "smoke", f"IMAGE={image}", f"AWS_REGION={region}")  # the apply ends before ECS has watched the alarm
    print(f"The service is at {terraform('output', '-raw', 'service_url').stdout}")


def _image(repository: str, commit: str) -> str:
    """Return the image of a commit: main's, which has the bare commit as tag, or one that is built here."""
    own = f"{repository}:laptop-{commit}"
    for image in (f"{repository}:{commit}", own):
        if subprocess.run(["docker", "manifest", "inspect", image], capture_output=True, check=False).returncode == 0:  # noqa: S607
            return image
    if "linux/arm64" not in _run("docker", "buildx", "inspect", "--bootstrap", shown=False):
        raise CommandError(
            "docker cannot build for linux/arm64 here. Install the emulation: "
            "docker run --privileged --rm tonistiigi/binfmt --install arm64"
        )
    _run("docker", "buildx", "build", "--platform", "linux/arm64", "--tag", own, "--push", ".")
    return own


def _run(*command: str, shown: bool = True, given: str | None = None) -> str:
    """Run a program, and return what it printed unless that is shown."""
    output = None if shown else subprocess.PIPE
    done = subprocess.run(command, cwd=CHECKOUT, stdout=output, input=given, text=True, check=False)
    if done.returncode:
        raise CommandError(f"{' '.join(command[:3])} failed.")
    return done.stdout or ""


if __name__ == "__main__":
    sys.exit(run_command(os.environ, lambda: deploy(os.environ)))
