"""What the documents name exists."""

import re
from pathlib import Path

import pytest

from rehearsal.run import CHECKOUT

FOLDERS = ("app", "bench", "db_bootstrap", "docs", "rehearsal", "terraform")
DOCUMENTS = [*CHECKOUT.glob("*.md"), *(path for folder in FOLDERS for path in (CHECKOUT / folder).rglob("*.md"))]
TEXTS = [pytest.param(path, id=str(path.relative_to(CHECKOUT))) for path in sorted(DOCUMENTS)]


def prose(path: Path) -> str:
    """A document without its code blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("document", TEXTS)
def test_a_link_leads_to_a_file_and_a_heading_that_exist(document: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", prose(document)):
        if target.startswith(("http://", "https://")):
            continue
        name, _, heading = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        assert file.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), flags=re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}, target


@pytest.mark.parametrize("document", TEXTS)
def test_a_make_target_that_is_named_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)\b(?=[`\n ])", code(document))) <= targets


@pytest.mark.parametrize("document", TEXTS)
def test_a_test_that_is_named_exists(document: Path) -> None:
    tests = "".join(path.read_text() for path in (CHECKOUT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", document.read_text())
    assert [name for name in named if f"def {name}(" not in tests] == []


def code(path: Path) -> str:
    """What a document shows as code: blocks, and spans between backticks."""
    text = path.read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *(f"`{span}`" for span in re.findall(r"`([^`\n]+)`", prose(path)))])
