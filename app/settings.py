"""What the service is told by its environment, read once and checked at the door.

Nothing else in this package looks at environment variables, so this module is the list of them. Secrets are kept out
of every ``repr`` and of every message.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_SECRET_ARN = re.compile(r"arn:[\w-]+:secretsmanager:[\w-]+:\d+:secret:\S+")
# RFC 6750's spelling of a bearer token; a shorter one could be guessed.
WRITE_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{20,200}=*")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(Exception):
    """The environment cannot be used; the message names the variable, what was expected and what to do."""


@dataclass(frozen=True)
class DatabaseUrl:
    """A PostgreSQL address with user and password, for development and tests."""

    url: str = field(repr=False)


@dataclass(frozen=True)
class SecretReference:
    """A secret in Secrets Manager that is read whenever a connection opens, so that it may rotate."""

    arn: str


@dataclass(frozen=True)
class InjectedSecret:
    """The JSON of such a secret itself, frozen when the process started; right for a process that ends soon."""

    json: str = field(repr=False)


@dataclass(frozen=True)
class FixedToken:
    """The write token itself, for a service that runs without AWS."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class TokenLogin:
    """A PostgreSQL address with a user, who logs in with a token that this process's AWS role signs.

    Attributes:
        region: the AWS region of the database.
    """

    url: str
    region: str


Login = DatabaseUrl | SecretReference | InjectedSecret | TokenLogin
WriteToken = FixedToken | SecretReference | None


@dataclass(frozen=True)
class Settings:
    """The service's configuration.

    Attributes:
        login: where user, password and address of the database come from.
        ca_file: certificates of the authorities that may vouch for the database server, PEM.
        write_token: what writes must show; ``None`` lets everybody write.
        seeding_is_allowed: whether ``POST /beers/seed`` does anything.
        pool_size: the most connections to the database that one worker keeps; with 0 each request opens its own.
        pool_recycle_seconds: the age from which a connection is replaced before it is used again.
        host: address to listen on.
        port: port to listen on.
        worker_count: number of worker processes; ``None`` for as many as the processor and the memory suggest.
        task_metadata_uri: where ECS tells a task what it may use.
        log_level: the least severe level that is written.
        version: what this build calls itself, to be seen in logs and in pg_stat_activity.
    """

    login: Login
    ca_file: Path = Path("rds-ca.pem")
    write_token: WriteToken = None
    seeding_is_allowed: bool = True
    pool_size: int = 5
    pool_recycle_seconds: int = 900
    host: str = "0.0.0.0"  # noqa: S104 - a container has its network to itself
    port: int = 8000
    worker_count: int | None = None
    task_metadata_uri: str | None = None
    log_level: str = "INFO"
    version: str = "development"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """The settings that ``environment`` holds; a variable that is empty counts as absent.

        Raises:
            SettingsError: a variable is missing, or its value is of no use.
        """
        given = {name: value for name, value in environment.items() if value}
        return cls(
            login=_login(given),
            ca_file=Path(given.get("DATABASE_CA_FILE", cls.ca_file)),
            write_token=_write_token(given),
            seeding_is_allowed=_switch(given, "SEEDING", default=cls.seeding_is_allowed),
            pool_size=_whole_number(given, "DATABASE_POOL_SIZE", cls.pool_size, 0, 100),
            pool_recycle_seconds=_whole_number(given, "DATABASE_POOL_RECYCLE", cls.pool_recycle_seconds, 1, 86400),
            host=given.get("HOST", cls.host),
            port=_whole_number(given, "PORT", cls.port, 1, 65535),
            worker_count=_optional_whole_number(given, "WEB_CONCURRENCY", 1, 64),
            task_metadata_uri=given.get("ECS_CONTAINER_METADATA_URI_V4"),
            log_level=_log_level(given.get("LOG_LEVEL", cls.log_level)),
            version=given.get("APP_VERSION", cls.version),
        )


def _login(given: Mapping[str, str]) -> Login:
    kinds: dict[str, Callable[[str], Login]] = {
        "DATABASE_URL": DatabaseUrl,
        "DATABASE_SECRET_ARN": SecretReference,
        "DATABASE_SECRET": InjectedSecret,
        "DATABASE_IAM_URL": lambda url: TokenLogin(url, given.get("AWS_REGION", "")),
    }
    present = [name for name in kinds if name in given]
    if len(present) != 1:
        found = " and ".join(present) or "none of them"
        raise SettingsError(
            f"Exactly one of {', '.join(kinds)} must be set, found {found}. For a database on this machine: "
            "DATABASE_URL=postgresql://USER:PASSWORD@localhost:5432/beers"
        )
    login = kinds[present[0]](given[present[0]])
    if isinstance(login, SecretReference):
        _check_arn(login, "DATABASE_SECRET_ARN", "The JSON of a secret goes into DATABASE_SECRET.")
    if isinstance(login, TokenLogin) and not login.region:
        raise SettingsError("DATABASE_IAM_URL needs AWS_REGION, the region of the database; ECS sets it.")
    return login


def _write_token(given: Mapping[str, str]) -> WriteToken:
    token, arn = given.get("WRITE_TOKEN"), given.get("WRITE_TOKEN_SECRET_ARN")
    if token and arn:
        raise SettingsError("WRITE_TOKEN and WRITE_TOKEN_SECRET_ARN are both set; leave one of them out.")
    if arn:
        reference = SecretReference(arn)
        _check_arn(reference, "WRITE_TOKEN_SECRET_ARN", "The token itself goes into WRITE_TOKEN.")
        return reference
    if token and not WRITE_TOKEN.fullmatch(token):
        raise SettingsError(
            "WRITE_TOKEN is no bearer token; expected 20 to 200 letters, digits and any of . _ ~ + / - such as "
            "`openssl rand -hex 20` makes."
        )
    return FixedToken(token) if token else None


def _check_arn(reference: SecretReference, name: str, hint: str) -> None:
    if not _SECRET_ARN.fullmatch(reference.arn):
        raise SettingsError(
            f"{name} is no ARN of a secret; expected arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME. ({hint})"
        )


def _switch(given: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = given.get(name, "on" if default else "off")
    if text not in {"on", "off"}:
        raise SettingsError(f"{name} is {text!r}; expected on or off.")
    return text == "on"


def _optional_whole_number(given: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    return _whole_number(given, name, least, least, most) if name in given else None


def _whole_number(given: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):  # noqa: PLR2004
        raise SettingsError(f"{name} is {text!r}; expected a whole number from {least} to {most}.")
    return int(text)


def _log_level(text: str) -> str:
    if text.upper() not in _LOG_LEVELS:
        raise SettingsError(f"LOG_LEVEL is {text!r}; expected one of {', '.join(_LOG_LEVELS)}.")
    return text.upper()
