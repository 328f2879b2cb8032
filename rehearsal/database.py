"""Sessions in the database of a running rehearsal."""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pg8000.native

from rehearsal.aws import aws_client
from rehearsal.run import Run

DATABASE = "beers"


def credential(run: Run, secret_arn: str) -> dict[str, Any]:
    """Return the current credential of a secret."""
    secrets = aws_client(run, "secretsmanager")
    return dict(json.loads(secrets.get_secret_value(SecretId=secret_arn)["SecretString"]))


@contextmanager
def connected(run: Run, login: Mapping[str, Any]) -> Iterator[pg8000.native.Connection]:
    """Yield a session with a credential, over verified TLS."""
    endpoint = aws_client(run, "rds").describe_db_instances()["DBInstances"][0]["Endpoint"]
    connection = pg8000.native.Connection(
        login["username"],
        password=login["password"],
        host=endpoint["Address"],
        port=endpoint["Port"],
        database=DATABASE,
        ssl_context=ssl.create_default_context(cafile=str(run.authority / "ca.pem")),
        timeout=120,
    )
    try:
        yield connection
    finally:
        connection.close()
