"""What `make account` and `make deploy` call, in which order: fakes of the programs write down how they are called."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT
from devtools.terraform.program import find_terraform

FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
case "$(basename "$0") $*" in
  "terraform output -json client_cidr_blocks") [ -n "$KEPT" ] && echo "$KEPT" ;;
  *service_url*) echo http://balancer ;;
  *image_repository_url*) echo 123456789012.dkr.ecr.eu-west-1.amazonaws.com/taproom ;;
  *state_bucket_name*) echo states ;;
  *backend_configuration*) echo 'terraform {}' ;;
  *rev-parse*) echo c0ffee ;;
  "docker manifest inspect "*"$IMAGE_IN_REGISTRY") [ -n "$IMAGE_IN_REGISTRY" ] ;;
  "docker manifest"*) exit 1 ;;
  "docker buildx inspect"*) echo "Platforms: linux/amd64, $PLATFORM" ;;
  "curl "*checkip*) [ -n "$ADDRESS" ] && echo "$ADDRESS" ;;
esac
"""
# `make` that needs no Makefile: the scripts are what these targets call.
MAKE = """#!/bin/sh
echo "make $*" >> "$CALLS"
for argument in "$@"; do case $argument in *=*) export "${argument?}" ;; esac; done
case $1 in account|deploy) exec "scripts/$1" ;; esac
"""
APPLIED = {"ENVIRONMENT": "dev", "IMAGE": "image@sha256:a", "STATE_BUCKET": "states", "AWS_REGION": "eu-west-1"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with the scripts, the folders that they use, and fakes of the programs that they call."""
    for name in ("scripts", "terraform/account", "terraform/environment"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns(".terraform", "__pycache__"))
    (tmp_path / "bin").mkdir()
    for program in ("terraform", "docker", "aws", "git", "curl", "make"):
        fake = tmp_path / "bin" / program
        fake.write_text(MAKE if program == "make" else FAKE)
        fake.chmod(0o755)
    return tmp_path


def run(checkout: Path, script: str, answer: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    given = {
        "PATH": f"{checkout / 'bin'}:{os.environ['PATH']}",
        "CALLS": str(checkout / "calls"),
        "PLATFORM": "linux/arm64",
        "CLIENT_CIDR_BLOCKS": "none",
        **environment,
    }
    command = [str(checkout / "scripts" / script)]
    return subprocess.run(command, env=given, input=answer, capture_output=True, text=True, check=False)


def calls(checkout: Path, script: str, answer: str = "", **environment: str) -> list[str]:
    (checkout / "calls").unlink(missing_ok=True)
    done = run(checkout, script, answer, **environment)
    assert done.returncode == 0, done.stderr
    return (checkout / "calls").read_text().splitlines()


@pytest.mark.aws("IAM-19")
@pytest.mark.parametrize(
    ("answer", "code"), [("", 0), ("Service role name X has been taken in this account", 0), ("AccessDenied", 1)]
)
def test_an_account_gets_the_service_linked_roles_that_it_lacks(answer: str, code: int, checkout: Path) -> None:
    status = 254 if answer else 0
    (checkout / "bin" / "aws").write_text(f'#!/bin/sh\necho "$*" >> "$CALLS"; echo "{answer}" >&2; exit {status}\n')
    done = run(checkout, "account", GITHUB_REPOSITORY="me/taproom")
    assert done.returncode == code, done.stderr
    named = re.findall(r"--aws-service-name (\S+)\.amazonaws\.com", (checkout / "calls").read_text())
    assert named == ["rds", "ecs", "elasticloadbalancing", "ecs.application-autoscaling"][: 4 if code == 0 else 1]


def test_a_deployment_pushes_the_image_before_it_applies_in_the_accounts_region(checkout: Path) -> None:
    made = calls(checkout, "deploy", ENVIRONMENT="dev")
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/taproom:laptop-c0ffee"
    pushed = made.index(f"docker buildx build --platform linux/arm64 --tag {image} --push .")
    (applied,) = (index for index, call in enumerate(made) if call.startswith("terraform apply"))
    assert made[applied].endswith(f"-var image={image} -var region=eu-west-1 -var client_cidr_blocks=[]")
    assert made.index("make package") < applied < made.index(f"make smoke IMAGE={image} AWS_REGION=eu-west-1")
    assert pushed < applied
    backend = "-backend-config=dev.s3.tfbackend -backend-config=bucket=states -backend-config=region=eu-west-1"
    assert f"terraform init -input=false -reconfigure -lockfile=readonly {backend}" in made


def test_the_pipeline_is_asked_nothing_and_keeps_the_ranges_of_the_last_apply(checkout: Path) -> None:
    given = {**APPLIED, "CLIENT_CIDR_BLOCKS": "", "KEPT": '["203.0.113.7/32"]'}
    by_hand, by_pipeline = (calls(checkout, "apply", **given, **more)[-1] for more in ({}, {"CI": "true"}))
    kept = '-var client_cidr_blocks=["203.0.113.7/32"] -var-file=dev.tfvars'
    assert by_hand == f"terraform apply -lock-timeout=5m {kept} -var image=image@sha256:a -var region=eu-west-1"
    assert by_pipeline == f"{by_hand} -input=false -auto-approve"


@pytest.mark.parametrize(
    ("given", "answer", "ranges"),
    [
        ("", "\n", '["198.51.100.4/32"]'),
        ("", "203.0.113.7/32, 203.0.113.9/32\n", '["203.0.113.7/32","203.0.113.9/32"]'),
        ("", "none\n", "[]"),
        ("mine", "", '["198.51.100.4/32"]'),
        ("203.0.113.7/32", "", '["203.0.113.7/32"]'),
    ],
)
def test_a_first_apply_without_a_domain_is_open_only_to_the_addresses_that_were_asked_for(
    given: str, answer: str, ranges: str, checkout: Path
) -> None:
    made = calls(checkout, "apply", answer, **APPLIED, CLIENT_CIDR_BLOCKS=given, ADDRESS="198.51.100.4")
    assert made[-1].endswith(f" -var client_cidr_blocks={ranges}")


@pytest.mark.parametrize("address", ["", "<html>", "2001:db8::1"])
def test_an_unknown_own_address_is_an_error_and_never_an_open_load_balancer(address: str, checkout: Path) -> None:
    done = run(checkout, "apply", **APPLIED | {"CLIENT_CIDR_BLOCKS": "mine", "ADDRESS": address})
    assert done.returncode == 1
    assert "Set it: CLIENT_CIDR_BLOCKS=203.0.113.7/32" in done.stderr
    done = run(checkout, "apply", **APPLIED | {"CLIENT_CIDR_BLOCKS": ""})
    assert "Set CLIENT_CIDR_BLOCKS=mine" in done.stderr
    assert "terraform apply" not in (checkout / "calls").read_text()


@pytest.mark.parametrize("tag", ["c0ffee", "laptop-c0ffee"])
def test_an_image_that_is_in_the_registry_is_not_built_again(tag: str, checkout: Path) -> None:
    made = calls(checkout, "deploy", ENVIRONMENT="dev", IMAGE_IN_REGISTRY=f"taproom:{tag}")
    assert [call for call in made if "buildx build" in call] == []
    assert f"taproom:{tag} " in made[-2]


def test_a_builder_without_arm64_is_refused_with_its_remedy(checkout: Path) -> None:
    done = run(checkout, "deploy", ENVIRONMENT="dev", PLATFORM="linux/386")
    assert done.returncode == 1
    assert "binfmt --install arm64" in done.stderr


def test_no_script_expands_an_empty_array_which_bash_3_refuses() -> None:
    for script in ("account", "apply", "deploy"):
        assert "[@]" not in (CHECKOUT / "scripts" / script).read_text()


def test_the_commands_of_the_readme_work_in_order_in_a_fresh_clone(checkout: Path, tmp_path: Path) -> None:
    """The real git decides whether the tree is clean; `make account` leaves files in it."""
    (checkout / "bin" / "git").unlink()
    readme = (CHECKOUT / "README.md").read_text().partition("## Deploy it to AWS")[2]
    commands = readme.partition("```sh\n")[2].partition("```")[0]
    origin = tmp_path / "origin"
    copied = ("scripts", "terraform/account", "terraform/environment", "app", "requirements", ".github")
    for name in copied:
        shutil.copytree(CHECKOUT / name, origin / name, ignore=shutil.ignore_patterns(".terraform", "__pycache__"))
    shutil.copy(CHECKOUT / ".gitignore", origin)
    environment = {
        "PATH": f"{checkout / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "CALLS": str(checkout / "calls"),
        "PLATFORM": "linux/arm64",
        "ADDRESS": "198.51.100.4",
        **{f"GIT_{role}_{what}": "me@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    first = "set -e; cd origin; git init --quiet .; git add .; git commit --quiet --message First; cd ..\n"
    script = first + commands.replace("https://github.com/OWNER/REPOSITORY", "origin").replace("OWNER/", "me/")
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, input="\n\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    made = (checkout / "calls").read_text()
    assert '-var client_cidr_blocks=["198.51.100.4/32"]' in made
    settings = tmp_path / "taproom" / "terraform" / "account" / "account.auto.tfvars"
    assert 'github_repository = "me/REPOSITORY"' in settings.read_text()
    assert "\n* @me\n" in (tmp_path / "taproom" / ".github" / "CODEOWNERS").read_text(), "an active rule"
    assert made.index("terraform apply") < made.index("Authorization: Bearer"), (
        "the token is sent once the ranges are set"
    )


ACCOUNT = """
variable "github_repository" { type = string }
variable "region" { type = string }
resource "terraform_data" "account" { input = "${var.github_repository} in ${var.region}" }
output "made" { value = terraform_data.account.output }
output "backend_configuration" {
  value = "terraform {\\n  backend \\"local\\" {\\n    path = \\"bucket/state\\"\\n  }\\n}\\n"
}
"""


@pytest.mark.terraform
@pytest.mark.parametrize("interrupted", ["init", "apply", "output", "state pull", "state push", ""])
def test_an_account_keeps_its_state_in_the_bucket_whatever_was_interrupted(interrupted: str, checkout: Path) -> None:
    """The real Terraform; another local file stands in for the bucket."""
    account = checkout / "terraform" / "account"
    shutil.rmtree(account)
    account.mkdir()
    (account / "main.tf").write_text(ACCOUNT)
    once = checkout / "once"
    once.touch()
    failing = (
        f'case "$*" in "{interrupted}"*) [ ! -e {once} ] || {{ rm {once}; exit 1; }} ;; esac\n' if interrupted else ""
    )
    (checkout / "bin" / "terraform").write_text(f'#!/bin/sh\n{failing}exec {find_terraform()[0]} "$@"\n')
    given = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    first = run(checkout, "account", "yes\n", GITHUB_REPOSITORY="me/taproom", REGION="eu-west-1", **given)
    assert (first.returncode == 0) is (not interrupted), first.stderr
    settings = account / "account.auto.tfvars"
    settings.write_text(f"{settings.read_text()}# kept\n")
    for _ in range(2):
        done = run(checkout, "account", "yes\n", **given)
        assert done.returncode == 0, done.stderr
        assert "me/taproom in eu-west-1" in (account / "bucket" / "state").read_text()
        assert not (account / "terraform.tfstate").exists()
        assert re.search(r'backend "local"', (account / "backend.tf").read_text())
    assert settings.read_text().count("# kept") == 1
    refused = run(checkout, "account", GITHUB_REPOSITORY="me/taproom", REGION="eu-west-2", **given)
    assert "states and registry are in eu-west-1" in refused.stderr


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
