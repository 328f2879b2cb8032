from pathlib import Path

import pytest

from devtools.errors import RehearsalError
from rehearsal import prerequisites as prepare

LOCK = """provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.100.0"
  constraints = "~> 5.100"
}
"""


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_a_missing_terraform_is_named_with_where_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RehearsalError, match=r"Terraform is not on the PATH\. Install version 1\.11"):
        prepare.find_terraform()


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        pytest.param('{"terraform_version": "1.10.5"}', r"1\.10\.5 at .* is too old; install version 1\.11", id="old"),
        pytest.param("nonsense", "does not say its version", id="broken"),
    ],
)
def test_an_unfit_terraform_is_refused(
    answer: str, outcome: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path, "terraform", f"echo '{answer}'")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RehearsalError, match=outcome):
        prepare.find_terraform()


@pytest.mark.parametrize("version", ["1.11.0", "1.15.5", "2.0.0-beta1"])
def test_a_new_enough_terraform_is_taken(version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path, "terraform", f'echo \'{{"terraform_version": "{version}"}}\'')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert prepare.find_terraform() == (str(tmp_path / "terraform"), version)


@pytest.mark.parametrize(
    ("inside", "found"),
    [
        pytest.param("hashicorp/aws/5.100.0/linux_amd64/plugin", True, id="unpacked"),
        pytest.param("hashicorp/aws/terraform-provider-aws_5.100.0_linux_amd64.zip", True, id="packed"),
        pytest.param("hashicorp/aws/5.99.0/linux_amd64/plugin", False, id="another version"),
    ],
)
def test_a_mirror_counts_when_it_holds_the_locked_version(inside: str, found: bool, tmp_path: Path) -> None:
    mirror = tmp_path / "somewhere" / "plugins"
    plugin = mirror / "registry.terraform.io" / inside
    plugin.parent.mkdir(parents=True)
    plugin.touch()
    (tmp_path / "lock").write_text(LOCK)
    assert prepare.provider_mirror(tmp_path / "lock", (str(tmp_path),)) == (mirror if found else None)
