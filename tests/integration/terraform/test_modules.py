"""Terraform's own checks of the configuration: validity, and its tests against a made-up AWS.

No network and no credentials are needed where a mirror of the provider is at hand.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from devtools.terraform.program import find_terraform
from rehearsal.terraform import write_cli_config

pytestmark = pytest.mark.rehearsal

TERRAFORM = Path(__file__).parents[3] / "terraform"


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, so that Terraform's working files stay out of the project."""
    copy = tmp_path_factory.mktemp("configuration") / "terraform"
    shutil.copytree(TERRAFORM, copy, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
    return copy


@pytest.fixture(scope="module")
def configuration_without_ephemeral_resources(configuration: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for a made-up AWS, which Terraform lets make no ephemeral value."""
    copy = tmp_path_factory.mktemp("configuration") / "terraform"
    shutil.copytree(configuration, copy, symlinks=True)
    made_by_aws = copy / "modules" / "write_token" / "first_value.tf"
    assert "ephemeral" in made_by_aws.read_text()
    made_by_aws.write_text('locals {\n  first_value = "a-token-for-tests-only"\n}\n')
    return copy


@pytest.fixture(scope="module", params=["account", "environment"])
def root_module(request: pytest.FixtureRequest, configuration: Path) -> Path:
    """A root module, prepared without its backend and without touching the lock file."""
    root = configuration / str(request.param)
    _terraform(root, "init", "-backend=false", "-input=false", "-lockfile=readonly")
    return root


def test_a_root_module_is_valid_without_a_warning(root_module: Path) -> None:
    answer = _terraform(root_module, "validate")
    assert "Success!" in answer
    assert "Warning" not in answer


@pytest.mark.parametrize("name", ["account", "environment"])
def test_what_is_promised_holds(name: str, configuration_without_ephemeral_resources: Path) -> None:
    root = configuration_without_ephemeral_resources / name
    _terraform(root, "init", "-backend=false", "-input=false", "-lockfile=readonly")
    assert "Success!" in _terraform(root, "test")


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_a_variable_file_makes_a_whole_environment(
    environment: str, configuration_without_ephemeral_resources: Path
) -> None:
    root = configuration_without_ephemeral_resources / "environment"
    shapes = "-test-directory=tests/shapes"
    _terraform(root, "init", "-backend=false", "-input=false", "-lockfile=readonly", shapes)
    assert "Success!" in _terraform(root, "test", shapes, f"-var-file={environment}.tfvars")


def _terraform(root: Path, command: str, *options: str) -> str:
    program, _ = find_terraform()
    config = write_cli_config(root.parent / "cli.tfrc", root / ".terraform.lock.hcl", root.parent / "plugins")
    done = subprocess.run(
        [program, command, "-no-color", *options],
        cwd=root,
        env={**_without_aws(), "TF_CLI_CONFIG_FILE": str(config), "CHECKPOINT_DISABLE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"terraform {command} in {root.name}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _without_aws() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
