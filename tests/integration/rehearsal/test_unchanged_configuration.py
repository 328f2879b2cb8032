"""`make up` again applies the account and initializes the environment only when their configuration has changed."""

from pathlib import Path

import pytest

from localaws.administrator import Administrator
from rehearsal.deployment import Deployment
from rehearsal.run import Run
from rehearsal.terraform import TerraformError, copy_configuration

TERRAFORM = """#!/bin/sh
echo "$(basename "$PWD") $1" >> "$(dirname "$0")/calls"
echo "$GOGC" > "$(dirname "$0")/gogc"
[ "$1" != apply ] || [ ! -e "$(dirname "$0")/broken" ]
"""


class Runs:
    """A run with a Terraform that only writes down how it is called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = Run(folder / "run")
        self._program = folder / "terraform"
        self._program.write_text(TERRAFORM)
        self._program.chmod(0o755)
        self.up()

    def up(self, change: str | None = None) -> list[str]:
        """Apply the account as `make up` does, after a change of the copied configuration; return the calls."""
        self.run.folder.mkdir(exist_ok=True)
        Administrator().write(self.run.folder, "http://127.0.0.1:1", "us-east-1")
        calls = self.folder / "calls"
        calls.unlink(missing_ok=True)
        deployment = Deployment(self.run, str(self._program))
        if change:
            (self.run.terraform / change).write_text("# changed\n")
        deployment.apply_account(lambda _note: None)
        return calls.read_text().splitlines() if calls.exists() else []


APPLIED = ["account init", "account apply"]


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.mark.parametrize(
    ("change", "calls"),
    [
        pytest.param(None, [], id="no change"),
        pytest.param("environment/main.tf", [], id="of the environment"),
        pytest.param("account/main.tf", APPLIED, id="of the account"),
        pytest.param("account/.terraform.lock.hcl", APPLIED, id="of the provider"),
        pytest.param("modules/bucket/main.tf", APPLIED, id="of a module"),
    ],
)
def test_the_account_is_applied_again_only_after_a_change(change: str | None, calls: list[str], runs: Runs) -> None:
    assert runs.up(change) == calls


def test_a_failed_apply_is_repeated_even_if_the_change_is_taken_back(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(TerraformError):
        runs.up("account/main.tf")
    (tmp_path / "broken").unlink()
    assert runs.up() == APPLIED


def test_terraform_collects_garbage_as_the_makefile_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOGC", "123")
    Runs(tmp_path)
    assert (tmp_path / "gogc").read_text() == "123\n"


def test_a_new_local_aws_gets_its_account(runs: Runs) -> None:
    runs.run.clear()
    assert runs.up() == APPLIED


def test_the_backend_variables_and_domains_of_a_real_account_are_not_rehearsed(tmp_path: Path) -> None:
    for folder in ("account", "environment", "modules/bucket", "modules/database"):
        (tmp_path / "terraform" / folder).mkdir(parents=True)
    own = 'domain_name   = "beers.acme.io"\ndns_zone_name = "acme.io"\ndatabase_backup_copy_region = "eu-west-1"\n'
    for name in ("dev", "prod"):
        (tmp_path / "terraform" / "environment" / f"{name}.tfvars").write_text(f'environment = "{name}"\n{own}')
    for name in ("main.tf", "backend.tf", "account.auto.tfvars.json", "environments.auto.tfvars"):
        (tmp_path / "terraform" / "account" / name).touch()
    copy_configuration(tmp_path / "copy", tmp_path / "terraform")
    copied = {"main.tf", "rehearsal_override.tf"}
    assert {path.name for path in (tmp_path / "copy" / "account").iterdir()} == copied
    rehearsed = 'environment = "prod"\n\ndomain_name = "beers.example.com"\ndns_zone_name = "example.com"\n'
    assert (tmp_path / "copy" / "environment" / "prod.tfvars").read_text() == rehearsed
    assert (tmp_path / "copy" / "environment" / "dev.tfvars").read_text() == 'environment = "dev"\n'
    (tmp_path / "copy" / "account" / "own.auto.tfvars").touch()
    (tmp_path / "copy" / "environment" / "own.auto.tfvars").write_text(own)
    copy_configuration(tmp_path / "copy", tmp_path / "terraform")
    assert {path.name for path in (tmp_path / "copy" / "account").iterdir()} == copied | {"own.auto.tfvars"}
    assert (tmp_path / "copy" / "environment" / "own.auto.tfvars").read_text() == own
