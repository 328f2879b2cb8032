"""The type of a Terraform variable that takes what a JSON Schema describes."""

import re
from typing import Any

_Schema = dict[str, Any]
_SIMPLE = {"string": "string", "integer": "number", "number": "number", "boolean": "bool"}


def type_of(schema: _Schema) -> str:
    """Terraform's type for a schema, without spaces; whatever is not required is optional."""
    kinds = [kind for kind in _listed(schema["type"]) if kind != "null"]
    if len(kinds) > 1:  # Terraform turns numbers and booleans into text where text is wanted
        return "string"
    (kind,) = kinds
    if kind == "array":
        return f"list({type_of(schema['items'])})"
    if kind != "object":
        return _SIMPLE[kind]
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        return f"map({type_of(values)})"
    required = schema.get("required", [])
    attributes = [
        f"{name}={type_of(value)}" if name in required else f"{name}=optional({type_of(value)})"
        for name, value in schema["properties"].items()
    ]
    return f"object({{{','.join(attributes)}}})"


def type_in(variable: str) -> str:
    """The type in a ``variable`` block's body, without spaces, comments and the defaults of optional attributes."""
    found = re.search(r"^  type += (.+?)\n\n", variable, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError("no type, or none that an empty line follows")
    lines = [re.sub(r"#.*|\s+", "", line) for line in found[1].splitlines()]
    joined = ",".join(lines).replace(",{}", "").replace(",[]", "")
    return re.sub(r",+([)}])", r"\1", re.sub(r"([({]),+", r"\1", joined))


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
