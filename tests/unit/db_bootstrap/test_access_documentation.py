"""What docs/access.md promises is what the code does."""

import re
import shlex
from collections.abc import Iterator

import attrs
import pytest
import yaml

from db_bootstrap import access, declared, document_schema
from db_bootstrap.access import AccessDocument, Login, Preset, Role, Schema
from db_bootstrap.command import Options
from db_bootstrap.facts import FIRST_VERSION_WITH_MAINTAIN, ObjectKind
from db_bootstrap.package import PROJECT
from db_bootstrap.render import Action, Format

GUIDE = (PROJECT / "docs" / "access.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading that has these words, without its head."""
    section = GUIDE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_schema_is_the_one_that_the_types_make() -> None:
    written = (PROJECT / "docs" / "access.schema.json").read_text()
    remedy = "run: python -m db_bootstrap.document_schema > docs/access.schema.json"
    assert written == document_schema.printed(document_schema.document_schema()), remedy


def test_every_key_of_the_schema_is_described() -> None:
    def descriptions(schema: object) -> Iterator[str]:
        if isinstance(schema, dict):
            if isinstance(schema.get("description"), str):
                yield schema["description"]
            for part in schema.values():
                yield from descriptions(part)

    kinds = (AccessDocument, Schema, Role, Login)
    expected = sum(len(attrs.fields(kind)) for kind in kinds) + len(kinds)
    found = list(descriptions(document_schema.document_schema()))
    assert len(found) == expected
    assert all(found)


def test_the_example_is_a_document_that_uses_every_key() -> None:
    (example,) = blocks("yaml")
    raw = yaml.safe_load(example)
    access.parse(raw)
    assert set(raw) == {field.name for field in attrs.fields(AccessDocument)}
    for section, kind in (("schemas", Schema), ("logins", Login)):
        used = {key for entry in raw[section].values() for key in entry}
        assert used == {field.name for field in attrs.fields(kind)}


def test_every_key_is_explained() -> None:
    keys = {"database"}
    for section, kind in (("schemas", Schema), ("roles", Role), ("logins", Login)):
        keys |= {f"{section}.NAME.{field.name}" for field in attrs.fields(kind)}
    assert {words(key)[0] for key, *_ in rows("Every key")} == keys


def test_what_may_not_be_left_out_is_said_to_be_required() -> None:
    required = {words(key)[0] for key, _, default in rows("Every key") if default == "required"}
    assert required == {"database", "schemas.NAME.owner", "logins.NAME.credential"}


@pytest.mark.parametrize("preset", Preset)
def test_the_table_of_presets_is_what_they_mean(preset: Preset) -> None:
    table = {words(name)[0]: cells for name, *cells in rows("What a preset means")}
    assert set(table) == set(Preset)
    on_schema, *on_objects = table[preset]
    assert words(on_schema) == list(declared._SCHEMA_PRIVILEGES[preset])
    for kind, cell in zip((ObjectKind.RELATION, ObjectKind.SEQUENCE, ObjectKind.ROUTINE), on_objects, strict=True):
        assert words(cell) == list(declared.object_privileges(preset, kind, FIRST_VERSION_WITH_MAINTAIN))


def test_the_commands_shown_are_understood_and_show_every_action() -> None:
    (block,) = blocks("sh")
    commands = [shlex.split(line) for line in block.splitlines() if line.startswith("python")]
    assert all(command[:3] == ["python", "-m", "db_bootstrap"] for command in commands)
    assert [Options.parse(command[3:], {}).action for command in commands] == list(Action)


def test_every_format_is_explained() -> None:
    assert set(re.findall(r"`--format (\w+)`", GUIDE)) == set(Format)
