"""Write the access document's keys into docs/access.md. `make docs` calls it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from db_bootstrap.cli.json_schema import document_schema

GUIDE = Path(__file__).parent.parent / "docs" / "access.md"
_BEGIN = "<!-- make docs: every key -->\n"
_END = "<!-- end -->\n"

_Schema = dict[str, Any]


def with_keys(page: str) -> str:
    """Return the text of docs/access.md with the list of every key."""
    keys: dict[tuple[str, str], list[str]] = {}
    for key, row in _keys(document_schema(), ""):
        # Roles and logins share rows; those of other objects stay apart.
        shared = ("roles and logins" if key.startswith(("roles.", "logins.")) else key, row)
        keys.setdefault(shared, []).append(f"`{key}`")
    listed = "\n".join(f"- {', '.join(names)}: {text}" for (_, text), names in keys.items())
    head, _, rest = page.partition(_BEGIN)
    return f"{head}{_BEGIN}\n{listed}\n\n{_END}{rest.partition(_END)[2]}"


def _keys(schema: _Schema, path: str) -> Iterator[tuple[str, str]]:
    for name, value in schema["properties"].items():
        item = value.get("additionalProperties") or value.get("items") or value
        if isinstance(item, dict) and "properties" in item and name not in {"memberships", "grants"}:
            yield from _keys(item, f"{name}.NAME." if item is not value else f"{name}.")
            continue
        text = value["description"].removesuffix(".")
        default = value.get("default")
        if name in schema.get("required", ()):
            text += ". Required"
        elif default not in (None, [], {}):
            text += ". Default: " + json.dumps(default).strip('"')
        yield path + name, text
    for name, prefix in (
        (("memberships", "memberships.GROUP."), ("grants", "grants.")) if path == "logins.NAME." else ()
    ):
        value = schema["properties"][name]
        yield from _keys(value.get("items") or value["additionalProperties"], prefix)


if __name__ == "__main__":
    GUIDE.write_text(with_keys(GUIDE.read_text()))
