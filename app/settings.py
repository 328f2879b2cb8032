"""The service's settings, read from environment variables and validated at startup.

No other module of this package reads environment variables, so this module is the list of them. Secrets never appear in
a ``repr`` or a message.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal

import pydantic
from pydantic import AliasGenerator, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

_SECRET_ARN = re.compile(r"arn:[\w-]+:secretsmanager:[\w-]+:\d+:secret:\S+")
# The syntax of a bearer token in RFC 6750; a shorter one could be guessed.
WRITE_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{20,200}=*")


class SettingsError(Exception):
    """The environment is not valid. The message names the variable, the expected value and the remedy."""


@pydantic.dataclasses.dataclass(
    frozen=True,
    kw_only=True,
    config=ConfigDict(alias_generator=AliasGenerator(validation_alias=str.upper), validate_by_name=True),
)
class Settings:
    """The service's configuration. Each field is a variable of its name in upper case.

    Attributes:
        database_url: For development and tests: postgresql://USER:PASSWORD@HOST:5432/DATABASE; for a server on another
            machine with ?sslmode=verify-full&sslrootcert=FILE.
        database_secret_arn: A secret in Secrets Manager with host, port, dbname, username and password, which can
            rotate at any time.
        database_secret: The JSON of such a secret as of the start of the process; for a short-lived process.
        database_iam_url: postgresql://USER@HOST:5432/DATABASE; this process's AWS role signs a token as the password.
        aws_region: The AWS region of the database in DATABASE_IAM_URL.
        database_ca_file: PEM file of the certificate authorities that verify the database server.
        database_pool_size: Maximum number of database connections of each worker; with 0 each request opens its own.
        database_pool_recycle_seconds: Age at which a connection is replaced before its next use.
        write_token: The token that writes require.
        write_token_secret_arn: A secret with that token. Without either, every write is allowed.
        seeding: Whether ``POST /beers/seed`` is enabled.
        host: Address to listen on. The image listens on all addresses, because a container has its own network.
        port: Port to listen on.
        web_concurrency: Number of worker processes; one continues while another is replaced.
        log_level: The minimum level that is logged.
        app_version: The version of this build, shown in pg_stat_activity and in the OpenAPI document.
    """

    database_url: str = field(default="", repr=False)
    database_secret_arn: str = ""
    database_secret: str = field(default="", repr=False)
    database_iam_url: str = ""
    aws_region: str = ""
    database_ca_file: Path = Path("rds-ca.pem")
    database_pool_size: Annotated[int, Field(ge=0, le=100)] = 5
    database_pool_recycle_seconds: Annotated[int, Field(ge=1, le=86400)] = 900
    write_token: str = field(default="", repr=False)
    write_token_secret_arn: str = ""
    seeding: bool = True
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    web_concurrency: Annotated[int, Field(ge=1, le=64)] = 2
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = "INFO"
    app_version: str = "development"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings from ``environment``; an empty variable counts as unset.

        Raises:
            SettingsError: A variable is missing or its value is not valid.
        """
        # Others could be taken for the names of the fields.
        given = {name: value for name, value in environment.items() if value and name.isupper()}
        try:
            return TypeAdapter(cls).validate_python(given)
        except ValidationError as error:
            wrong = error.errors(include_url=False)[0]
        raise SettingsError(f"{wrong['loc'][0]} is {wrong['input']!r:.100}. {wrong['msg']}.")

    def __post_init__(self) -> None:
        """Validate the variables that depend on each other or contain a secret."""
        logins = {
            "DATABASE_URL": self.database_url,
            "DATABASE_SECRET_ARN": self.database_secret_arn,
            "DATABASE_SECRET": self.database_secret,
            "DATABASE_IAM_URL": self.database_iam_url,
        }
        present = [name for name, value in logins.items() if value]
        if len(present) != 1:
            raise SettingsError(
                f"Exactly one of {', '.join(logins)} must be set, found {' and '.join(present) or 'none of them'}. "
                "For a database on this machine: DATABASE_URL=postgresql://USER:PASSWORD@localhost:5432/beers"
            )
        if self.database_iam_url and not self.aws_region:
            raise SettingsError("DATABASE_IAM_URL needs AWS_REGION, the region of the database; ECS sets it.")
        if self.write_token and self.write_token_secret_arn:
            raise SettingsError("WRITE_TOKEN and WRITE_TOKEN_SECRET_ARN are both set; remove one of them.")
        if self.write_token and not WRITE_TOKEN.fullmatch(self.write_token):
            raise SettingsError(
                "WRITE_TOKEN is not a valid bearer token; expected 20 to 200 letters, digits and any of . _ ~ + / -, "
                "such as the output of `openssl rand -hex 20`."
            )
        arns = {
            ("DATABASE_SECRET_ARN", "DATABASE_SECRET"): self.database_secret_arn,
            ("WRITE_TOKEN_SECRET_ARN", "WRITE_TOKEN"): self.write_token_secret_arn,
        }
        for (name, value_name), arn in arns.items():
            if arn and not _SECRET_ARN.fullmatch(arn):
                raise SettingsError(
                    f"{name} is not the ARN of a secret; expected arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME. "
                    f"(The secret's value goes into {value_name}.)"
                )
