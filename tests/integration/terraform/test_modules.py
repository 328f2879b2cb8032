"""Terraform's own checks of the configuration: `terraform validate`, and `terraform test` with a mocked AWS.

No network and no credentials are needed where a mirror of the provider is at hand.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devtools.errors import UserError
from devtools.terraform.program import find_terraform
from devtools.terraform.providers import write_cli_config
from tests.support.provider import provider

TERRAFORM = Path(__file__).parents[3] / "terraform"
# The usage blocks of all modules' READMEs, in one configuration.
USAGE = "usage"
# Tests in environment/tests plan the other examples.
ROOTS = ["account", "environment", "examples/existing-database", USAGE]
# References of the usage blocks that no module has.
CALLERS = """
resource "aws_kms_key" "environment" {}
resource "aws_security_group" "report" {}
data "aws_iam_policy_document" "report" {}
"""
# Validations need no resources, and each run of a whole environment takes 5 s of CPU time.
VARIABLES, TESTS_OF_VARIABLES = "variables", "refusals.tftest.hcl"

DATABASE = "modules/database"
# By what changes after a restore that kept the former instance.
PLANS_THAT_DESTROY = {
    "replacement": 'plan_options { replace = [aws_db_instance.this["first"]] }',
    "restore_removed": "variables { restore = null }",
    "former_instance_removed": "variables { former_instances = [] }",
}


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two initialized copies of the configuration, made once for all of pytest-xdist's workers.

    Tests only read them. In the copy `mocked`, the first write token is a constant, because a mocked provider cannot
    open ephemeral resources (Terraform 1.11).
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "terraform"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _prepare(folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def one_provider(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let all commands use one process of the provider; Terraform would start and verify another for each run."""
    with _provider_of(shared, tmp_path_factory.mktemp("provider")):
        yield


