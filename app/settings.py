"""The service's settings, read from environment variables and validated at startup.

No other module of this package reads environment variables, so this module is the list of them. Secrets never appear in
a ``repr`` or a message.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pydantic
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

_SECRET_ARN = re.compile(r"arn:[\w-]+:secretsmanager:[\w-]+:\d+:secret:\S+")
# The syntax of a bearer token in RFC 6750; a shorter one could be guessed.
WRITE_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{20,200}=*")


class SettingsError(Exception):
    """The environment is not valid. The message names the variable, the expected value and the remedy."""


@dataclass(frozen=True)
class DatabaseUrl:
    """A PostgreSQL URL with user and password, for development and tests."""

    url: str = field(repr=False)


@dataclass(frozen=True)
class SecretReference:
    """A secret in Secrets Manager, which can rotate at any time."""

    arn: str


@dataclass(frozen=True)
class InjectedSecret:
    """The JSON of such a secret as of the start of the process; for a short-lived process."""

    json: str = field(repr=False)


@dataclass(frozen=True)
class FixedToken:
    """The write token, for a service that runs without AWS."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class TokenLogin:
    """A PostgreSQL URL without a password; the login uses a token that this process's AWS role signs.

    Attributes:
        region: The AWS region of the database.
    """

    url: str
    region: str


Login = DatabaseUrl | SecretReference | InjectedSecret | TokenLogin
WriteToken = FixedToken | SecretReference | None


@pydantic.dataclasses.dataclass(frozen=True, config=ConfigDict(validate_by_name=True))
class Settings:
    """The service's configuration.

    Attributes:
        login: The source of the database's address, user and password.
        ca_file: PEM file of the certificate authorities that verify the database server.
        write_token: The token that writes require; None allows every write.
        seeding_is_allowed: Whether ``POST /beers/seed`` is enabled.
        pool_size: Maximum number of database connections of each worker; with 0 each request opens its own.
        pool_recycle_seconds: Age at which a connection is replaced before its next use.
        host: Address to listen on. The image listens on all addresses, because a container has its own network.
        port: Port to listen on.
        worker_count: Number of worker processes; one continues while another is replaced.
        log_level: The minimum level that is logged.
        version: The version of this build, shown in pg_stat_activity and in the OpenAPI document.
    """

    login: Login
    ca_file: Annotated[Path, Field(validation_alias="DATABASE_CA_FILE")] = Path("rds-ca.pem")
    write_token: WriteToken = None
    seeding_is_allowed: Annotated[bool, Field(validation_alias="SEEDING")] = True
    pool_size: Annotated[int, Field(validation_alias="DATABASE_POOL_SIZE", ge=0, le=100)] = 5
    pool_recycle_seconds: Annotated[int, Field(validation_alias="DATABASE_POOL_RECYCLE_SECONDS", ge=1, le=86400)] = 900
    host: Annotated[str, Field(validation_alias="HOST")] = "127.0.0.1"
    port: Annotated[int, Field(validation_alias="PORT", ge=1, le=65535)] = 8000
    worker_count: Annotated[int, Field(validation_alias="WEB_CONCURRENCY", ge=1, le=64)] = 2
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper), Field(validation_alias="LOG_LEVEL")
    ] = "INFO"
    version: Annotated[str, Field(validation_alias="APP_VERSION")] = "development"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings from ``environment``; an empty variable counts as unset.

        Raises:
            SettingsError: A variable is missing or its value is not valid.
        """
        # Lower-case names could be taken for the fields.
        given = {name: value for name, value in environment.items() if value and name.isupper()}
        try:
            return TypeAdapter(cls).validate_python(
                {**given, "login": _login(given), "write_token": _write_token(given)}
            )
        except ValidationError as error:
            wrong = error.errors(include_url=False)[0]
        raise SettingsError(f"{wrong['loc'][0]} is {wrong['input']!r:.100}. {wrong['msg']}.")


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
        raise SettingsError("WRITE_TOKEN and WRITE_TOKEN_SECRET_ARN are both set; remove one of them.")
    if arn:
        reference = SecretReference(arn)
        _check_arn(reference, "WRITE_TOKEN_SECRET_ARN", "The token itself goes into WRITE_TOKEN.")
        return reference
    if token and not WRITE_TOKEN.fullmatch(token):
        raise SettingsError(
            "WRITE_TOKEN is not a valid bearer token; expected 20 to 200 letters, digits and any of . _ ~ + / -, "
            "such as the output of `openssl rand -hex 20`."
        )
    return FixedToken(token) if token else None


def _check_arn(reference: SecretReference, name: str, hint: str) -> None:
    if not _SECRET_ARN.fullmatch(reference.arn):
        raise SettingsError(
            f"{name} is not the ARN of a secret; expected arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME. ({hint})"
        )
