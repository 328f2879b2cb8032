"""PostgreSQL URLs, and those that are refused."""

from pathlib import Path

import pytest

from app.database.credentials import Credential
from app.database.url import parse_iam_url, parse_url
from app.settings import SettingsError

DEFAULT = Path("default.pem")
LOCAL = Credential("localhost", 5432, "beers", "me", "hidden")
REMOTE = Credential("db.example.com", 6432, "beers", "me", "p@ss/word%")


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        ("postgresql://me:hidden@localhost/beers", (LOCAL, None)),
        ("postgres://me:hidden@localhost:5432/beers?sslmode=disable", (LOCAL, None)),
        ("postgresql+pg8000://me:hidden@localhost/beers?sslmode=verify-full", (LOCAL, DEFAULT)),
        (
            "postgresql://me:p%40ss%2Fword%25@db.example.com:6432/beers?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
            (REMOTE, Path("/etc/ca.pem")),
        ),
        ("postgresql://me@127.8.9.1/b", (Credential("127.8.9.1", 5432, "b", "me", ""), None)),
        ("postgresql://me@[::1]/b", (Credential("::1", 5432, "b", "me", ""), None)),
    ],
)
def test_a_postgresql_url_is_parsed(url: str, parsed: tuple[Credential, Path | None]) -> None:
    assert parse_url(url, DEFAULT) == parsed


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://me:hidden@db.example.com/beers", "sslmode 'none given'"),
        ("postgresql://me:hidden@db.example.com/beers?sslmode=disable", "sslmode 'disable'"),
        ("postgresql://me:hidden@db.example.com/beers?sslmode=require", "sslmode 'require'"),
        ("postgresql://me:hidden@10.0.0.7/beers", "within this machine only"),
        ("postgresql://me:hidden@localhost.example.com/beers", "within this machine only"),
        ("postgresql://me:hidden@localhost/beers?sslmode=prefer", "sslmode 'prefer'"),
        ("postgresql://me:hidden@localhost/beers?options=-cx", "option 'options'"),
        ("postgresql://me:hidden@localhost/", "lacks"),
        ("postgresql://localhost/beers", "lacks"),
        ("postgresql:///beers", "lacks"),
        ("mysql://me:hidden@localhost/beers", "lacks"),
        ("hidden", "is not a URL of the form"),
        ("postgresql://me:hidden@localhost:port/beers", "is not a URL of the form"),
        ("postgresql://me:hidden@[::1/beers", "is not a URL of the form"),
    ],
)
def test_an_insecure_or_incomplete_url_is_refused_without_repeating_it(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as refused:
        parse_url(url, DEFAULT)
    assert "hidden" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_an_iam_url_has_no_password() -> None:
    assert parse_iam_url("postgresql://me@db:5433/beers") == Credential("db", 5433, "beers", "me", "")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://me:hidden@db/beers", "password or options"),
        ("postgresql://me@db/beers?sslmode=disable", "password or options"),
        ("postgresql://db/beers", "lacks its scheme, host, user or database"),
        ("postgresql://me@db:hidden/beers", "is not a URL of the form"),
    ],
)
def test_an_iam_url_with_a_password_or_options_or_without_a_login_is_refused(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=f"DATABASE_IAM_URL .*{says}") as refused:
        parse_iam_url(url)
    assert "hidden" not in str(refused.value)
