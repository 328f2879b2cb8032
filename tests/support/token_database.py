"""A database of the local AWS that takes IAM tokens, and people with and without the permission to log in."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import boto3
import pg8000.native

from localaws.rds.instances import Databases
from tests.support.database import connect_over_tls
from tests.support.local_aws import ACCOUNT_ID, REGION, allow, policy
from tests.support.moto_server import MotoServer, moto_server

MASTER = "dbmaster"
PASSWORD = "the-password-of-all-who-have-one"


class TokenDatabase:
    """An instance with IAM authentication and a database ``beers``.

    Attributes:
        host: its address.
        port: its port.
        resource_id: RDS's id of it.
    """

    def __init__(self, aws: MotoServer) -> None:
        self.aws = aws
        rds = aws.client("rds")
        rds.create_db_instance(
            DBInstanceIdentifier="taproom-dev",
            Engine="postgres",
            EngineVersion="17",
            DBInstanceClass="db.t4g.micro",
            AllocatedStorage=20,
            DBName="beers",
            MasterUsername=MASTER,
            MasterUserPassword=PASSWORD,
            EnableIAMDatabaseAuthentication=True,
        )
        rds.get_waiter("db_instance_available").wait(WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
        found = rds.describe_db_instances()["DBInstances"][0]
        self.host: str = found["Endpoint"]["Address"]
        self.port: int = found["Endpoint"]["Port"]
        self.resource_id: str = found["DbiResourceId"]

    def connect(self, user: str, password: str, *, tls: bool = True) -> pg8000.native.Connection:
        """A connection; the caller closes it."""
        context: ssl.SSLContext | Literal[False] = False
        if tls:
            context = ssl.create_default_context(cafile=str(self.aws.context.authority.ca_file))
        return connect_over_tls((self.host, self.port), "beers", user, password, context)

    def as_master(self, *statements: str) -> None:
        connection = self.connect(MASTER, PASSWORD)
        try:
            for statement in statements:
                connection.run(statement)
        finally:
            connection.close()

    def wait_for_sleep(self, user: str, part: str = "") -> None:
        """Wait until a login runs ``pg_sleep`` in a statement that contains ``part``."""
        sleeping = (
            f"SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND usename = '{user}' AND query ~ '{part}'"
        )
        self.as_master(
            f"""DO $$ BEGIN
            WHILE NOT EXISTS ({sleeping}) LOOP PERFORM pg_sleep(0.05), pg_stat_clear_snapshot(); END LOOP; END $$"""
        )

    def user_arn(self, user: str, resource_id: str | None = None) -> str:
        """A login, as permissions name it."""
        return f"arn:aws:rds-db:{REGION}:{ACCOUNT_ID}:dbuser:{resource_id or self.resource_id}/{user}"

    def role(self, name: str, *users: str, action: str = "rds-db:connect") -> dict[str, str]:
        iam = self.aws.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy()))["Role"]["Arn"]
        document = json.dumps(policy(allow(action, list(users))))
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
        issued: dict[str, str] = self.aws.client("sts").assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
        return issued

    def token(self, keys: dict[str, str], user: str, *, host: str = "", port: int = 0, region: str = REGION) -> str:
        """A token as any program makes one with AWS's own library."""
        client = boto3.client(
            "rds",
            region_name=region,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
        made: str = client.generate_db_auth_token(DBHostname=host or self.host, Port=port or self.port, DBUsername=user)
        return made


@contextmanager
def token_database(folder: Path, *statements: str) -> Iterator[TokenDatabase]:
    """A database in which its master has run these statements."""
    with moto_server(folder) as server:
        service = Databases(server.context)
        try:
            database = TokenDatabase(server)
            database.as_master(*statements)
            yield database
        finally:
            service.stop()
