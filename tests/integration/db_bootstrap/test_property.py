"""Any document, on any starting state: PostgreSQL then allows exactly what a small model says.

make test tries the same examples in every run, make test-nightly many others, in each variant of RDS:
tests/conftest.py has the profiles.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from db_bootstrap.errors import UnmanageableError
from db_bootstrap.plan import make_plan
from devtools.postgres.cluster import SUPERUSER
from devtools.postgres.role_patch import RolePatch
from tests.support import random_access as model
from tests.support.claimed_access import Claims
from tests.support.random_access import STRANGER, ByHand, documents, names_of, reached, starting_states
from tests.support.workshop import Thing, Workshop

pytestmark = [pytest.mark.database, pytest.mark.each_major(also=15)]


@given(data=st.data())
def test_what_postgresql_allows_is_what_the_document_says(
    data: st.DataObject, workshops: Callable[[RolePatch], Workshop], pytestconfig: pytest.Config
) -> None:
    is_nightly = pytestconfig.getoption("hypothesis_profile") == "nightly"
    workshop = workshops(data.draw(st.sampled_from(list(RolePatch)[: None if is_nightly else 1]), label="RDS"))
    earlier = data.draw(st.none() | documents(), label="an earlier document")
    document = data.draw(documents(), label="the document")
    by_hand = data.draw(starting_states(document), label="by hand")
    workshop.clear()
    if earlier:
        workshop.apply({**earlier, "retired": {}, "unlisted": "revoke"})
    for change in by_hand:
        workshop.do(change)
    note("---")
    claims = Claims(workshop, document)
    try:
        workshop.apply(document)
    except UnmanageableError as refused:
        # Only access that is left to others can block an apply: an inverse membership, or objects of others. The
        # superuser's objects are the ones that no master can act on, where a retired role has privileges on them.
        tolerated = (
            "make a circle",
            "nothing can be granted on it here",
            f"must act as the role {SUPERUSER!r}",
            f"privileges on what belongs to {SUPERUSER!r}",
            f"privileges by {SUPERUSER!r}",
        )
        reasons = [line for line in str(refused).splitlines() if line.startswith("- ")]
        if not all(any(text in line for text in tolerated) for line in reasons):
            raise
        return
    assert_allowed(workshop, document)
    claims.assert_true()
    if document["unlisted"] == "report" and not document["retired"]:
        claims.assert_takes_nothing()
    workshop.let_creators_make_things(document)
    assert_allowed(workshop, document)


@given(public=st.sampled_from([{}, {"hall": "read"}]))  # not parametrized: the workshop notes what it does
def test_what_a_new_schema_gets_by_default_is_a_gain_of_the_plan_and_no_loss(
    public: dict[str, str], workshop: Workshop
) -> None:
    member: dict[str, Any] = {
        "comment": None,
        "inherit": None,
        "member_of": [],
        "memberships": {},
        "schemas": {},
        "grants": [],
    }
    login = {**member, "credential": "rotated", "acts_as": None, "connection_limit": None, "settings": {}}
    document = {
        "database": "",
        "unlisted": "revoke",
        "schemas": {"hall": {"owner": "cook", "adopt": []}},
        "retired": {},
        "roles": {"cook": member},
        "logins": {"ann": login},
        "public": {"schemas": public, "grants": []},
    }
    workshop.clear()
    workshop.do(ByHand("CREATE ROLE {cook}; CREATE ROLE {ann}", actor="master"))
    workshop.do(ByHand("ALTER DEFAULT PRIVILEGES FOR ROLE {cook} GRANT USAGE ON SCHEMAS TO PUBLIC"))
    claims = Claims(workshop, document)
    workshop.apply(document)
    claims.assert_true()


def assert_allowed(workshop: Workshop, document: dict[str, Any]) -> None:
    planned = make_plan(workshop.master, workshop.named(document))
    assert planned.statements == ()
    things, roles = workshop.things(document), names_of(document)
    expected = workshop.expected(document, things, workshop.being(document))
    allowed = workshop.allowed(document, things, roles)
    assert workshop.tries(things, allowed, roles) == []
    if document["unlisted"] == "revoke":
        assert allowed == expected
        assert workshop.memberships(roles) == workshop.expected_memberships(document)
        assert_nothing_for_strangers(workshop, document, things, planned.unmanaged)
    else:
        assert allowed >= expected
        members, declared = workshop.memberships(roles), workshop.expected_memberships(document)
        assert members >= declared
        is_told = any("not declared" in note for note in planned.unmanaged)
        assert is_told or (allowed, members) == (expected, declared)
    existing = {workshop.short(name) for (name,) in workshop.rows("SELECT rolname FROM pg_roles")}
    assert not existing & set(document["retired"])


def assert_nothing_for_strangers(
    workshop: Workshop, document: dict[str, Any], things: list[Thing], notes: tuple[str, ...]
) -> None:
    if not workshop.rows("SELECT FROM pg_roles WHERE rolname = :name", name=workshop.role(STRANGER)):
        return
    passed_on = workshop.strangers_groups(document)
    assert any("declared to pass that on" in note for note in notes) is bool(passed_on)
    being = {STRANGER} | {
        group
        for passed in passed_on
        for group in reached(passed, model.edges(document, has_options=workshop.has_options), "inherit")
    }
    found = workshop.allowed(document, things, [STRANGER])
    # What others may do with the database as a whole is left alone.
    assert {item for item in found if item[1] != "database"} == {
        item for item in workshop.expected(document, things, {STRANGER: being}) if item[1] != "database"
    }
