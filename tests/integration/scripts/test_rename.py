"""What a rename refuses; test_make_it_yours.py renames the project."""

import subprocess
import sys
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT

SCRIPT = CHECKOUT / "scripts" / "rename.py"


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def rename(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text("# Taproom\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "Begin")
    return tmp_path


@pytest.mark.parametrize("name", ["", "Brewery", "b", "brew_ery", "seventeen-letters"])
def test_a_name_that_terraform_would_refuse_changes_nothing(name: str, project: Path) -> None:
    done = rename(project, name)
    assert (done.returncode, "make rename NAME=brewery" in done.stderr) == (1, True)
    assert git(project, "status", "--porcelain") == ""


def test_changes_that_are_not_committed_are_not_mixed_with_it(project: Path) -> None:
    (project / "README.md").write_text("mine\n")
    assert "commit them first" in rename(project, "brewery").stderr
    assert (project / "README.md").read_text() == "mine\n"
