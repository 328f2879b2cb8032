"""What the documents name exists."""

import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

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


@pytest.mark.parametrize("document", TEXTS)
def test_a_command_of_aws_that_is_shown_exists_with_its_options(document: Path) -> None:
    for command in re.findall(r"\baws [a-z-]+ [a-z]+-[a-z-]+[^`\n]*", code(document)):
        _, service, operation = command.split()[:3]
        if operation not in OWN_COMMANDS_OF_THE_CLI:
            assert options(command) <= known_options(service, operation), command


OWN_COMMANDS_OF_THE_CLI = ("generate-db-auth-token",)


def known_options(service: str, operation: str) -> set[str]:
    """The options of a command, as the AWS CLI makes them of the API's model."""
    model = botocore.session.get_session().get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in names, f"aws {service} {operation}"
    shape: Any = model.operation_model(names[operation]).input_shape
    return {xform_name(name, "-") for name in shape.members} | {"query", "output"}


def options(command: str) -> set[str]:
    """The options of a command's first part; what is true by being named has a no- form as well."""
    first = re.split(r"[)|]|  #", re.sub(r"\$\([^)]*\)", "", command))[0]
    return {option.removeprefix("no-") for option in re.findall(r" --([a-z-]+)", first)}


def code(path: Path) -> str:
    """What a document shows as code: blocks, and spans between backticks."""
    text = path.read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *(f"`{span}`" for span in re.findall(r"`([^`\n]+)`", prose(path)))])
