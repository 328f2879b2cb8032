"""What the calls need that watch over an environment and scale it."""

from __future__ import annotations

from typing import Any

import pytest

from localaws.http.call import ApiCall
from localaws.iam.actions.required import Surroundings, required_permissions
from localaws.iam.evaluate import Request

AROUND = Surroundings("123456789012", "us-east-1", find_secret=lambda _name: None, find_key_arn=lambda name: name)
TOPIC = "arn:aws:sns:us-east-1:123456789012:app-dev-alarms"
BUDGET = "arn:aws:budgets::123456789012:budget/app-dev"
DASHBOARD = "arn:aws:cloudwatch::123456789012:dashboard/app-dev"
SERVICE = "service/app-dev/app-dev"
TARGETS = "scalable-target/*"
MAKE_ALARMS = "alarm:TargetTracking-service/app-dev/app-dev-*"


def call(service: str, operation: str, **parameters: Any) -> ApiCall:
    return ApiCall(service, operation, parameters, "", "json", None, {}, b"")


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:us-east-1:123456789012:{rest}"


@pytest.mark.parametrize(
    ("made", "needed"),
    [
        pytest.param(
            call("cloudwatch", "PutMetricAlarm", AlarmName="app-dev-drift"),
            [Request("cloudwatch:PutMetricAlarm", arn("cloudwatch", "alarm:app-dev-drift"))],
            id="an alarm by its name",
        ),
        pytest.param(
            call("cloudwatch", "DeleteAlarms", AlarmNames=["a", "b"]),
            [Request("cloudwatch:DeleteAlarms", arn("cloudwatch", f"alarm:{name}")) for name in ("a", "b")],
            id="each of several alarms",
        ),
        pytest.param(
            call("cloudwatch", "DescribeAlarms", AlarmNames=["a"]),
            [Request("cloudwatch:DescribeAlarms", None)],
            id="descriptions of alarms without a resource",
        ),
        pytest.param(
            call("cloudwatch", "PutDashboard", DashboardName="app-dev"),
            [Request("cloudwatch:PutDashboard", DASHBOARD)],
            id="a dashboard without a region",
        ),
        pytest.param(
            call("cloudwatch", "PutMetricData", Namespace="App"),
            [Request("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "App"})],
            id="metric data by its namespace",
        ),
        pytest.param(
            call("sns", "CreateTopic", Name="app-dev-alarms"),
            [Request("sns:CreateTopic", TOPIC)],
            id="a topic that is about to be made",
        ),
        pytest.param(
            call("sns", "GetTopicAttributes", TopicArn=TOPIC), [Request("sns:GetTopicAttributes", TOPIC)], id="a topic"
        ),
        pytest.param(
            call("sns", "GetSubscriptionAttributes", SubscriptionArn=f"{TOPIC}:1-2"),
            [Request("sns:GetSubscriptionAttributes", TOPIC)],
            id="a subscription by its topic",
        ),
        pytest.param(
            call("budgets", "CreateBudget", AccountId="123456789012", Budget={"BudgetName": "app-dev"}),
            [Request("budgets:ModifyBudget", BUDGET)],
            id="a budget that is about to be made",
        ),
        pytest.param(
            call("budgets", "DescribeNotificationsForBudget", BudgetName="app-dev"),
            [Request("budgets:ViewBudget", BUDGET)],
            id="whatever is seen of a budget",
        ),
        pytest.param(
            call("budgets", "ListTagsForResource", ResourceARN=BUDGET),
            [Request("budgets:ListTagsForResource", BUDGET)],
            id="the tags of a budget",
        ),
        pytest.param(
            call("application-autoscaling", "RegisterScalableTarget", ResourceId=SERVICE),
            [
                Request("application-autoscaling:RegisterScalableTarget", arn("application-autoscaling", TARGETS)),
                Request("ecs:UpdateService", arn("ecs", SERVICE)),
            ],
            id="what is scaled must be the caller's to change",
        ),
        pytest.param(
            call("application-autoscaling", "PutScalingPolicy", ResourceId=SERVICE),
            [
                Request("application-autoscaling:PutScalingPolicy", arn("application-autoscaling", TARGETS)),
                Request("ecs:UpdateService", arn("ecs", SERVICE)),
                Request("cloudwatch:PutMetricAlarm", arn("cloudwatch", MAKE_ALARMS)),
            ],
            id="a policy makes alarms in the caller's name",
        ),
        pytest.param(
            call("application-autoscaling", "DescribeScalingPolicies", ResourceId=SERVICE),
            [Request("application-autoscaling:DescribeScalingPolicies", None)],
            id="descriptions of what scales without a resource",
        ),
    ],
)  # fmt: skip
def test_a_call_needs(made: ApiCall, needed: list[Request]) -> None:
    assert required_permissions(made, AROUND) == needed
