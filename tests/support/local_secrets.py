"""Secrets of a local AWS, and how a test follows what becomes of them."""

from typing import Any

from tests.support.local_aws import LocalAws
from tests.support.waiting import wait_until


def rotate(aws: LocalAws, secret: str, function: str, **options: Any) -> str:
    token: str = aws.client("secretsmanager").rotate_secret(
        SecretId=secret, RotationLambdaARN=function, RotationRules={"AutomaticallyAfterDays": 30}, **options
    )["VersionId"]
    return token


def wait_for_event(aws: LocalAws, kind: str, **fields: Any) -> None:
    wait_until(lambda: any(fields.items() <= event.items() for event in aws.journal(kind)))
