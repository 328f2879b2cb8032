"""Each block of docs/make-it-yours.md runs in a copy of the project, and what the page says remains, works."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT
from scripts import environment

PAGE = (CHECKOUT / "docs" / "make-it-yours.md").read_text()
SAMPLE = "tests/unit/db_bootstrap/test_plan.py"


def blocks(heading: str, language: str) -> list[str]:
    """Return the code blocks of a language below a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    assert section
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def run_pytest(folder: Path, *arguments: str) -> str:
    return run(folder, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the project's files in a repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip(f"not a git checkout: {listed.stderr.strip()}")
    folder = tmp_path / "taproom"
    for name in filter(None, listed.stdout.split("\0")):
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, folder / name)
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    for command in (["init"], ["add", "--all"], ["commit", "--message=Begin"]):
        run(folder, "git", *identity, *command)
    (folder / ".venv").symlink_to(CHECKOUT / ".venv")
    return folder


def test_a_renamed_project_passes_its_tests(project: Path) -> None:
    (block,) = blocks("Another name", "sh")
    run(project, "sh", "-ec", block)
    assert "brewery" in (project / "terraform" / "environment" / "variables.tf").read_text()
    assert (project / "README.md").read_text().startswith("# Brewery\n")
    assert run(project, "sh", "-c", "git grep --ignore-case taproom || true") == ""
    run_pytest(project, SAMPLE, "tests/unit/terraform/test_style.py")


def test_the_access_function_alone_has_tests_that_pass(project: Path) -> None:
    (block,) = blocks("The access function alone", "sh")
    run(project, "sh", "-ec", block.replace("python ", f"{shlex.quote(sys.executable)} "))
    alone = project.parent / "access"
    assert not (alone / "app").exists()
    collected = run_pytest(alone, "--collect-only", "tests/unit/db_bootstrap", "tests/integration/db_bootstrap")
    assert "test_property.py" in collected
    run_pytest(alone, SAMPLE)
    assert "plan" in run(alone, sys.executable, "-m", "db_bootstrap", "--help")


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("number", "kept"),
    [
        pytest.param(0, ["app", "db_bootstrap", "devtools", "scripts", "terraform"], id="rehearsal"),
        pytest.param(1, ["db_bootstrap", "devtools", "localaws", "scripts", "terraform"], id="service"),
    ],
)
def test_what_is_left_out_takes_only_its_own_tests(number: int, kept: list[str], project: Path) -> None:
    deleted, pruning = blocks("Leave out what you do not need", "sh")[number].splitlines()
    assert pruning == "make prune"
    run(project, "sh", "-ec", deleted)
    run(project, sys.executable, "-m", "scripts.prune_tests")
    if (CHECKOUT / ".mypy_cache").exists():
        shutil.copytree(CHECKOUT / ".mypy_cache", project / ".mypy_cache")
    # Without what is made for the whole project: the environment, which this one shares, and Trivy's scan.
    run(project, "make", "--old-file=.venv/ready", "--old-file=trivy", "lint")
    collected = run_pytest(project, "--collect-only", "tests/unit", "tests/integration")
    assert {name for name in kept if f"tests/unit/{name}/" not in collected} == set()
    assert "tests/integration/terraform/test_modules.py" in collected
    run_pytest(project, SAMPLE)
    for command in ("run", "image"):
        assert "usage:" in run(project, sys.executable, "-m", "devtools", command, "--help")


@pytest.mark.database
def test_an_endpoint_with_a_table_and_a_login_is_served(project: Path) -> None:
    heading = "Add an endpoint with a table and a login"
    for block in blocks(heading, "python"):
        name, _, text = block.removeprefix("# ").partition("\n")
        (project / name).write_text(text)
    (patch,) = blocks(heading, "diff")
    (project / "patch").write_text(patch)
    run(project, "git", "apply", "patch")
    run_pytest(project, "tests/integration/app/test_breweries.py")
    document = (project / "terraform" / "environment" / "variables.tf").read_text()
    assert "beers_brewer = {" in document


def test_an_environment_is_one_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "ROOT", project / "terraform" / "environment")
    before = environment.environments()
    assert before == ["dev", "prod", "staging"]
    (block,) = blocks("Add or remove an environment", "sh")
    run(project, "sh", "-ec", block)
    assert environment.environments() == sorted([*before, "qa"])
    places = run(CHECKOUT, "git", "grep", "-lw", "staging", "--", ".github", "Makefile", "ci.mk")
    # The order of releases, and what accounts of their own for staging and prod call their variables.
    assert {Path(name).name for name in places.split()} <= {"release.yml", "plan.yml", "drift.yml"}
