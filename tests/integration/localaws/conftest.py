"""One local AWS for all tests of its API; each test makes its own resources in it, by separate names."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.local_aws import LocalAws, allow, unique

# It records each request in the secret's description for tests to read, and fails where a test asks for it.
ROTATION = """
import json
import os

import boto3

client = boto3.client("secretsmanager")


def handler(event, context):
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    described = client.describe_secret(SecretId=arn)
    current = next(v for v, stages in described["VersionIdsToStages"].items() if "AWSCURRENT" in stages)
    print(json.dumps({**event, "stages": described["VersionIdsToStages"][token]}))
    if step == os.environ.get("FAIL_AT"):
        raise RuntimeError(f"{step} failed on purpose")
    if step == "createSecret":
        client.put_secret_value(
            SecretId=arn, ClientRequestToken=token, SecretString="new", VersionStages=["AWSPENDING"]
        )
    if step == "finishSecret" and current != token:
        client.update_secret_version_stage(
            SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
        )
"""


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A running local AWS."""
    with LocalAws(tmp_path_factory.mktemp("local-aws")) as running:
        yield running


@pytest.fixture
def secret(aws: LocalAws) -> str:
    """The ARN of a secret with one value, ``old``."""
    arn: str = aws.client("secretsmanager").create_secret(Name=unique("secret"), SecretString="old")["ARN"]
    return arn


@pytest.fixture
def rotator(aws: LocalAws) -> Callable[..., str]:
    """Deploys the rotation function; its ARN."""

    def deploy(*, permitted: bool = True, source_arn: str | None = None, **environment: str) -> str:
        name = unique("rotate")
        role = aws.make_role(name, allow(["secretsmanager:*", "logs:*"]))
        variables = {"Variables": environment}
        arn = aws.make_function(name, ROTATION, "handlers.handler", Role=role, Environment=variables)
        if permitted:
            aws.client("lambda").add_permission(
                FunctionName=name,
                StatementId="secretsmanager",
                Action="lambda:InvokeFunction",
                Principal="secretsmanager.amazonaws.com",
                **({"SourceArn": source_arn} if source_arn else {"SourceAccount": "123456789012"}),
            )
        return arn

    return deploy
