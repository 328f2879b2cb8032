"""The wheel of db_bootstrap: the same bytes everywhere, and all that the command line needs."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from devtools.certificates import create_authority
from devtools.checkout import CHECKOUT
from scripts.package_function import build
from tests.support.database import Database

UV = Path(sys.executable).parent / "uv"
PYTHONS = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (CHECKOUT / "pyproject.toml").read_text())


def python(version: str) -> str:
    """Return the path of an installed Python; empty if there is none of this version."""
    find: list[str | Path] = [UV, "python", "find", "--offline", "--no-project", "--no-python-downloads", version]
    return subprocess.run(find, capture_output=True, text=True, check=False, cwd="/").stdout.strip()


def run(*command: str | Path, umask: int = -1, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, umask=umask, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def in_terminal(*command: str | Path, env: dict[str, str]) -> str:
    """Return what a program prints if its standard output is a terminal."""
    ours, theirs = os.openpty()
    with open(ours) as output, open(theirs) as terminal:  # noqa: PTH123 - descriptors
        subprocess.run(command, stdout=terminal, check=False, env=env)
        return os.read(output.fileno(), 65536).decode().replace("\r\n", "\n")


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


def test_the_functions_zip_has_the_wheels_modules_except_the_command_line(wheel: Path, tmp_path: Path) -> None:
    build(create_authority(tmp_path / "authority").ca_file, tmp_path / "function.zip")
    kept, shipped = (zipfile.ZipFile(file) for file in (wheel, tmp_path / "function.zip"))
    modules = [name for name in kept.namelist() if re.match(r"db_bootstrap/(?!cli/|__main__).*\.py$", name)]
    assert modules == [name for name in shipped.namelist() if name.startswith("db_bootstrap/")]
    assert all(kept.read(name) == shipped.read(name) for name in modules)


def test_the_wheel_has_the_newest_version_of_the_changelog(wheel: Path) -> None:
    newest = re.search(r"^## (\d\S+) - ", (CHECKOUT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert f"-{newest[1]}-" in wheel.name


@pytest.mark.database
def test_an_empty_environment_with_the_wheel_has_the_command_line_and_with_its_extras_yaml_and_color(
    wheel: Path, database: Database, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    # The pipeline has all versions.
    for version, program in [(version, python(version)) for version in PYTHONS]:
        if program:
            with subtests.test(version):
                assert_environment_works(program, wheel, database, tmp_path / version)


def assert_environment_works(program: str, wheel: Path, database: Database, tmp_path: Path) -> None:
    """The locked packages are those of the function, without what only Lambda needs."""
    environment = tmp_path / "environment"
    run(UV, "venv", "--quiet", "--offline", "--no-project", "--python", program, environment)
    lock = CHECKOUT / "requirements" / "function.txt"
    extras = tmp_path / "extras.txt"
    locked = lock.with_name("development.txt").read_text().splitlines(keepends=True)
    extras.write_text("".join(line for line in locked if line.startswith(("ruamel-yaml==", "termcolor=="))))
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--quiet", "--no-input", "--python", environment, "install"]
    run(*pip, "--require-hashes", "--requirement", lock)
    run(*pip, "--no-deps", "--no-index", wheel)
    command = environment / "bin" / "db-bootstrap"
    assert run(command, "--version") == run(sys.executable, "-m", "db_bootstrap", "--version")
    plan: list[str | Path] = [command, "plan", "--document", tmp_path / "access.json"]
    (tmp_path / "access.json").write_text(json.dumps({"database": database.name, "roles": {"reader": {}}}))
    settings = {"DB_BOOTSTRAP_DSN": database.url().replace("+pg8000", ""), "TERM": "xterm"}
    plain = in_terminal(*plan, env=settings)
    with pytest.raises(AssertionError, match=r"ruamel\.yaml is not installed"):
        run(command, "audit", env=settings)
    run(*pip, "--require-hashes", "--requirement", extras)
    run(*pip, "--no-index", f"{wheel}[yaml,color]")
    colored = in_terminal(*plan, env=settings)
    assert "\n\x1b[31m! REVOKE " in colored
    assert '\n\x1b[32m  CREATE ROLE "reader";\x1b[0m\n' in colored
    assert in_terminal(*plan, env={**settings, "NO_COLOR": "1"}) == re.sub(r"\x1b\[\d+m", "", colored) == plain
    assert "\x1b[33m# - Superusers can do everything" in in_terminal(command, "audit", env=settings)
    assert "\x1b" not in run(command, "audit", env={**settings, "FORCE_COLOR": "1"})
