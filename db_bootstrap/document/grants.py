"""What a document may say of single privileges, and which there are.

Pure. The word ALL is refused: what it stands for differs between versions of PostgreSQL, and so it drifts for ever.
"""

import difflib
from collections.abc import Container, Iterable, Iterator

from db_bootstrap.document.model import Grant, GrantKind
from db_bootstrap.sql import MAXIMUM_NAME_BYTES

PRIVILEGES: dict[GrantKind, tuple[str, ...]] = {
    GrantKind.DATABASE: ("CONNECT", "CREATE", "TEMPORARY"),
    GrantKind.SCHEMA: ("USAGE", "CREATE"),
    GrantKind.TABLES: ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"),
    GrantKind.SEQUENCES: ("SELECT", "USAGE", "UPDATE"),
    GrantKind.ROUTINES: ("EXECUTE",),
    GrantKind.TYPES: ("USAGE",),
}
"""What can be granted on each kind; MAINTAIN from PostgreSQL 17 on."""

COLUMN_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "REFERENCES")
"""What can be granted on a column."""


def unusable_grants(path: str, grants: Iterable[Grant], schemas: Container[str]) -> Iterator[str]:
    """Every problem of the grants that stand below ``path``, in a document that declares these schemas."""
    for index, grant in enumerate(grants):
        here = f"{path}.grants[{index}]"
        yield from _unusable_target(here, grant, schemas)
        yield from _unusable_objects(here, grant)
        yield from _unusable_privileges(here, grant)


def unusable_name(path: str, name: str, longest: int = MAXIMUM_NAME_BYTES) -> Iterator[str]:
    """A problem if PostgreSQL would not take the name, or not keep it whole."""
    size = len(name.encode())
    if not name:
        yield f"{path}: a name cannot be empty; give it one."
    elif size > longest:
        yield (
            f"{path}: the name has {size} bytes, and PostgreSQL would cut it off silently; "
            f"shorten it to at most {longest} bytes."
        )


def _unusable_target(path: str, grant: Grant, schemas: Container[str]) -> Iterator[str]:
    if grant.on is GrantKind.DATABASE:
        if grant.schema is not None:
            yield f"{path}.schema: a database is in no schema; remove it, or say 'on: schema'."
    elif grant.schema is None:
        yield f"{path}.schema: which schema? Add its name."
    elif grant.schema not in schemas:
        yield (
            f"{path}.schema: the schema {grant.schema!r} is not declared; "
            f"add it to document.schemas with its owner, or remove this grant."
        )
    if grant.on in {GrantKind.DATABASE, GrantKind.SCHEMA} and grant.names is not None:
        yield f"{path}.names: these are for what a schema holds; remove them, or say 'on: tables' or another kind."


def _unusable_objects(path: str, grant: Grant) -> Iterator[str]:
    for key, names in (("names", grant.names), ("columns", grant.columns)):
        if names == ():
            yield f"{path}.{key}: an empty list grants nothing; name something, or leave the key out for all."
        for index, name in enumerate(names or ()):
            is_signature = key == "names" and grant.on is GrantKind.ROUTINES and name.endswith(")")
            yield from unusable_name(f"{path}.{key}[{index}]", name.partition("(")[0] if is_signature else name)
    if grant.columns is not None and (grant.on is not GrantKind.TABLES or grant.names is None):
        yield f"{path}.columns: only tables have columns, and they must be named; say 'on: tables', and add 'names'."


def _unusable_privileges(path: str, grant: Grant) -> Iterator[str]:
    known = COLUMN_PRIVILEGES if grant.columns is not None else PRIVILEGES[grant.on]
    if not grant.privileges:
        yield f"{path}.privileges: an empty list grants nothing; name one of {', '.join(known)}, or remove the grant."
    for index, privilege in enumerate(grant.privileges):
        if privilege in known:
            continue
        here = f"{path}.privileges[{index}]"
        where = "columns" if grant.columns is not None else grant.on
        if privilege.upper() in {"ALL", "ALL PRIVILEGES"}:
            yield (
                f"{here}: what ALL stands for differs between versions of PostgreSQL; "
                f"write out what is meant, of {', '.join(known)}."
            )
        else:
            is_of_another_kind = any(privilege in names for names in PRIVILEGES.values())
            close = [] if is_of_another_kind else difflib.get_close_matches(privilege.upper(), known, n=1)
            remedy = f"did you mean {close[0]}?" if close else "remove it."
            yield f"{here}: on {where} there is no privilege {privilege!r}, only {', '.join(known)}; {remedy}"
