"""The documents and commands that the migration guides show are valid."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from db_bootstrap.cli.command import Options
from db_bootstrap.cli.document_file import read_document
from db_bootstrap.document import parse_document
from scripts.package_function import CHECKOUT

GUIDES = sorted((CHECKOUT / "docs").glob("migrate-from-*.md"))
assert GUIDES
GUIDED = pytest.mark.parametrize("guide", [pytest.param(guide, id=guide.stem) for guide in GUIDES])

# Roles and objects that the fragments assume.
AROUND: dict[str, Any] = {
    "database": "finance",
    "schemas": {"finance": {"owner": "finance_owner"}},
    "roles": {"finance_owner": {}, "orders_writer": {}},
}


def blocks(guide: Path, language: str) -> list[str]:
    """The code blocks of a language, also those within a list."""
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```", guide.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [re.sub(r"^ {3}", "", block, flags=re.MULTILINE) if block.startswith("   ") else block for block in found]


@GUIDED
def test_each_fragment_of_a_document_is_one(guide: Path, tmp_path: Path) -> None:
    fragments = blocks(guide, "yaml")
    assert fragments
    for fragment in fragments:
        file = tmp_path / "fragment.yaml"
        file.write_text(fragment)
        document: Any = read_document(file)
        roles = {**AROUND["roles"], **document.pop("roles", {})}
        parse_document({**AROUND, **document, "roles": roles})


@GUIDED
def test_each_command_is_understood(guide: Path) -> None:
    lines = [line for block in blocks(guide, "sh") for line in block.splitlines()]
    assert lines
    for line in lines:
        command = shlex.split(line.partition(" > ")[0])
        assert command[:3] == ["python", "-m", "db_bootstrap"]
        Options.parse(command[3:], {})


@GUIDED
def test_each_grant_in_the_text_is_one(guide: Path) -> None:
    for written in re.findall(r"`grants: (\[.*?\])`", guide.read_text()):
        grants = yaml.load(written.replace("on:", '"on":'), yaml.SafeLoader)
        for grant in grants:
            schemas = {**AROUND["schemas"], grant["schema"]: {"owner": "finance_owner"}}
            parse_document({**AROUND, "schemas": schemas, "roles": {**AROUND["roles"], "reader": {"grants": grants}}})
