"""No role may more than it must: without any one statement of its policies, something that was rehearsed would fail.

The judge notes on which single statement each of its decisions hung. That is the same as removing each statement in
turn and rehearsing again: the call that hung on it would be decided otherwise. test_policy.py shows so of the rule.
"""

import pytest

from tests.rehearsal.statements import Statements

pytestmark = pytest.mark.rehearsal

# Statements that no call of a rehearsal hangs on, and why they are there all the same.
JUSTIFIED: dict[str, str] = {}


def test_each_statement_of_each_policy_is_one_that_something_hangs_on(statements: Statements) -> None:
    if not statements.declared:
        pytest.skip("This looks back at the other tests of the rehearsal, which did not run.")
    assert statements.declared - statements.decisive == JUSTIFIED.keys()
