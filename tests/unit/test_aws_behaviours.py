"""The register of AWS behaviours and the tests that prove its rows name each other."""

import re
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT

_CONFIDENCE = {"documented", "reported", "measured", "assumed"}
_ID = re.compile(r"[A-Z][A-Z0-9]*-\d+")
_MARK = re.compile(r"mark\.aws\(([^)]*)\)")


def _rows() -> list[list[str]]:
    lines = (CHECKOUT / "docs/aws-behaviours.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")]
    return [row for row in cells if row[0] not in ("ID", "---")]


def _named(tests: Path) -> set[str]:
    return {
        name
        for path in tests.rglob("test_*.py")
        for marks in _MARK.findall(path.read_text())
        for name in _ID.findall(marks)
    }


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row[0])
def test_a_row_of_the_register_has_an_id_a_source_and_a_confidence(row: list[str]) -> None:
    identifier, behaviour, source, confidence, local = row

    assert _ID.fullmatch(identifier)
    assert behaviour
    assert local
    assert confidence in _CONFIDENCE
    assert re.search(r"https://|\b20\d\d-\d\d\b", source)


def test_ids_of_the_register_are_unique() -> None:
    names = [row[0] for row in _rows()]

    assert len(names) == len(set(names))


def test_tests_prove_each_row_of_the_register_but_open_questions() -> None:
    rows = {row[0]: row[4] for row in _rows()}
    named = _named(CHECKOUT / "tests")

    assert named - rows.keys() == set(), "tests name rows that do not exist"
    unproven = {name for name, local in rows.items() if "open question" not in local} - named
    assert unproven == set(), "no test names these"
