"""`make account` against a local AWS, with the real Terraform and configuration: cut off, continued, and elsewhere."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT
from devtools.terraform.program import find_terraform
from devtools.terraform.providers import write_cli_config
from rehearsal.terraform import copy_configuration
from tests.support.local_aws import ACCOUNT_ID, LocalAws
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.terraform, pytest.mark.nightly, pytest.mark.timeout(600)]

BUCKET = f"taproom-terraform-state-{ACCOUNT_ID}"
SETTINGS = Path("terraform/account/account.auto.tfvars.json")
STATE_KEY = "taproom/account.tfstate"
PROVIDER = f"arn:aws:iam::{ACCOUNT_ID}:oidc-provider/token.actions.githubusercontent.com"
ISSUER = "https://token.actions.githubusercontent.com"
NUMBERS = {"GITHUB_OWNER_ID": "1001", "GITHUB_REPOSITORY_ID": "2002"}
NAMED = {"GITHUB_REPOSITORY": "me/taproom", **NUMBERS}
# Without retention: for its rules the AWS provider waits most of a minute.
QUICK = 'deploy_environments = ["dev"]\nstate_version_days = 0\naccess_log_days = 0\n'
# A shell starts background processes without SIGINT, and children inherit that.
PROGRAM = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("scripts.account", run_name="__main__")
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(tmp_path_factory.mktemp("local-aws")) as running:
        yield running


def clone(tmp_path: Path, name: str) -> Path:
    """Return a checkout with the account's configuration."""
    root = tmp_path / name
    shutil.copytree(CHECKOUT / "scripts", root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    copy_configuration(root / "terraform")
    (root / "terraform" / "account" / "quick.auto.tfvars").write_text(QUICK)
    (root / ".github").mkdir()
    (root / ".github" / "CODEOWNERS").write_text("# owners\n* @OWNER\n")
    return root


def start(root: Path, aws: LocalAws, **environment: str) -> "subprocess.Popen[str]":
    folder = root.parent
    given = {
        "PATH": f"{Path(find_terraform()[0]).parent}:{os.environ['PATH']}",
        "TF_CLI_CONFIG_FILE": str(write_cli_config(folder / "terraform.rc", folder / "plugins")),
        "TF_CLI_ARGS_init": "-backend-config=use_path_style=true",
        "TF_INPUT": "1",
        "CHECKPOINT_DISABLE": "1",
        "HOME": str(folder),
        "NO_PROXY": "127.0.0.1",
        "AWS_ENDPOINT_URL": aws.endpoint,
        **{name.upper(): value for name, value in aws.administrator.items()},
        **environment,
    }
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            cwd=root,
            env=given,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            text=True,
            process_group=0,
        )
    assert process.stdin
    with process.stdin as answers:
        answers.write("yes\n")
    return process


def run(root: Path, aws: LocalAws, **environment: str) -> tuple[int, str]:
    """Return the exit code and the output."""
    code = start(root, aws, **environment).wait(200)
    return code, (root.parent / "output").read_text()


@pytest.mark.aws("IAM-19")
def test_an_interrupted_run_is_continued_by_another_person_in_another_clone(aws: LocalAws, tmp_path: Path) -> None:
    first, second = clone(tmp_path, "first"), clone(tmp_path, "second")
    account = first / "terraform" / "account"
    iam = aws.client("iam")

    def has_created() -> bool:
        return "Creation complete" in (tmp_path / "output").read_text()

    for happens in ((account / "backend.tf").exists, has_created):
        process = start(first, aws, **NAMED, REGION="eu-west-1", TF_CLI_ARGS_apply="-parallelism=1")
        wait_until(happens, "the moment to interrupt", 200)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(200) in {1, 130}
        assert "nterrupt" in (tmp_path / "output").read_text()
    code, output = run(second, aws, **NAMED)
    assert code == 0, output
    assert len(iam.list_roles(PathPrefix="/aws-service-role/")["Roles"]) == 4
    assert "* @me\n" in (second / ".github" / "CODEOWNERS").read_text()
    assert not list(tmp_path.glob("*/terraform/account/*.tfstate*"))
    assert aws.client("s3").head_object(Bucket=BUCKET, Key=STATE_KEY)
    code, output = run(second, aws, REGION="eu-west-2")
    assert (code, "states and registry are in eu-west-1" in output) == (1, True), output


def test_resources_that_are_not_in_the_state_are_imported(aws: LocalAws, tmp_path: Path) -> None:
    """As after a run that was killed before Terraform saved the state."""
    aws.client("s3").delete_object(Bucket=BUCKET, Key=STATE_KEY)
    root = clone(tmp_path, "third")
    for audience in ("another", "sts.amazonaws.com"):
        aws.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER)
        aws.client("iam").create_open_id_connect_provider(Url=ISSUER, ClientIDList=[audience])
        if audience == "another":
            code, output = run(root, aws, **NAMED)
            assert (code, f"{PROVIDER} --client-id sts.amazonaws.com" in output) == (1, True), output
    code, output = run(root, aws, **NAMED)
    assert (code, "0 to destroy" in output) == (0, True), output
    assert not list(root.glob("terraform/account/imports.tf"))
    assert f'"github_oidc_provider_arn": "{PROVIDER}"' in (root / SETTINGS).read_text()
    code, output = run(root, aws)
    assert (code, "Apply" in output) == (0, False), output
    (root / "terraform" / "account" / "backend.tf").write_text('bucket = "taproom-terraform-state-999999999999"')
    code, output = run(root, aws)
    assert (code, f"the credentials are those of the account {ACCOUNT_ID}" in output) == (1, True), output
