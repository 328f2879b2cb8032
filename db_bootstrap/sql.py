"""Names and literals as SQL text: the one place where either is quoted.

Bind parameters do not work in DDL (PostgreSQL answers 42601), so statements are text. Only scalars are
accepted: pg8000's ``literal()`` once let a list inject SQL (CVE-2025-61385), and nothing here needs one.
"""

import re
import string
from collections.abc import Iterable

PUBLIC = "public"
"""The grantee that means everybody. No role can be named so: PostgreSQL reserves the name."""

MAXIMUM_NAME_BYTES = 63
"""What PostgreSQL keeps of a name (NAMEDATALEN - 1); it truncates longer ones silently."""

SETTING_NAME_PATTERN = r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*"
"""Plain words, joined by dots; JSON Schema reads it the same as Python."""

_ASCII_LOWER = {ord(upper): upper.lower() for upper in string.ascii_uppercase}


def identifier(name: str) -> str:
    """``name`` as a quoted identifier, with whatever it holds taken literally.

    Raises:
        ValueError: It is empty, longer than PostgreSQL would keep, or no text that PostgreSQL can hold.
    """
    if not isinstance(name, str):
        raise TypeError(f"A name must be text, not {type(name).__name__}.")
    if not name or not is_text(name) or len(name.encode()) > MAXIMUM_NAME_BYTES:
        raise ValueError(f"{name!r} cannot be a name: it must have 1 to {MAXIMUM_NAME_BYTES} bytes of text, no NUL.")
    return '"' + name.replace('"', '""') + '"'


def is_text(value: str) -> bool:
    """Whether PostgreSQL can hold ``value``: it has no NUL, and no half of a surrogate pair, as JSON may bring."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def identifiers(names: Iterable[str]) -> str:
    """Several names, quoted and joined by commas, in the order given."""
    return ", ".join(identifier(name) for name in names)


def grantees(names: Iterable[str]) -> str:
    """Several grantees, where ``PUBLIC`` stays the keyword that it is."""
    return ", ".join("PUBLIC" if name == PUBLIC else identifier(name) for name in names)


def literal(value: str) -> str:
    """``value`` as a string literal that reads the same whatever ``standard_conforming_strings`` says.

    Raises:
        ValueError: PostgreSQL's text cannot hold it.
    """
    if not isinstance(value, str):
        raise TypeError(f"A literal must be text, not {type(value).__name__}.")
    if not is_text(value):
        raise ValueError("PostgreSQL's text can hold neither a NUL nor half of a surrogate pair.")
    quoted = "'" + value.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in value else quoted


def setting_name(name: str) -> str:
    """A configuration parameter's name, each dotted part quoted.

    Raises:
        ValueError: It is no parameter's name.
    """
    if not is_setting_name(name):
        raise ValueError(f"{name!r} is no name of a configuration parameter.")
    return ".".join(identifier(part) for part in name.split("."))


def is_setting_name(name: str) -> bool:
    """Whether ``name`` could be a configuration parameter: plain words, joined by dots, none too long for a name."""
    is_dotted_words = re.fullmatch(SETTING_NAME_PATTERN, name) is not None
    return is_dotted_words and all(len(part) <= MAXIMUM_NAME_BYTES for part in name.split("."))


def split_names(text: str) -> tuple[str, ...]:
    """The names in a comma-separated list, as PostgreSQL itself reads ``search_path``.

    Unquoted names fold to lower case, in ASCII only; quoted ones are taken literally, with ``""`` for a quote.

    Raises:
        ValueError: A quote is left open, or a name is missing between commas.
    """
    if not text.strip():
        return ()
    names = []
    rest = text
    while True:
        found = re.match(r'\s*(?:"((?:[^"]|"")*)"|([^\s",]+))\s*(,|$)', rest, re.ASCII)
        if found is None:
            raise ValueError(f"{text!r} is no comma-separated list of names.")
        quoted, plain, end = found.groups()
        names.append(quoted.replace('""', '"') if quoted is not None else plain.translate(_ASCII_LOWER))
        if not end:
            return tuple(names)
        rest = rest[found.end() :]
