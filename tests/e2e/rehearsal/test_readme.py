"""The README's commands for AWS, verbatim, from a fresh clone to a served beer."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from devtools.certificates import create_authority
from devtools.checkout import CHECKOUT
from devtools.terraform.program import find_terraform
from devtools.terraform.providers import write_cli_config
from rehearsal import deployment
from tests.support import laptop
from tests.support.github_api import github_api, install_gh
from tests.support.pipeline import copy_project
from tests.support.rehearsal import run_in

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]

# A person's answers, in order: the end of a question, and the answer.
ANSWERS = [
    ("Only yes is accepted: ", "yes"),  # apply the account
    ("Only yes is accepted: ", "yes"),  # change GitHub's settings
    ("[mine] ", "203.0.113.7/32"),
    ("Only yes is accepted: ", "yes"),  # apply the environment
]
# A clone uses the packages of this checkout; old files make `make` take them for ready.
PREPARE = f"""
(cd origin && git add . && git commit --quiet --message First)
git() {{
    command git "$@" || return
    [ "$1" = clone ] || return 0
    ln -s {CHECKOUT}/.venv taproom/.venv && mkdir taproom/build
    ln -s {CHECKOUT}/build/function-packages taproom/build/function-packages
    touch -d @0 taproom/scripts/* taproom/requirements/*
}}
"""


def answered(script: str, folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a script and answer its questions; return its exit status and output."""
    pipe = subprocess.PIPE
    output, seen, answers = "", 0, list(ANSWERS)
    with subprocess.Popen(
        ["bash", "-e", "-c", script], cwd=folder, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT
    ) as child:
        assert child.stdin
        assert child.stdout
        while said := os.read(child.stdout.fileno(), 65_536):
            output += said.decode(errors="replace")
            if answers and answers[0][0] in output[seen:]:
                seen = len(output)
                child.stdin.write(f"{answers.pop(0)[1]}\n".encode())
                child.stdin.flush()
    return child.returncode, output


def test_the_commands_of_the_readme_lead_from_a_clone_to_a_served_beer(tmp_path: Path) -> None:
    commands = (CHECKOUT / "README.md").read_text().partition("## Deploy it to AWS")[2]
    commands = commands.partition("```sh\n")[2].partition("```")[0].replace("OWNER/REPOSITORY", "example/taproom")
    with run_in(tmp_path) as run:
        ports = run.take_ports(None)
        authority = create_authority(run.authority).ca_file
        bin_, origin = tmp_path / "bin", tmp_path / "origin"
        bin_.mkdir()
        copy_project(origin)
        (bin_ / "terraform").symlink_to(find_terraform()[0])
        laptop.install(bin_, ports.balancer)
        install_gh(bin_)
        (tmp_path / "gitconfig").write_text(f"""
[user]
    name = Example
    email = person@example.com
[receive]
    denyCurrentBranch = ignore
[url "{origin}"]
    insteadOf = https://github.com/example/taproom
""")
        deployment.start_local_aws(run)
        with github_api() as github:
            environment = {
                "HOME": str(tmp_path),
                "PATH": f"{bin_}:{os.environ['PATH']}",
                **{name.upper(): value for name, value in run.administrator.items()},
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": str(run.endpoint),
                "CHECKPOINT_DISABLE": "1",
                "GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"),
                "GITHUB_STATE": github.url,
                "IMAGES": str(run.images),
                "NO_PROXY": "*",
                "RDS_CA_FILE": str(authority),
                "TF_CLI_ARGS_init": "-backend-config=use_path_style=true",
                "TF_CLI_CONFIG_FILE": str(write_cli_config(tmp_path / "terraform.rc")),
            }
            code, output = answered(PREPARE + commands, tmp_path, environment)
            settings = github.read()["entries"]
        assert code == 0, output[-5000:]
        assert json.loads(output[output.rindex('{"beers"') :])["beers"], output[-5000:]
        role = settings["repos/example/taproom/environments/dev/variables/AWS_DEPLOY_ROLE_ARN"]["value"]
        assert role.endswith(":role/taproom-deploy-dev")
