"""A budget is stored with its tags and subscribers, and can be changed."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.local_aws import ACCOUNT_ID, LocalAws

ARN = f"arn:aws:budgets::{ACCOUNT_ID}:budget/beers"
BUDGET = {"BudgetName": "beers", "BudgetType": "COST", "TimeUnit": "MONTHLY"}
WARNING = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}
SUBSCRIBER = {"SubscriptionType": "SNS", "Address": f"arn:aws:sns:us-east-1:{ACCOUNT_ID}:alarms"}


@pytest.fixture
def budgets(aws: LocalAws) -> Iterator[Any]:
    client = aws.client("budgets")
    client.create_budget(
        AccountId=ACCOUNT_ID,
        Budget={**BUDGET, "BudgetLimit": {"Amount": "10", "Unit": "USD"}},
        ResourceTags=[{"Key": "Environment", "Value": "dev"}],
    )
    yield client
    client.delete_budget(AccountId=ACCOUNT_ID, BudgetName="beers")


def test_a_budget_can_be_changed(budgets: Any) -> None:
    changed = {**BUDGET, "BudgetLimit": {"Amount": "20", "Unit": "USD"}}
    budgets.update_budget(AccountId=ACCOUNT_ID, NewBudget=changed)
    found = budgets.describe_budget(AccountId=ACCOUNT_ID, BudgetName="beers")["Budget"]
    assert found["BudgetLimit"]["Amount"] == "20"
    with pytest.raises(ClientError, match="doesn't exist"):
        budgets.update_budget(AccountId=ACCOUNT_ID, NewBudget={**changed, "BudgetName": "wines"})


def test_a_budget_keeps_its_subscribers(budgets: Any) -> None:
    budgets.create_notification(
        AccountId=ACCOUNT_ID, BudgetName="beers", Notification=WARNING, Subscribers=[SUBSCRIBER]
    )
    asked = {"AccountId": ACCOUNT_ID, "BudgetName": "beers"}
    assert budgets.describe_subscribers_for_notification(**asked, Notification=WARNING)["Subscribers"] == [SUBSCRIBER]
    with pytest.raises(ClientError, match="doesn't exist"):
        budgets.describe_subscribers_for_notification(**asked, Notification={**WARNING, "Threshold": 90.0})


def test_a_budget_keeps_its_tags(budgets: Any) -> None:
    assert budgets.list_tags_for_resource(ResourceARN=ARN)["ResourceTags"] == [{"Key": "Environment", "Value": "dev"}]
