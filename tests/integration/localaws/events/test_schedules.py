"""Schedules are invoked on request, with their own role."""

import json
from typing import Any

import pytest

from tests.support.local_aws import ACCOUNT_ID, REGION, LocalAws, allow, policy, unique

GROUP_ARN = f"arn:aws:scheduler:{REGION}:{ACCOUNT_ID}:schedule-group/default"


@pytest.fixture
def function(aws: LocalAws) -> str:
    return aws.make_function(unique("function"), "def handle(event, context):\n    pass\n", "handlers.handle")


def schedule(aws: LocalAws, function: str, group: str, statement: dict[str, Any]) -> str:
    """A schedule of a function, whose role trusts the scheduler for a group and may do what the statement says."""
    name = unique("schedule")
    iam = aws.client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID, "aws:SourceArn": group}},
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy(trust)))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy(statement)))
    aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression="rate(6 hours)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": function, "RoleArn": role, "Input": json.dumps({"what": name})},
    )
    return name


@pytest.mark.aws("EVENTS-13")
@pytest.mark.parametrize(
    ("own_function", "own_group", "refusal"),
    [(False, True, "cannot invoke"), (True, False, "does not let scheduler.amazonaws.com assume it")],
)
def test_the_role_of_a_schedule_must_trust_its_group_and_be_allowed_the_function(
    aws: LocalAws, function: str, own_function: bool, own_group: bool, refusal: str
) -> None:
    invoked = function if own_function else f"{function}-other"
    group = GROUP_ARN if own_group else f"{GROUP_ARN}-other"
    name = schedule(aws, function, group, allow("lambda:InvokeFunction", invoked))
    status, answer = aws.ask(f"schedules/{name}/invoke", "POST")
    assert status == 409
    assert refusal in answer["error"]
