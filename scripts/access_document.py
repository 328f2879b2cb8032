"""Write the access document's keys into docs/access.md, and Terraform's type of it. `make docs` calls it."""

import json
import re
from collections.abc import Iterator
from typing import Any

from db_bootstrap.cli.json_schema import document_schema
from scripts.aws_behaviours import DOCS, replaced

GUIDE = DOCS / "access.md"
VARIABLES = DOCS.parent / "terraform" / "modules" / "database_access" / "variables.tf"
_TYPE = re.compile(r'^(variable "access" {\n[^\n]+\n  type = )object\(.+?\n  }\)\n', re.MULTILINE | re.DOTALL)
_SIMPLE = {"string": "string", "integer": "number", "number": "number", "boolean": "bool"}

_Schema = dict[str, Any]


def with_keys(page: str) -> str:
    """Return the text of docs/access.md with the table of every key."""
    rows = dict(_keys(document_schema(), ""))
    listed = "\n".join(f"| `{key}` | {text} | {default} |" for key, (text, default) in rows.items())
    return replaced(page, "every key", f"| key | meaning | default |\n| --- | --- | --- |\n{listed}")


def with_type(variables: str) -> str:
    """Return the text of the module's variables with the type of ``access``, not yet formatted."""
    return _TYPE.sub(lambda found: f"{found[1]}{type_of(document_schema())}\n", variables)


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


def type_of(schema: _Schema) -> str:
    """Return Terraform's type for a schema; attributes that are not required are optional."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kinds = [kind for kind in kinds if kind != "null"]
    if len(kinds) > 1:  # Terraform turns numbers and booleans into text where text is wanted
        return "string"
    if kinds == ["array"]:
        return f"list({type_of(schema['items'])})"
    if kinds != ["object"]:
        return _SIMPLE[kinds[0]]
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        return f"map({type_of(values)})"
    lines = []
    for name, value in schema["properties"].items():
        kind, default = type_of(value), json.dumps(value.get("default"))
        if name not in schema.get("required", ()):
            kind = f"optional({kind}, {default})" if default in {"[]", "{}"} else f"optional({kind})"
        lines.append(f"{name} = {kind}\n")
    return f"object({{\n{''.join(lines)}}})"


if __name__ == "__main__":
    GUIDE.write_text(with_keys(GUIDE.read_text()))
    VARIABLES.write_text(with_type(VARIABLES.read_text()))
