"""Write the access document's keys into docs/access.md. `make docs` calls it."""

import json
from collections.abc import Iterator
from typing import Any

from db_bootstrap.cli.json_schema import document_schema
from scripts.aws_behaviours import DOCS, replaced

GUIDE = DOCS / "access.md"

_Schema = dict[str, Any]


def with_keys(page: str) -> str:
    """Return the text of docs/access.md with the table of every key."""
    keys: dict[tuple[str, str, str], list[str]] = {}
    for key, row in _keys(document_schema(), ""):
        # Roles and logins share rows; those of other objects stay apart.
        shared = ("roles and logins", *row) if key.startswith(("roles.", "logins.")) else (key, *row)
        keys.setdefault(shared, []).append(f"`{key}`")
    listed = "\n".join(f"| {', '.join(names)} | {text} | {default} |" for (_, text, default), names in keys.items())
    return replaced(page, "every key", f"| key | meaning | default |\n| --- | --- | --- |\n{listed}")


def _keys(schema: _Schema, path: str) -> Iterator[tuple[str, tuple[str, str]]]:
    for name, value in schema["properties"].items():
        item = value.get("additionalProperties") or value.get("items") or value
        if isinstance(item, dict) and "properties" in item and name not in {"memberships", "grants"}:
            yield from _keys(item, f"{name}.NAME." if item is not value else f"{name}.")
            continue
        default = json.dumps(value["default"]) if value.get("default") not in (None, [], {}) else "none"
        is_required = name in schema.get("required", ())
        text = value["description"].removesuffix(".").replace("|", r"\|")
        yield path + name, (text, "required" if is_required else default.strip('"'))
    for name, prefix in (
        (("memberships", "memberships.GROUP."), ("grants", "grants.")) if path == "logins.NAME." else ()
    ):
        value = schema["properties"][name]
        yield from _keys(value.get("items") or value["additionalProperties"], prefix)


if __name__ == "__main__":
    GUIDE.write_text(with_keys(GUIDE.read_text()))
