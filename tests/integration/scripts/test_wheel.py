"""The wheel of db_bootstrap: the same bytes everywhere, and all that the command line needs."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT

UV = Path(sys.executable).parent / "uv"
PYTHONS = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (CHECKOUT / "pyproject.toml").read_text())


def python(version: str) -> str:
    """Return the path of an installed Python; empty if there is none of this version."""
    find: list[str | Path] = [UV, "python", "find", "--offline", "--no-project", "--no-python-downloads", version]
    return subprocess.run(find, capture_output=True, text=True, check=False, cwd="/").stdout.strip()


def run(*command: str | Path, umask: int = -1) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, umask=umask)
    assert done.returncode == 0, done.stderr
    return done.stdout


def built(project: Path, output: Path, umask: int = -1) -> Path:
    command = ("build", "--quiet", "--wheel", "--offline", "--out-dir", output, project)
    run(UV, *command, umask=umask)
    (wheel,) = output.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(CHECKOUT, tmp_path_factory.mktemp("wheel"))


def test_two_checkouts_make_the_same_wheel_byte_for_byte(wheel: Path, tmp_path: Path) -> None:
    copy = tmp_path / "another place"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "db_bootstrap", copy / "db_bootstrap", ignore=ignored, copy_function=shutil.copyfile)
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copyfile(CHECKOUT / name, copy / name)
    os.utime(copy / "db_bootstrap" / "plan.py", (0, 0))
    assert built(copy, tmp_path / "out", umask=0o077).read_bytes() == wheel.read_bytes()


def test_the_wheel_has_every_module_and_its_types(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name and name[-1] != "/"}
    package = CHECKOUT / "db_bootstrap"
    modules = {path.relative_to(CHECKOUT).as_posix() for path in package.rglob("*.py")}
    assert f"| Python | {PYTHONS[0]} to {PYTHONS[-1]} " in (package / "README.md").read_text()
    assert names == {*modules, "db_bootstrap/README.md", "db_bootstrap/py.typed"}


# The pipeline has all of them.
@pytest.mark.parametrize("version", [version for version in PYTHONS if python(version)])
def test_an_empty_environment_with_the_wheel_has_the_command_line(version: str, wheel: Path, tmp_path: Path) -> None:
    """The locked packages are those of the function, without what only Lambda needs."""
    environment = tmp_path / "environment"
    run(UV, "venv", "--quiet", "--offline", "--no-project", "--python", python(version), environment)
    lock = CHECKOUT / "requirements" / "function.txt"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--quiet", "--no-input", "--python", environment, "install"]
    run(*pip, "--require-hashes", "--requirement", lock)
    run(*pip, "--no-deps", "--no-index", wheel)
    command = environment / "bin" / "db-bootstrap"
    assert run(command, "--version") == run(sys.executable, "-m", "db_bootstrap", "--version")
    document = tmp_path / "access.json"
    document.write_text('{"database": "beers", "logins": {"report": {"credential": "none"}}}')
    refused = subprocess.run(
        [command, "plan", "--document", document, "--dsn", "postgresql://u@127.0.0.1:1/beers"],
        env={"PGPASSWORD": "x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (refused.returncode, "credential" in refused.stderr) == (1, True), refused.stderr