@pytest.mark.terraform
@pytest.mark.parametrize("root", ROOTS)
def test_a_root_module_is_valid_without_a_warning(root: str, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the library, a newer Terraform than the oldest that the modules accept, which other tests plan them with."""
    monkeypatch.setenv("TERRAFORM", "library")
    try:
        find_terraform()
    except UserError:  # no wheel for this machine
        monkeypatch.delenv("TERRAFORM")
    answer = _terraform(shared / "valid" / root, "validate")
    assert "Success!" in answer
    assert "Warning" not in answer


@pytest.mark.terraform
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("root", ["account", "environment", VARIABLES])
def test_terraform_test_passes(root: str, shared: Path) -> None:
    """All files at once: each start of Terraform takes 2 s of CPU time."""
    assert re.search(r"Success! [1-9]", _terraform(shared / "mocked" / root, "test"))


@pytest.mark.terraform
@pytest.mark.parametrize("environment", ["dev", "minimal", "staging", "prod"])
def test_a_variable_file_makes_a_whole_environment(environment: str, shared: Path) -> None:
    options = ["-test-directory=tests/shapes", f"-var-file={environment}.tfvars"]
    assert "Success!" in _terraform(shared / "mocked" / "environment", "test", *options)


@pytest.mark.terraform
def test_a_plan_that_would_destroy_a_database_fails_unless_it_is_temporary(shared: Path) -> None:
    with pytest.raises(AssertionError) as failure:
        _terraform(shared / "mocked" / DATABASE, "test")
    said = str(failure.value)
    assert [name for name in PLANS_THAT_DESTROY if f'run "{name}"... fail' not in said] == []
    assert said.count('run "a_database_is_made_and_restored"... pass') == len(PLANS_THAT_DESTROY)
    guarded = len(re.findall(r'confirm_the_destruction\["\w+"\] has', said))
    assert guarded == 3 * len(PLANS_THAT_DESTROY), "each plan, and the destroy of both instances at the end"


def _prepare(folder: Path) -> None:
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    for name in ("valid", "mocked"):
        copied = shutil.ignore_patterns(".terraform", "*.tfstate*", "backend.tf", "*.auto.tfvars*")
        shutil.copytree(TERRAFORM, part / name, ignore=copied)
    first_value = part / "mocked" / "modules" / "write_token" / "first_value.tf"
    assert "ephemeral" in first_value.read_text()
    first_value.write_text('locals {\n  first_value = "a-token-for-tests-only"\n}\n')
    _write_usage(part / "valid" / USAGE)
    (part / "build").mkdir()
    shutil.copy(part / "mocked/environment/tests/mocks/package.zip", part / "build" / "db_bootstrap.zip")
    of_environment, tests = part / "mocked/environment/tests", part / "mocked" / VARIABLES / "tests"
    shutil.copytree(of_environment / "mocks", tests / "mocks")
    shutil.move(of_environment / TESTS_OF_VARIABLES, tests)
    for name in ("variables.tf", "access.tf", "versions.tf", ".terraform.lock.hcl"):
        shutil.copy(part / "mocked/environment" / name, part / "mocked" / VARIABLES)
    for root in (f"mocked/{DATABASE}", f"valid/{USAGE}"):
        shutil.copy(part / "mocked/environment/.terraform.lock.hcl", part / root)
    write_cli_config(part / "cli.tfrc", folder.with_suffix(".plugins"))
    # A file for each plan, because the first that fails ends the runs of its file.
    of_database = part / "mocked" / DATABASE / "tests"
    made = (of_database / "protection.tftest.hcl").read_text()
    (of_database / "protection.tftest.hcl").unlink()
    for name, change in PLANS_THAT_DESTROY.items():
        planned = f'\nrun "{name}" {{\n  command = plan\n  {change}\n}}\n'
        (of_database / f"{name}.tftest.hcl").write_text(made + planned)
    _leave_out_firewall_rules(part / "mocked")
    init = ("init", "-backend=false", "-input=false", "-lockfile=readonly")
    _terraform(part / "valid" / ROOTS[0], *init)
    mocked = [f"mocked/{root}" for root in ("account", "environment", VARIABLES, DATABASE)]
    with _provider_of(part, part):
        for root in [f"valid/{root}" for root in ROOTS[1:]] + mocked:
            _terraform(part / root, *init)
    part.rename(folder)


@contextmanager
def _provider_of(copies: Path, logs: Path) -> Iterator[None]:
    """Run the provider of the first root module for all commands."""
    root = copies / "valid" / ROOTS[0]
    with (
        provider(root, _environment(root), root, logs / "provider.log") as found,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("TF_REATTACH_PROVIDERS", found)
        yield


def _leave_out_firewall_rules(mocked: Path) -> None:
    """Keep them for the tests of the edge alone: their type is so large that five take 3 s of a plan's CPU time."""
    edge, tests = mocked / "modules" / "edge", mocked / "environment" / "tests" / "edge.tftest.hcl"
    shutil.copytree(edge, edge.with_name("whole_edge"))
    assert '"../modules/edge"' in tests.read_text()
    tests.write_text(tests.read_text().replace('"../modules/edge"', '"../modules/whole_edge"'))
    (edge / "test_override.tf").write_text("locals {\n  managed_rules = []\n}\n")


def _write_usage(root: Path) -> None:
    root.mkdir()
    (root / "callers.tf").write_text(CALLERS)
    for module in (TERRAFORM / "modules").iterdir():
        block = re.search(r"^```hcl\n(.*?)^```", (module / "README.md").read_text(), re.MULTILINE | re.DOTALL)
        assert block, f"{module.name} has no usage block"
        local = re.sub(r'"git::[^"]*//terraform/([^"?]*)[^"]*"', r'"../\1"', block[1])
        assert f'source = "../modules/{module.name}"' in local
        (root / f"{module.name}.tf").write_text(local)


def _terraform(root: Path, command: str, *options: str) -> str:
    program, _ = find_terraform()
    done = subprocess.run(
        [program, command, "-no-color", *options],
        cwd=root,
        env=_environment(root),
        capture_output=True,
        text=True,
        check=False,
    )
    code = done.returncode  # alone, because pytest would print all attributes of `done`, too
    assert code == 0, f"terraform {command} in {root}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _environment(root: Path) -> dict[str, str]:
    config = next(path / "cli.tfrc" for path in root.parents if (path / "cli.tfrc").exists())
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "TF_REATTACH_PROVIDERS" or not name.startswith(("AWS_", "TF_"))
    }
    return {**kept, "TF_CLI_CONFIG_FILE": str(config), "CHECKPOINT_DISABLE": "1"}
