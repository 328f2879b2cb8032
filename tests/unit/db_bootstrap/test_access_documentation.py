"""The code does what docs/access.md promises."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from db_bootstrap.cli import document_file, json_schema
from db_bootstrap.cli.command import Options
from db_bootstrap.document import parse_document
from db_bootstrap.document.model import (
    AccessDocument,
    CredentialKind,
    Extension,
    Grant,
    Login,
    MembershipOptions,
    Preset,
    Public,
    Retirement,
    Schema,
)
from db_bootstrap.document.presets import SCHEMA_PRIVILEGES, object_privileges
from db_bootstrap.model import FIRST_VERSION_WITH_MAINTAIN, ObjectKind
from db_bootstrap.report import Action, Format
from scripts.package_function import CHECKOUT

GUIDE = (CHECKOUT / "docs" / "access.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading that has these words, without its head."""
    section = GUIDE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_key_of_the_schema_is_described() -> None:
    def undescribed(schema: object, path: str) -> Iterator[str]:
        if isinstance(schema, dict):
            for name, part in schema.get("properties", {}).items() if "additionalProperties" in schema else ():
                if not part.get("description") and "settings" not in path:
                    yield f"{path}.{name}"
            for key, part in schema.items():
                yield from undescribed(part, f"{path}.{key}")

    assert list(undescribed(json_schema.document_schema(), "document")) == []


def names(kind: type) -> set[str]:
    return {field.name for field in fields(kind)}


def test_the_example_is_a_document_that_uses_every_key(tmp_path: Path) -> None:
    (example,) = blocks("yaml")
    (tmp_path / "access.yaml").write_text(example)
    raw: Any = document_file.read_document(tmp_path / "access.yaml")
    parse_document(raw)
    assert set(raw) == names(AccessDocument)
    members = [*raw["roles"].values(), *raw["logins"].values()]
    used = {
        Schema: raw["schemas"].values(),
        Extension: raw["extensions"].values(),
        Login: raw["logins"].values(),
        Public: [raw["public"]],
        Retirement: raw["retired"].values(),
        MembershipOptions: [options for member in members for options in member.get("memberships", {}).values()],
        Grant: [grant for holder in [*members, raw["public"]] for grant in holder.get("grants", [])],
    }
    for kind, values in used.items():
        assert {key for value in values for key in value} == names(kind)
    assert {value for part in used.values() for item in part for value in item.values() if isinstance(value, str)} >= {
        *CredentialKind
    }


@pytest.mark.parametrize("preset", Preset)
def test_the_table_of_presets_is_what_they_mean(preset: Preset) -> None:
    table = {words(name)[0]: cells for name, *cells in rows("What a preset means")}
    assert set(table) == set(Preset)
    on_schema, *on_objects = table[preset]
    assert words(on_schema) == list(SCHEMA_PRIVILEGES[preset])
    for kind, cell in zip(ObjectKind, on_objects, strict=True):
        assert words(cell) == list(object_privileges(preset, kind, FIRST_VERSION_WITH_MAINTAIN))


def test_the_commands_shown_are_understood_and_show_every_action() -> None:
    (block,) = [block for block in blocks("sh") if "-m db_bootstrap" in block]
    commands = [shlex.split(line, comments=True) for line in block.splitlines() if line.startswith("python")]
    assert all(command[:3] == ["python", "-m", "db_bootstrap"] for command in commands)
    assert [
        Options.parse(command[3:], {"DB_BOOTSTRAP_DSN": "postgresql://m@db/beers"}).action for command in commands
    ] == list(Action)


def test_every_format_is_explained() -> None:
    assert set(re.findall(r"`--format (\w+)`", GUIDE)) == set(Format)
