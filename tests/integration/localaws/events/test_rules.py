"""Rules of EventBridge reach their topics, and get the events of secrets that AWS would publish."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.local_aws import ACCOUNT_ID, LocalAws, allow, policy, unique
from tests.support.local_secrets import rotate, wait_for_event

TRANSFORMER = {
    "InputPathsMap": {"secret": "$.detail.additionalEventData.SecretId", "what": "$.detail.eventName"},
    "InputTemplate": '"<what> of <secret>"',
}


def rule(aws: LocalAws, pattern: dict[str, Any], target: dict[str, Any]) -> str:
    """A rule with one target; its ARN."""
    name = unique("rule")
    arn: str = aws.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    aws.client("events").put_targets(Rule=name, Targets=[{"Id": "target", **target}])
    return arn


def topic(aws: LocalAws, *statements: dict[str, Any], key: str | None = None) -> tuple[str, str]:
    """A topic and a queue that gets its messages: the topic's ARN, the queue's URL."""
    own = {"Policy": json.dumps(policy(*statements))} if statements else {}
    return aws.make_topic(**own, **({"KmsMasterKeyId": key} if key else {}))


def put_event(aws: LocalAws) -> None:
    entry = {"Source": "cellar", "DetailType": "Barrel tapped", "Detail": "{}"}
    aws.client("events").put_events(Entries=[entry])


def events_may_publish(**fields: Any) -> dict[str, Any]:
    return allow("sns:Publish", Principal={"Service": "events.amazonaws.com"}, **fields)


def rotation_ends(secret_arn: str) -> dict[str, Any]:
    names = ["RotationFailed", "RotationAbandoned"]
    return {
        "source": ["aws.secretsmanager"],
        "detail": {"eventName": names, "additionalEventData": {"SecretId": [secret_arn]}},
    }


@pytest.mark.aws("EVENTS-1")
@pytest.mark.parametrize("operator", ["StringEquals", "StringEqualsIfExists"])
def test_eventbridge_cannot_publish_by_a_statement_with_a_condition(aws: LocalAws, operator: str) -> None:
    arn, heard = topic(aws, events_may_publish(Condition={operator: {"aws:SourceAccount": ACCOUNT_ID}}))
    rule(aws, {"source": ["cellar"]}, {"Arn": arn})
    put_event(aws)
    assert aws.messages(heard) == []
    assert undelivered(aws, arn) == ["the target's own policy does not let events.amazonaws.com in"]


@pytest.mark.aws("EVENTS-2", "EVENTS-3")
@pytest.mark.parametrize(
    ("condition", "is_heard"),
    [
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}}, False),
        ({"StringLike": {"kms:EncryptionContext:aws:sns:topicArn": "arn:aws:sns:*"}}, True),
        ({"StringLike": {"kms:EncryptionContext:aws:sns:topicArn": "arn:aws:sns:*:other"}}, False),
    ],
    ids=["source account", "encryption context", "another topic's encryption context"],
)
def test_eventbridge_supplies_no_source_keys_to_the_key_of_an_encrypted_topic(
    aws: LocalAws, condition: dict[str, Any], *, is_heard: bool
) -> None:
    use_key = allow(["kms:Decrypt", "kms:GenerateDataKey*"], Principal={"Service": "events.amazonaws.com"})
    key_policy = json.dumps(policy({**use_key, "Condition": condition}))
    key = aws.client("kms").create_key(Policy=key_policy)["KeyMetadata"]["Arn"]
    arn, heard = topic(aws, events_may_publish(), key=key)
    rule_arn = rule(aws, {"source": ["cellar"]}, {"Arn": arn})
    put_event(aws)
    assert bool(aws.messages(heard)) is is_heard
    failed = aws.sums("AWS/Events", "FailedInvocations", RuleName=rule_arn.rpartition("/")[2])
    assert bool(failed) is not is_heard


def test_a_version_put_by_hand_ends_a_rotation_that_is_under_way(
    aws: LocalAws, secret: str, rotator: Callable[..., str]
) -> None:
    arn, heard = topic(aws, events_may_publish())
    token = rotate(aws, secret, rotator(FAIL_AT="setSecret"))
    wait_for_event(aws, "rotation.abandoned", version_id=token)
    rule(aws, rotation_ends(secret), {"Arn": arn, "InputTransformer": TRANSFORMER})
    aws.client("secretsmanager").put_secret_value(SecretId=secret, SecretString="by hand")
    assert aws.messages(heard) == [f'"RotationAbandoned of {secret}"']
    stages = aws.client("secretsmanager").describe_secret(SecretId=secret)["VersionIdsToStages"]
    assert token not in stages


def undelivered(aws: LocalAws, target: str) -> list[str]:
    return [event["reason"] for event in aws.journal("event.undelivered") if event["target"] == target]
