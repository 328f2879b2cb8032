"""Names of routines as a document writes them: alone, or with the types of their arguments.

PostgreSQL prints a type by one name and accepts several, so the common aliases are translated.
"""

from collections.abc import Iterator

_PRINTED = {
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float": "double precision",
    "float4": "real",
    "float8": "double precision",
    "decimal": "numeric",
    "bool": "boolean",
    "char": "character",
    "varchar": "character varying",
    "varbit": "bit varying",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
}


def possible_names(written: str) -> Iterator[str]:
    """Yield each name that ``written`` can mean: a name can contain parentheses itself."""
    yield written
    if written.endswith(")"):
        for index, character in enumerate(written):
            if character == "(" and index:
                yield from {written[:index], written[:index].rstrip()}


def is_called(written: str, name: str, types: tuple[str, ...]) -> bool:
    """Return True if ``written`` means the routine of this name with arguments of these types."""
    if written == name:
        return True
    rest = written.removeprefix(name).strip()
    is_signature = written.startswith(name) and rest.startswith("(") and rest.endswith(")")
    return is_signature and _types(rest[1:-1]) == types


def _types(listed: str) -> tuple[str, ...]:
    if not listed.strip():
        return ()
    return tuple(_printed(" ".join(part.split())) for part in listed.split(","))


def _printed(name: str) -> str:
    element = name.removesuffix("[]")
    return _PRINTED.get(element.lower(), element) + name[len(element) :]
