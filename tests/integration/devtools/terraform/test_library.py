"""The library behaves like the program: streams, exit codes, signals, and what is left of its providers."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from devtools.checkout import CHECKOUT
from devtools.processes import ProcessRegister, still_running
from devtools.terraform.program import find_terraform, is_terraform
from devtools.terraform.providers import write_cli_config
from tests.support.waiting import wait_until

SLOW = """
resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "touch started && exec sleep 60"
  }
}
output "answer" {
  value = 42
}
"""
PROVIDER = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region = "us-east-1"
}
data "aws_caller_identity" "this" {}
"""


@dataclass(frozen=True)
class Waiting:
    register: ProcessRegister
    plan: subprocess.Popen[bytes]
    providers: list[psutil.Process]
    log: Path


@pytest.fixture(scope="module")
def library() -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERRAFORM", "library")
        program, _ = find_terraform()
    return program


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty root module that uses the project's locked provider."""
    folder = tmp_path / "root"
    folder.mkdir()
    lock = folder / ".terraform.lock.hcl"
    lock.write_bytes((CHECKOUT / "terraform" / "environment" / lock.name).read_bytes())
    write_cli_config(tmp_path / "cli.tfrc", tmp_path / "plugins")
    return folder


def environment(root: Path, endpoint: str = "http://127.0.0.1:1") -> dict[str, str]:
    return {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "CHECKPOINT_DISABLE": "1",
        "TF_CLI_CONFIG_FILE": str(root.parent / "cli.tfrc"),
    }


def run(library: str, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [library, *arguments], cwd=root, env=environment(root), capture_output=True, text=True, check=False
    )


def test_streams_and_exit_codes_are_those_of_the_program(library: str, root: Path) -> None:
    (root / "main.tf").write_text('variable "n" {\n  default = 1\n}\noutput "n" {\n  value = var.n\n}\n')
    init = run(library, root, "init", "-no-color")
    assert (init.returncode, init.stderr) == (0, "")
    assert run(library, root, "plan", "-detailed-exitcode", "-out=plan").returncode == 2
    shown = json.loads(run(library, root, "show", "-json", "plan").stdout)
    assert shown["planned_values"]["outputs"]["n"]["value"] == 1
    applied = run(library, root, "apply", "-json", "-auto-approve").stdout.splitlines()
    assert [json.loads(line)["type"] for line in applied][-2:] == ["change_summary", "outputs"]
    assert json.loads(run(library, root, "output", "-json").stdout)["n"]["value"] == 1
    assert run(library, root, "plan", "-detailed-exitcode").returncode == 0
    failed = run(library, root, "plan", "-no-color", "-var=m=2")
    assert failed.returncode == 1
    assert "undeclared" in failed.stderr
    assert "undeclared" not in failed.stdout
    assert run(library, root, "validate").returncode == 0
    (root / "main.tf").write_text("locals {\na=1\n}\n")
    assert run(library, root, "fmt", "-check").returncode == 3
    assert run(library, root, "nonsense").returncode == 1


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=lambda sent: sent.name)
def test_a_signal_stops_an_apply_in_order_and_keeps_the_state(sent: signal.Signals, library: str, root: Path) -> None:
    (root / "main.tf").write_text(SLOW)
    assert run(library, root, "init").returncode == 0
    apply = subprocess.Popen(
        [library, "apply", "-auto-approve", "-no-color"],
        cwd=root,
        env=environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until((root / "started").exists, "the resource")
    assert is_terraform(psutil.Process(apply.pid))
    apply.send_signal(sent)
    said, _ = apply.communicate(timeout=120)
    assert apply.returncode == 1
    assert "Interrupt received." in said
    assert "Gracefully shutting down" in said
    assert "Traceback" not in said
    (resource,) = json.loads((root / "terraform.tfstate").read_text())["resources"]
    assert resource["instances"][0]["status"] == "tainted"
    assert not (root / ".terraform.tfstate.lock.info").exists()


@pytest.fixture
def silent_aws() -> Iterator[str]:
    """The address of an AWS that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def waiting(library: str, root: Path, silent_aws: str, tmp_path: Path) -> Iterator[Waiting]:
    """A plan whose provider waits for AWS."""
    (root / "main.tf").write_text(PROVIDER)
    assert run(library, root, "init").returncode == 0
    register = ProcessRegister(tmp_path / "processes.jsonl")
    plan = register.start(
        [library, "plan", "-no-color"], env=environment(root, silent_aws), cwd=root, log=tmp_path / "plan.log"
    )
    try:
        wait_until(lambda: providers(plan.pid), "a provider")
        yield Waiting(register, plan, providers(plan.pid), tmp_path / "plan.log")
    finally:
        register.stop(plan, grace_seconds=0)


def providers(terraform: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(terraform).children() if child.name().startswith("terraform-provider")]


def test_a_second_ctrl_c_ends_it_at_once_with_its_providers(waiting: Waiting) -> None:
    waiting.plan.send_signal(signal.SIGINT)
    wait_until(lambda: "Stopping operation" in waiting.log.read_text(), "the first signal's answer")
    waiting.plan.send_signal(signal.SIGINT)
    assert waiting.plan.wait(120) == 1
    assert "Two interrupts received. Exiting immediately." in waiting.log.read_text()
    assert psutil.wait_procs(waiting.providers, timeout=60)[1] == []


def test_a_killed_run_is_found_and_leaves_no_provider(waiting: Waiting) -> None:
    assert [is_terraform(process) for process in still_running(waiting.register.path)] == [True]
    waiting.register.stop(waiting.plan, grace_seconds=0, ask=signal.SIGKILL)
    assert waiting.plan.returncode == -signal.SIGKILL
    assert psutil.wait_procs(waiting.providers, timeout=60)[1] == []
