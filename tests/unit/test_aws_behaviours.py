"""The register of AWS behaviours and the tests that prove its rows agree."""

import re

import pytest

from devtools.checkout import CHECKOUT

_ID = re.compile(r"[A-Z][A-Z0-9]*-\d+")
_MARK = re.compile(r"mark\.aws\(([^)]*)\)")
_REGISTER = re.findall(r"^- (.+?): (.+)$", (CHECKOUT / "docs" / "aws-behaviours.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize(("name", "text"), _REGISTER, ids=lambda part: part.partition(" ")[0])
def test_a_row_of_the_register_has_an_id_and_a_source(name: str, text: str) -> None:
    assert _ID.fullmatch(name)
    assert re.search(r" \(.*(\[[^]]+\]\(https://|reported: |assumed: ).*\)$", text)


def test_ids_of_the_register_are_unique() -> None:
    assert len(_REGISTER) == len(dict(_REGISTER))


def test_each_emulated_behaviour_is_named_by_a_test_and_each_name_is_in_the_register() -> None:
    texts = [path.read_text() for path in (CHECKOUT / "tests").rglob("test_*.py")]
    named = {name for text in texts for marks in _MARK.findall(text) for name in _ID.findall(marks)}

    assert named - dict(_REGISTER).keys() == set()
    # What is open or not emulated, no rehearsal proves.
    emulated = {name for name, text in _REGISTER if "; open" not in text and "; not emulated" not in text}
    assert emulated - named == set()
