"""The project under another name."""

import subprocess
import sys
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT

SCRIPT = CHECKOUT / "scripts" / "rename.py"
FILES = {
    "README.md": "# Taproom\n\nRun taproom-dev, not Taprooms.\n",
    "terraform/dev.tfvars": 'project_name = "taproom"\n',
    "notes/plain text.txt": "nothing to see\n",
    "logo.bin": "\udcfftaproom\udcfe",
}


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def rename(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "Begin")
    return tmp_path


def test_a_rename_replaces_every_occurrence_of_the_name(project: Path) -> None:
    assert rename(project, "brewery").returncode == 0
    texts = {name: (project / name).read_bytes().decode(errors="surrogateescape") for name in FILES}
    assert texts == {
        "README.md": "# Brewery\n\nRun brewery-dev, not Brewerys.\n",
        "terraform/dev.tfvars": 'project_name = "brewery"\n',
        "notes/plain text.txt": "nothing to see\n",
        "logo.bin": "\udcffbrewery\udcfe",
    }


@pytest.mark.parametrize("name", ["", "Brewery", "b", "brew_ery", "seventeen-letters"])
def test_a_name_that_terraform_would_refuse_changes_nothing(name: str, project: Path) -> None:
    done = rename(project, name)
    assert (done.returncode, "make rename NAME=brewery" in done.stderr) == (1, True)
    assert git(project, "status", "--porcelain") == ""


def test_changes_that_are_not_committed_are_not_mixed_with_it(project: Path) -> None:
    (project / "README.md").write_text("mine\n")
    assert "commit them first" in rename(project, "brewery").stderr
    assert (project / "README.md").read_text() == "mine\n"
