"""The policies of the roles that a deployment creates, and those that it uses, against AWS's reference."""

import pytest

from localaws.iam.actions.required import PREFIXES
from localaws.iam.evaluate import Request, decide, statements_of
from tests.support.policy_reference import actions, findings_of_role, policies_of_role
from tests.support.rehearsal import Rehearsal

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]


def test_each_policy_of_a_workload_agrees_with_the_service_authorization_reference(rehearsal: Rehearsal) -> None:
    iam = rehearsal.aws("iam")
    names = [role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith("taproom-dev-")]
    assert "taproom-dev-task" in names
    assert {name: findings_of_role(policies_of_role(iam, name)) for name in names} == {name: [] for name in names}


def test_actions_without_resources_that_a_deployment_called_are_allowed_on_all_resources(rehearsal: Rehearsal) -> None:
    policies = policies_of_role(rehearsal.aws("iam"), "taproom-deploy-dev").values()
    allowing = [{**one, "Condition": {}} for document in policies for one in statements_of(document)]
    allowing = [one for one in allowing if one["Effect"] == "Allow"]
    calls = [event for event in rehearsal.journal("api.call") if event["caller"].startswith("taproom-deploy-dev/")]
    called = {f"{PREFIXES.get(event['service'], event['service'])}:{event['operation']}" for event in calls}
    unscoped = {name for call in called for name, action in actions(call).items() if not action.arns}
    assert {"ecs:DescribeTaskDefinition", "kms:CreateKey"} <= unscoped
    refused = {name for name in unscoped if not decide(allowing, Request(name, "*")).allowed}
    assert refused <= {"sts:GetCallerIdentity"}
