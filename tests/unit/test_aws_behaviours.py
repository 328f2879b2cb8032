"""The register of AWS behaviours and the tests that prove its rows agree."""

import re
from typing import NamedTuple

import pytest

from devtools.checkout import CHECKOUT

_ID = re.compile(r"[A-Z][A-Z0-9]*-\d+")
_MARK = re.compile(r"mark\.aws\(([^)]*)\)")


class Behaviour(NamedTuple):
    """One row: what AWS does, who says so, and where the local AWS differs."""

    id: str
    behaviour: str
    source: str

    @property
    def emulated(self) -> bool:
        """False where a rehearsal proves nothing: not emulated, or known only to a real account."""
        return "; open" not in self.source and "; not emulated" not in self.source


_REGISTER = [
    Behaviour(*(cell.strip() for cell in line[1:-1].split(" | ")))
    for line in (CHECKOUT / "docs" / "aws-behaviours.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith(("| ID |", "| --- |"))
]


@pytest.mark.parametrize("row", _REGISTER, ids=lambda row: row.id)
def test_a_row_of_the_register_has_an_id_a_source_and_a_confidence(row: Behaviour) -> None:
    assert _ID.fullmatch(row.id)
    assert row.behaviour
    # Without a prefix, the source is AWS's documentation.
    assert re.match(r"(reported|assumed): |.*\[[^]]+\]\(https://", row.source)


def test_ids_of_the_register_are_unique() -> None:
    assert len(_REGISTER) == len({row.id for row in _REGISTER})


def test_each_emulated_behaviour_is_named_by_a_test_and_each_name_is_in_the_register() -> None:
    texts = [path.read_text() for path in (CHECKOUT / "tests").rglob("test_*.py")]
    named = {name for text in texts for marks in _MARK.findall(text) for name in _ID.findall(marks)}

    assert named - {row.id for row in _REGISTER} == set()
    assert {row.id for row in _REGISTER if row.emulated} - named == set()
