"""The statements that rehearsals record, and the report on all of them."""

from pathlib import Path

import pytest

from tests.support.justified_statements import JUSTIFIED
from tests.support.statements import REHEARSALS, Statements, unneeded

SOMETHING_JUSTIFIED = min(next(iter(JUSTIFIED.values())))


def test_a_statement_is_needed_if_something_hung_on_it_in_any_rehearsal(tmp_path: Path) -> None:
    Statements({"read: Logs", "read: Secrets", "read: Buckets", SOMETHING_JUSTIFIED}, set()).save(tmp_path, "dev")
    Statements({"read: Logs", "read: Secrets"}, {"read: Secrets"}).save(tmp_path, "prod")
    Statements(set(), {"read: Logs"}).save(tmp_path, "access")
    assert unneeded(tmp_path) == {"read: Buckets"}


@pytest.mark.parametrize("rehearsal", sorted(REHEARSALS))
def test_one_rehearsal_alone_proves_nothing(tmp_path: Path, rehearsal: str) -> None:
    Statements({"read: Logs"}, set()).save(tmp_path, rehearsal)
    assert unneeded(tmp_path) == set()


def test_nothing_is_justified_twice() -> None:
    justified = [statement for statements in JUSTIFIED.values() for statement in statements]
    assert len(justified) == len(set(justified))
