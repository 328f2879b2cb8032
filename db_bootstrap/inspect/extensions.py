"""Extensions and retired roles as the catalogs have them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from pg8000.native import Connection

from db_bootstrap.diff.retirement import Holding, Retiring
from db_bootstrap.document import AccessDocument
from db_bootstrap.errors import BootstrapError, ConfigurationError
from db_bootstrap.inspect import queries
from db_bootstrap.inspect.roles import Run, runner
from db_bootstrap.model import ExtensionExists, ExtensionSchema, Fact

OpenElsewhere = Callable[[str], AbstractContextManager[Connection]]
"""Opens a connection of the master's to another database of the same server, by its name."""


@dataclass(frozen=True)
class FoundExtension:
    """An extension that the document declares.

    Attributes:
        is_installed: Whether the database has it.
        is_offered: Whether the server could install it.
        schema: Where its objects are, if it is installed.
        is_movable: Whether its objects may move to another schema, by the master.
        is_trusted: Whether the server says that no superuser is needed to install it.
        only_schema: The one schema that it can be in; None if there is a choice.
        requires: The extensions that it needs.
        others: All extensions that the database has.
        has_place: Whether the declared schema exists, or none is declared.
        is_on_rds: Whether RDS may install what others need a superuser for.
    """

    name: str
    is_installed: bool
    is_offered: bool
    schema: str | None
    is_movable: bool | None
    is_trusted: bool
    only_schema: str | None
    requires: Sequence[str]
    others: Sequence[str]
    has_place: bool
    is_on_rds: bool


def extensions(run: Run, document: AccessDocument) -> tuple[FoundExtension, ...]:
    """The declared extensions; nothing is asked if there are none."""
    if not document.extensions:
        return ()
    names = sorted(document.extensions)
    schemas = [document.extensions[name].schema or "" for name in names]
    rows = run(queries.EXTENSIONS, names=names, extension_schemas=schemas)
    return tuple(FoundExtension(*row) for row in sorted(rows, key=lambda row: str(row[0])))


def extension_facts(found: tuple[FoundExtension, ...], document: AccessDocument) -> Iterator[Fact]:
    """Which there are, and where their objects are, if anything is said about that."""
    for extension in found:
        if extension.is_installed:
            yield ExtensionExists(extension.name)
            schema = document.extensions[extension.name].schema
            if schema is not None and extension.schema is not None:
                yield ExtensionSchema(extension.name, extension.schema if extension.is_movable else schema)


def extension_notes(found: tuple[FoundExtension, ...], document: AccessDocument) -> Iterator[str]:
    """A sentence for each that is elsewhere than declared and cannot be moved."""
    for extension in found:
        schema = document.extensions[extension.name].schema
        if extension.is_installed and schema not in {None, extension.schema} and not extension.is_movable:
            yield (
                f"The extension {extension.name!r} is in schema {extension.schema!r}, not in {schema!r} as declared, "
                "and cannot be moved here."
            )


def retiring(run: Run, document: AccessDocument, elsewhere: OpenElsewhere | None) -> tuple[Retiring, ...]:
    """The retired roles that there still are, with what they have anywhere; nothing is asked if none is retired."""
    if not document.retired:
        return ()
    found = _read(run, document, None)
    others = {database for role in found.values() for database, _ in role.unread}
    for database in sorted(others):
        try:
            there = _read_elsewhere(database, document, elsewhere)
        except BootstrapError as error:
            found = {name: _unreadable(role, database, str(error)) for name, role in found.items()}
        else:
            found = {name: _joined(role, there[name], database) for name, role in found.items() if name in there}
    return tuple(found[name] for name in sorted(found))


def _read(run: Run, document: AccessDocument, database: str | None) -> dict[str, Retiring]:
    """What the retired roles have in the database that ``run`` asks, with all others still to be read."""
    found: dict[str, Retiring] = {}
    names = sorted(document.retired)
    rows = run(queries.RETIRING, retired=names, heirs=[document.retired[name].reassign_to or "" for name in names])
    for role, is_superuser, sessions, databases, is_shared, *held in rows:
        made = found.get(role) or Retiring(role, is_superuser, sessions, (), tuple((name, "") for name in databases))
        # What belongs to no database is seen from each, and counted once.
        if is_shared is not None and not (is_shared and database is not None):
            made = replace(made, holdings=(*made.holdings, Holding(database, *held)))
        found[role] = made
    return found


def _read_elsewhere(database: str, document: AccessDocument, elsewhere: OpenElsewhere | None) -> dict[str, Retiring]:
    if elsewhere is None:
        raise ConfigurationError("There is no way to connect to it from here; apply by the function or command line.")
    with elsewhere(database) as connection:
        return _read(runner(connection), document, database)


def _joined(role: Retiring, there: Retiring, database: str) -> Retiring:
    unread = tuple(item for item in role.unread if item[0] != database)
    return replace(role, holdings=(*role.holdings, *there.holdings), unread=unread)


def _unreadable(role: Retiring, database: str, reason: str) -> Retiring:
    unread = tuple((name, reason if name == database else told) for name, told in role.unread)
    return replace(role, unread=unread)
