"""The desired alternate login role follows from the facts about the one in use."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from db_bootstrap.credentials.alternate import desired_facts
from db_bootstrap.document.model import IAM_ROLE
from db_bootstrap.model import Attribute, Fact, Membership, RoleAttribute, RoleComment, RoleExists, RoleSetting
from tests.support.documents import SERVER

OWN = Membership("app", "app_b")
LOGIN = RoleAttribute("app_b", Attribute.LOGIN, value=True)
INHERIT = RoleAttribute("app_b", Attribute.INHERIT, value=True)


@pytest.mark.parametrize(
    "fact",
    [
        RoleExists,
        partial(RoleComment, text="Managed."),
        partial(RoleAttribute, attribute=Attribute.CONNECTION_LIMIT, value=5),
        partial(RoleAttribute, attribute=Attribute.VALID_UNTIL, value="2020-01-01 00:00:00+00"),
        partial(RoleSetting, database=None, name="search_path", value=("$user", "a, b")),
        partial(RoleSetting, database="beers", name="work_mem", value=("8MB",)),
    ],
)
def test_what_the_login_role_in_use_has_is_copied(fact: Callable[..., Fact]) -> None:
    assert desired_facts({fact(role="app_a")}, "app_a", "app", "app_b", SERVER) == {OWN, LOGIN, fact(role="app_b")}


def test_a_membership_that_was_granted_by_hand_is_copied_without_its_grantor() -> None:
    granted = Membership("reader", "app_a", admin=True, grantors=("rdsadmin",))
    expected = {OWN, LOGIN, Membership("reader", "app_b", admin=True)}
    assert desired_facts({granted}, "app_a", "app", "app_b", SERVER) == expected


@pytest.mark.parametrize(
    "fact",
    [
        RoleAttribute("app_a", Attribute.LOGIN, value=False),
        Membership(IAM_ROLE, "app_a"),
        Membership("app", "app_a", inherit=False),
        RoleSetting("app_b", None, "jit", ("off",)),
    ],
)
def test_what_keeps_the_login_role_in_use_from_logging_in_is_not_copied(fact: Fact) -> None:
    assert desired_facts({fact}, "app_a", "app", "app_b", SERVER) == {OWN, LOGIN}


def test_before_version_16_the_login_role_must_inherit() -> None:
    facts = {RoleAttribute("app_a", Attribute.INHERIT, value=False)}
    on = replace(SERVER, version=150000)
    assert desired_facts(facts, "app_a", "app", "app_b", on) == {OWN, LOGIN, INHERIT}
