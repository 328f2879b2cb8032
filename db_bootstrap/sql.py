"""Names and literals as SQL text: the only module that quotes them.

Bind parameters do not work in DDL (PostgreSQL answers 42601), so statements are text; and so are queries, because a
query with bind parameters takes pg8000 three round trips. Only text and lists of it are accepted: pg8000's
``literal()`` once let a list inject SQL (CVE-2025-61385).
"""

import re
from collections.abc import Iterable, Mapping

PUBLIC = "public"
"""The grantee that stands for all roles. No role can have this name, which PostgreSQL reserves."""

MAXIMUM_NAME_BYTES = 63
"""The longest name (NAMEDATALEN - 1); PostgreSQL truncates longer ones silently."""

SETTING_NAME_PATTERN = r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*"
"""Plain words, joined by dots; it has the same meaning in JSON Schema and in Python."""

_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def identifier(name: str) -> str:
    """Return ``name`` as a quoted identifier, with all its characters taken literally.

    Raises:
        ValueError: It is empty, too long, or not text that PostgreSQL can store.
    """
    if not isinstance(name, str):
        raise TypeError(f"A name must be text, not {type(name).__name__}.")
    if not name or not is_text(name) or len(name.encode()) > MAXIMUM_NAME_BYTES:
        raise ValueError(f"{name!r} cannot be a name: it must have 1 to {MAXIMUM_NAME_BYTES} bytes of text, no NUL.")
    return '"' + name.replace('"', '""') + '"'


def is_text(value: str) -> bool:
    """Return True if PostgreSQL can store ``value``: it has no NUL, and no lone surrogate, which JSON can contain."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def identifiers(names: Iterable[str]) -> str:
    """Return several names, quoted and joined by commas, in the order given."""
    return ", ".join(identifier(name) for name in names)


def grantees(names: Iterable[str]) -> str:
    """Return several grantees, with ``PUBLIC`` as the keyword."""
    return ", ".join("PUBLIC" if name == PUBLIC else identifier(name) for name in names)


def text_array(values: Iterable[str]) -> str:
    """Return PostgreSQL's text form of an array, with each element quoted: ``null`` too is a name like others."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def literal(value: str) -> str:
    """Return ``value`` as a string literal that does not depend on ``standard_conforming_strings``.

    Raises:
        ValueError: PostgreSQL cannot store it.
    """
    if not isinstance(value, str):
        raise TypeError(f"A literal must be text, not {type(value).__name__}.")
    if not is_text(value):
        raise ValueError("PostgreSQL's text can hold neither a NUL nor half of a surrogate pair.")
    quoted = "'" + value.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in value else quoted


def bound(query: str, parameters: Mapping[str, str | list[str]]) -> str:
    """Return the query with a literal for each ``:name`` of a parameter; a list becomes the text of an array."""

    def value(match: re.Match[str]) -> str:
        given = parameters.get(match[1])
        if given is None:
            return match[0]
        return literal(text_array(given) if isinstance(given, list) else given)

    return re.sub(r"(?<!:):(\w+)", value, query)


def setting_name(name: str) -> str:
    """Return a configuration parameter's name, with each dotted part quoted.

    Raises:
        ValueError: It is not a valid name of a parameter.
    """
    if not is_setting_name(name):
        raise ValueError(f"{name!r} is not a valid name of a configuration parameter.")
    return ".".join(identifier(part) for part in name.split("."))


def is_setting_name(name: str) -> bool:
    """Return True if ``name`` could be a configuration parameter: plain words, joined by dots, none too long."""
    is_dotted_words = re.fullmatch(SETTING_NAME_PATTERN, name) is not None
    return is_dotted_words and all(len(part) <= MAXIMUM_NAME_BYTES for part in name.split("."))


def split_names(text: str) -> tuple[str, ...]:
    """Return the names in a comma-separated list, as PostgreSQL parses ``search_path``.

    Unquoted names fold to lower case, in ASCII only; quoted ones are taken literally, with ``""`` for a quote.

    Raises:
        ValueError: A quote is left open, or a name is missing between commas.
    """
    if not text.strip():
        return ()
    names = []
    rest = text
    while True:
        match = re.match(r'\s*(?:"((?:[^"]|"")*)"|([^\s",]+))\s*(,|$)', rest, re.ASCII)
        if match is None:
            raise ValueError(f"{text!r} is not a comma-separated list of names.")
        quoted, plain, end = match.groups()
        names.append(quoted.replace('""', '"') if quoted is not None else plain.translate(_ASCII_LOWER))
        if not end:
            return tuple(names)
        rest = rest[match.end() :]
