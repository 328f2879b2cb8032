"""Schedules are invoked on request, with their own role."""

import json
from typing import Any

import pytest

from tests.support.local_aws import ACCOUNT_ID, REGION, LocalAws, allow, policy, unique

GROUP_ARN = f"arn:aws:scheduler:{REGION}:{ACCOUNT_ID}:schedule-group/default"


@pytest.fixture
def function(aws: LocalAws) -> str:
    return aws.make_function(unique("function"), "def handle(event, context):\n    pass\n", "handlers.handle")


def schedule(aws: LocalAws, function: str, *statements: dict[str, Any], group: str = GROUP_ARN, **fields: Any) -> str:
    """A schedule of a function, whose role trusts the scheduler for a group and may do what the statements say."""
    name = unique("schedule")
    iam = aws.client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID, "aws:SourceArn": group}},
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy(trust)))["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy(*statements)))
    aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression="rate(6 hours)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": function, "RoleArn": role, "Input": json.dumps({"what": name})},
        **fields,
    )
    return name


def test_a_role_that_may_not_invoke_the_function_is_refused(aws: LocalAws, function: str) -> None:
    name = schedule(aws, function, allow("lambda:InvokeFunction", f"{function}-other"))
    status, answer = aws.ask(f"schedules/{name}/invoke", "POST")
    assert status == 409
    assert "may not invoke" in answer["error"]


@pytest.mark.aws("EVENTS-13")
def test_a_role_that_trusts_the_scheduler_for_another_group_is_refused(aws: LocalAws, function: str) -> None:
    name = schedule(aws, function, allow("lambda:InvokeFunction", function), group=f"{GROUP_ARN}-other")
    status, answer = aws.ask(f"schedules/{name}/invoke", "POST")
    assert status == 409
    assert "does not let scheduler.amazonaws.com assume it" in answer["error"]
