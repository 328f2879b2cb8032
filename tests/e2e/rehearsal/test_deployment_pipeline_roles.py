"""The policies of the roles that a deployment creates."""

import pytest

from tests.support.policy_reference import findings_of_role, policies_of_role
from tests.support.rehearsal import Rehearsal

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]


def test_each_policy_of_a_workload_agrees_with_the_service_authorization_reference(rehearsal: Rehearsal) -> None:
    iam = rehearsal.aws("iam")
    names = [role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith("taproom-dev-")]
    assert "taproom-dev-task" in names
    assert {name: findings_of_role(policies_of_role(iam, name)) for name in names} == {name: [] for name in names}
