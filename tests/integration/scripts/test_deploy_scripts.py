"""What `make account` and `make deploy` call, in which order: fakes of the programs write down how they are called."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT

FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
case "$*" in
  *image_repository_url*) echo 123456789012.dkr.ecr.eu-west-1.amazonaws.com/taproom ;;
  *state_bucket_name*) echo states ;;
  *backend_configuration*) echo 'terraform {}' ;;
  *rev-parse*) echo c0ffee ;;
  "manifest inspect"*) exit "$IMAGE_IS_MISSING" ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The scripts and folders that they use, and fakes of the programs that they call."""
    for name in ("scripts", "terraform/account", "terraform/environment"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns(".terraform", "__pycache__"))
    (tmp_path / "bin").mkdir()
    for program in ("terraform", "docker", "aws", "git", "make"):
        fake = tmp_path / "bin" / program
        fake.write_text(FAKE)
        fake.chmod(0o755)
    return tmp_path


def calls(checkout: Path, script: str, **environment: str) -> list[str]:
    log = checkout / "calls"
    log.unlink(missing_ok=True)
    path = f"{checkout / 'bin'}:{os.environ['PATH']}"
    given = {"PATH": path, "CALLS": str(log), "IMAGE_IS_MISSING": "1", **environment}
    done = subprocess.run([str(checkout / "scripts" / script)], env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return log.read_text().splitlines()


def test_an_account_is_applied_and_then_keeps_its_own_state_in_its_bucket(checkout: Path) -> None:
    first = calls(checkout, "account", GITHUB_REPOSITORY="me/taproom")
    assert first == [
        "terraform init -input=false",
        "terraform apply -var github_repository=me/taproom",
        "terraform output -raw backend_configuration",
        "terraform init -input=false -migrate-state -force-copy",
    ]
    assert calls(checkout, "account", GITHUB_REPOSITORY="me/taproom") == first[:2], (
        "the second time there is nothing to move"
    )


def test_a_deployment_pushes_the_image_before_it_applies(checkout: Path) -> None:
    made = calls(checkout, "deploy", ENVIRONMENT="dev")
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/taproom:c0ffee"
    pushed = made.index(f"docker buildx build --platform linux/arm64 --tag {image} --push .")
    applied = made.index(
        f"terraform apply -lock-timeout=5m -var-file=dev.tfvars -var image={image} -var region=eu-west-1"
    )
    assert made.index("make package") < applied
    assert pushed < applied
    backend = "-backend-config=dev.s3.tfbackend -backend-config=bucket=states"
    assert f"terraform init -input=false -reconfigure -lockfile=readonly {backend}" in made


def test_the_pipeline_is_not_asked_whether_it_means_it(checkout: Path) -> None:
    given = {"ENVIRONMENT": "prod", "IMAGE": "image@sha256:a", "STATE_BUCKET": "states", "AWS_REGION": "eu-west-1"}
    by_hand, by_pipeline = (calls(checkout, "apply", **given, **more)[-1] for more in ({}, {"CI": "true"}))
    assert by_hand.endswith("-var image=image@sha256:a -var region=eu-west-1")
    assert by_pipeline == f"{by_hand} -input=false -auto-approve"


def test_an_image_that_is_there_is_not_built_again(checkout: Path) -> None:
    made = calls(checkout, "deploy", ENVIRONMENT="dev", IMAGE_IS_MISSING="0")
    assert [call for call in made if "buildx" in call] == []


@pytest.mark.parametrize(
    ("script", "environment", "sentence"),
    [
        ("account", {}, "make account GITHUB_REPOSITORY=OWNER/REPOSITORY"),
        ("deploy", {}, "make deploy ENVIRONMENT=dev"),
        ("apply", {"ENVIRONMENT": "dev"}, "make apply IMAGE=REPOSITORY@sha256:..."),
        ("apply", {"ENVIRONMENT": "dev", "IMAGE": "x"}, "make apply STATE_BUCKET=..."),
        ("deploy", {"ENVIRONMENT": "test"}, "There is no terraform/environment/test.tfvars."),
    ],
)
def test_what_is_missing_is_named(script: str, environment: dict[str, str], sentence: str, checkout: Path) -> None:
    done = subprocess.run(
        [str(checkout / "scripts" / script)],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert sentence in done.stderr


@pytest.mark.parametrize("target", ["account", "deploy", "apply", "plan", "smoke"])
def test_what_works_on_aws_requires_the_terraform_program(target: str, tmp_path: Path) -> None:
    for program in ("make", "sh", "sed"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    done = subprocess.run(
        ["make", target], cwd=CHECKOUT, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "AWS needs Terraform 1.11 or later on the PATH" in done.stderr
