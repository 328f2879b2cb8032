"""Schedules are invoked on request, with their own role."""

import json
from typing import Any

import pytest

from tests.support.local_aws import ACCOUNT_ID, REGION, LocalAws, allow, policy, unique

GROUP_ARN = f"arn:aws:scheduler:{REGION}:{ACCOUNT_ID}:schedule-group/default"


def schedule(aws: LocalAws, group: str, *statements: dict[str, Any]) -> str:
    """A schedule of a function, whose role trusts the scheduler for a group and can do what the statements say."""
    name = unique("schedule")
    function = aws.make_function(unique("function"), "def handle(event, context):\n    pass\n", "handlers.handle")
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    iam = aws.client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID, "aws:SourceArn": group}},
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy(trust)))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy(*statements)))
    aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression="rate(6 hours)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": function, "RoleArn": role, "Input": json.dumps({"what": name})},
        KmsKeyArn=key,
    )
    return name


INVOKE = allow("lambda:InvokeFunction")


def decrypt(key: str, value: str) -> dict[str, Any]:
    return allow("kms:Decrypt", Condition={"StringLike": {f"kms:{key}": value}})


OWN_INPUT = decrypt("EncryptionContext:aws:scheduler:schedule:arn", "*:schedule/default/*")
OTHER_INPUT = decrypt("EncryptionContext:aws:scheduler:schedule:arn", "*:schedule/other/*")


@pytest.mark.aws("EVENTS-13")
@pytest.mark.parametrize(
    ("group", "statements", "refusal"),
    [
        (GROUP_ARN, [INVOKE, OWN_INPUT], None),
        (f"{GROUP_ARN}-other", [INVOKE, OWN_INPUT], "does not let scheduler.amazonaws.com assume it"),
        (GROUP_ARN, [OWN_INPUT], "lambda:InvokeFunction is denied"),
        (GROUP_ARN, [INVOKE, OTHER_INPUT], "kms:Decrypt is denied"),
        (GROUP_ARN, [INVOKE, decrypt("ViaService", "scheduler.*")], "kms:Decrypt is denied"),
    ],
)
def test_the_role_of_a_schedule_must_trust_its_group_and_be_allowed_the_input_and_the_function(
    aws: LocalAws, group: str, statements: list[dict[str, Any]], refusal: str | None
) -> None:
    status, answer = aws.ask(f"schedules/{schedule(aws, group, *statements)}/invoke", "POST")
    assert status == (409 if refusal else 200)
    assert (refusal or "") in answer.get("error", "")
