"""The register of AWS behaviours, the tests that prove its rows, and the list that is derived from it agree."""

import re

import pytest

from devtools.checkout import CHECKOUT
from scripts.aws_behaviours import CONFIDENCE, REHEARSAL, Behaviour, read_register, with_list

_ID = re.compile(r"[A-Z][A-Z0-9]*-\d+")
_MARK = re.compile(r"mark\.aws\(([^)]*)\)")
_REGISTER = read_register()


@pytest.mark.parametrize("row", _REGISTER, ids=lambda row: row.id)
def test_a_row_of_the_register_has_an_id_a_source_and_a_confidence(row: Behaviour) -> None:
    assert _ID.fullmatch(row.id)
    assert all((row.behaviour, row.source, row.local))
    assert row.confidence in CONFIDENCE
    assert "](https://" in row.source or row.confidence != "documented"


def test_ids_of_the_register_are_unique() -> None:
    assert len(_REGISTER) == len({row.id for row in _REGISTER})


def test_each_emulated_behaviour_is_named_by_a_test_and_each_name_is_in_the_register() -> None:
    texts = [path.read_text() for path in (CHECKOUT / "tests").rglob("test_*.py")]
    named = {name for text in texts for marks in _MARK.findall(text) for name in _ID.findall(marks)}

    assert named - {row.id for row in _REGISTER} == set()
    assert {row.id for row in _REGISTER if row.emulated} - named == set()


def test_the_list_of_the_rehearsal_page_is_that_of_the_register() -> None:
    assert REHEARSAL.read_text() == with_list(REHEARSAL.read_text()), "run `make docs`"
