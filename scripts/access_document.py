"""Write the access document's keys into docs/access.md. `make docs` calls it."""

import json
from collections.abc import Iterator
from typing import Any

from db_bootstrap.cli.json_schema import document_schema
from scripts.aws_behaviours import DOCS, replaced

GUIDE = DOCS / "access.md"


def with_keys(page: str) -> str:
    """Return the text of docs/access.md with the list of every key."""
    keys: dict[tuple[str, str], list[str]] = {}
    for key, row in _keys(document_schema(), ""):
        # Roles and logins share rows; those of other objects stay apart.
        shared = ("roles and logins" if key.startswith(("roles.", "logins.")) else key, row)
        keys.setdefault(shared, []).append(f"`{key}`")
    listed = "\n".join(f"- {', '.join(names)}: {text}" for (_, text), names in keys.items())
    return replaced(page, "every key", listed)


def _keys(schema: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
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
    if path == "logins.NAME.":
        for name, prefix in (("memberships", "memberships.GROUP."), ("grants", "grants.")):
            value = schema["properties"][name]
            yield from _keys(value.get("items") or value["additionalProperties"], prefix)


if __name__ == "__main__":
    GUIDE.write_text(with_keys(GUIDE.read_text()))
