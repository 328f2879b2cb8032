"""Reading and judging a document take instructions in proportion to its size, counted instead of timed."""

import sys
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest

from db_bootstrap.desired import facts
from db_bootstrap.diff.difference import compare
from db_bootstrap.document import parse_document
from db_bootstrap.document.model import Unlisted
from db_bootstrap.model import Fact
from tests.support.documents import SERVER


def document(size: int) -> dict[str, Any]:
    """Return a document in which schemas, roles, logins, names and settings grow with the size."""
    numbers = range(size)
    grant = {"on": "tables", "schema": "s0", "privileges": ["SELECT"], "names": [f"t{number}" for number in numbers]}
    return {
        "database": "beers",
        "schemas": {f"s{number}": {"owner": f"r{number}"} for number in numbers},
        "roles": {f"r{number}": {"schemas": {f"s{number}": "write"}} for number in numbers},
        "public": {"grants": [grant]},
        "logins": {
            f"l{number}": {
                "credential": "rotated",
                "member_of": [f"r{number}"],
                "acts_as": f"r{number}",
                "schemas": {f"s{(number + 1) % size}": "read"},
            }
            for number in numbers
        },
        "retired": {f"old{number}": {"drop_owned": True} for number in numbers},
    }


def judge(raw: Any) -> None:
    parsed = parse_document(raw)
    declared = facts(parsed, SERVER)
    assert not compare(parsed, declared, declared)
    assert compare(replace(parsed, unlisted=Unlisted.REPORT), declared, frozenset[Fact]()).missing == declared


def instructions(work: Callable[[object], None], raw: Any) -> int:
    """Return the number of bytecode instructions of this package that some work runs."""
    count = 0

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work(raw)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("work", [parse_document, judge])
def test_documents_take_instructions_in_proportion_to_their_size(work: Callable[[object], None]) -> None:
    small, medium, large = (instructions(work, document(size)) for size in (10, 20, 80))
    assert (large - medium) / (medium - small) < 6 * 1.2, "the sizes differ by 60 and by 10"
