"""The password file, read by the command line and by libpq."""

import ctypes
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from db_bootstrap.cli.dsn import parse_dsn
from db_bootstrap.errors import ConfigurationError
from devtools.postgres.binaries import Binaries

DSN = "postgresql://ma%3Aster@db.example/beers?sslrootcert=ca.pem"
FIELDS = st.sampled_from(
    ["*", "db.example", "5432", "beers", "ma\\:ster", "ma:ster", "other", "**", "\\*", "b\\eers", ""]
)
PASSWORDS = st.text(st.sampled_from("a*\\: #\r\f\x85\0\xe4"), max_size=5)
LINES = st.builds(lambda fields, password: ":".join([*fields, password]), st.lists(FIELDS, min_size=3), PASSWORDS)


@pytest.fixture(scope="module")
def read_by_libpq() -> Callable[[Path], str]:
    """Return the password that libpq would send to the database of `DSN`, or ""; nothing is sent."""
    files = sorted((Binaries.find().folder.parent / "lib").glob("libpq.so.*"))
    if not files:
        pytest.skip("this server came without libpq")
    libpq = ctypes.CDLL(str(files[0]))
    libpq.PQconnectStart.restype = ctypes.c_void_p
    libpq.PQpass.argtypes = libpq.PQfinish.argtypes = (ctypes.c_void_p,)
    libpq.PQpass.restype = ctypes.c_char_p

    def read(file: Path) -> str:
        wanted = f"host=db.example hostaddr=127.0.0.1 port=5432 dbname=beers user=ma:ster passfile={file}"
        connection = libpq.PQconnectStart(wanted.encode())
        try:
            return str((libpq.PQpass(connection) or b"").decode(errors="surrogateescape"))
        finally:
            libpq.PQfinish(connection)

    return read


@given(st.lists(LINES | PASSWORDS), st.sampled_from([0o600, 0o700, 0o400, 0o640, 0o604]))
@example(["db.example:5432:beers:ma\\:ster:secret"], 0o600)
@example(["# *:*:*:*:no", "", "db.example:*:beers:ma\\:ster:secret\r"], 0o600)
@example(["*:*:other:*:no", "*:*:*:ma\\:ster:first", "*:*:*:*:second"], 0o600)
@example([r"db\.example:*:be\ers:*:a\:b\\c:d"], 0o600)
@example([r"*:*:*:*:ends\\"[:-1], "*:*:*:*:no"], 0o600)
def test_the_password_file_is_read_as_libpq_reads_it(
    read_by_libpq: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory, lines: list[str], mode: int
) -> None:
    folder = tmp_path_factory.mktemp("home")
    file = folder / ".pgpass"
    file.write_bytes("\n".join(lines).encode("latin-1" if "\xe4" in "".join(lines) else "utf-8"))
    file.chmod(mode)
    expected = read_by_libpq(file)
    for environment in ({"PGPASSFILE": str(file)}, {"HOME": str(folder), "PGPASSFILE": ""}):
        try:
            read = parse_dsn(DSN, environment)[1].password
        except ConfigurationError:
            read = ""
        assert read == expected
    assert parse_dsn(DSN, {"PGPASSFILE": str(file), "PGPASSWORD": "set"})[1].password == "set"
