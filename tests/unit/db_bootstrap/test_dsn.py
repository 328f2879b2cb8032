from pathlib import Path

import pytest

from db_bootstrap.cli.dsn import parse_dsn
from db_bootstrap.errors import ConfigurationError
from db_bootstrap.model import Credential, Endpoint

CA = "sslrootcert=ca.pem"
ENVIRONMENT = {"PGPASSWORD": "from the environment"}


@pytest.mark.parametrize(
    ("dsn", "endpoint", "credential"),
    [
        pytest.param(
            f"postgresql://master@db.example:6432/beers?{CA}",
            Endpoint("db.example", 6432, "beers", "ca.pem"),
            Credential("master", "from the environment"),
            id="all parts",
        ),
        pytest.param(
            f"postgres://master@DB.Example/beers?sslmode=verify-full&{CA}",
            Endpoint("db.example", 5432, "beers", "ca.pem"),
            Credential("master", "from the environment"),
            id="the usual port, and a host in any case",
        ),
        pytest.param(
            f"postgresql://ma%40ster:s%2F%3A%25@db.example/be%20ers%2F?{CA}",
            Endpoint("db.example", 5432, "be ers/", "ca.pem"),
            Credential("ma@ster", "s/:%"),
            id="encoded characters, and a password in the URL",
        ),
        pytest.param(
            "postgresql://master@db.example/beers?sslrootcert=%2Fa%20folder%2Fca.pem",
            Endpoint("db.example", 5432, "beers", "/a folder/ca.pem"),
            Credential("master", "from the environment"),
            id="an encoded path",
        ),
        *(
            pytest.param(
                f"postgresql://master@{host}/beers?sslmode=disable",
                Endpoint(host.strip("[]"), 5432, "beers", None),
                Credential("master", "from the environment"),
                id=f"plain text to {host}",
            )
            for host in ("localhost", "127.0.0.1", "127.9.9.9", "[::1]")
        ),
    ],
)
def test_an_address_says_where_and_as_whom(dsn: str, endpoint: Endpoint, credential: Credential) -> None:
    assert parse_dsn(dsn, ENVIRONMENT) == (endpoint, credential)


@pytest.mark.parametrize(
    ("dsn", "complaint"),
    [
        pytest.param("", "does not begin with postgresql://", id="nothing"),
        pytest.param("host=db user=master password=hunter2", "does not begin with postgresql://", id="libpq's words"),
        pytest.param(f"postgresql+pg8000://master@db/beers?{CA}", "does not begin", id="SQLAlchemy's"),
        pytest.param(f"postgresql://db/beers?{CA}", "lacks a user", id="no user"),
        pytest.param(f"postgresql://master@/beers?{CA}", "lacks a user, a host", id="no host"),
        pytest.param(f"postgresql://master@db?{CA}", "or a database", id="no database"),
        pytest.param(f"postgresql://master@db/beers/hunter2?{CA}", "lacks a user", id="more than a database"),
        pytest.param(f"postgresql://master@db:hunter2/beers?{CA}", "port that cannot be read", id="a port in words"),
        pytest.param(f"postgresql://master@db:99999/beers?{CA}", "port that cannot be read", id="a port too large"),
        pytest.param(f"postgresql://master@[hunter2/beers?{CA}", "cannot be read", id="a broken host"),
        pytest.param(f"postgresql://master:hunter2/x@db/beers?{CA}", "cannot be read", id="a password with a slash"),
        pytest.param(f"postgresql://master:hunter2?@db/beers?{CA}", "be read", id="a password with a question mark"),
        pytest.param(f"postgresql://master:1#hunter2@db/beers?{CA}", "has a '#'", id="a password with a hash"),
        pytest.param(f"postgresql://master@db/beers?{CA}&password=hunter2", "or another one than", id="a parameter"),
        pytest.param(f"postgresql://master@db/beers?{CA}&{CA}", "has a parameter twice", id="a parameter twice"),
        pytest.param("postgresql://master@db/beers", "lacks sslrootcert", id="no authorities"),
        pytest.param("postgresql://master@db/beers?sslrootcert=", "lacks sslrootcert", id="empty authorities"),
        *(
            pytest.param(f"postgresql://master@{host}/beers?sslmode={mode}&{CA}", "sslmode", id=f"{mode} to {host}")
            for mode, host in (
                *(("disable", host) for host in ("db", "10.0.0.1", "localhost.example", "127.0.0.1.example")),
                *((mode, "localhost") for mode in ("allow", "prefer", "require", "verify-ca", "hunter2", "")),
            )
        ),
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(dsn: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_dsn(dsn, ENVIRONMENT)
    assert complaint in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize(
    ("mode", "lines", "complaint"),
    [
        pytest.param(0o640, "*:*:*:*:hunter2", "chmod 600", id="others can read it"),
        pytest.param(0o600, "*:*:*:other:hunter2", "no line has one for this host", id="no line matches"),
        pytest.param(0o600, "*:*:*:*:\n*:*:*:*:hunter2", "no line has one for this host", id="an empty password"),
        pytest.param(None, "", "put it into PGPASSWORD, or into", id="no file"),
    ],
)
def test_a_missing_password_is_reported_with_where_to_put_it(
    mode: int | None, lines: str, complaint: str, tmp_path: Path
) -> None:
    if mode is not None:
        (tmp_path / "passwords").write_text(lines)
        (tmp_path / "passwords").chmod(mode)
    with pytest.raises(ConfigurationError, match=complaint) as refused:
        parse_dsn(f"postgresql://master@db/beers?{CA}", {"PGPASSFILE": str(tmp_path / "passwords")})
    assert "hunter2" not in str(refused.value)


def test_a_password_is_not_shown_with_the_credential() -> None:
    assert "hunter2" not in repr(parse_dsn(f"postgresql://master:hunter2@db/beers?{CA}", {}))
