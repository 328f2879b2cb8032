"""Access control lists as the catalogs have them: of the database, the managed schemas, and their objects.

The server counts objects with identical lists, and returns one row for them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from db_bootstrap.diff.scope import Scope
from db_bootstrap.document.model import AccessDocument
from db_bootstrap.inspect import queries
from db_bootstrap.inspect.session import Run
from db_bootstrap.model import (
    ActualExtension,
    ColumnRow,
    ContainerRow,
    DefaultRow,
    NamesByGroup,
    NeededSchema,
    ObjectName,
    ObjectOwner,
    ObjectRow,
    UserPolicy,
)


def read_containers(run: Run, scope: Scope) -> tuple[tuple[ContainerRow, ...], tuple[UserPolicy, ...]]:
    """Read the database and its managed schemas, and the policies in these that depend on the user."""
    rows = sorted(run(queries.CONTAINERS, schemas=scope.schemas), key=tuple)
    policies = (UserPolicy(schema, relation, *policy) for kind, schema, relation, policy in rows if kind == "policy")
    return tuple(ContainerRow(*row) for row in rows if row[0] != "policy"), tuple(policies)


def read_default_privileges(run: Run, scope: Scope) -> tuple[DefaultRow, ...]:
    """Read the default privileges in managed schemas, and those of declared roles everywhere."""
    rows = run(queries.DEFAULT_PRIVILEGES, creators=sorted(scope.document.role_names), schemas=scope.schemas)
    return tuple(DefaultRow(*row) for row in rows)


def read_objects(run: Run, scope: Scope) -> tuple[ObjectRow, ...]:
    """Read the groups of objects in managed schemas."""
    rows = [
        (tuple(row), tuple(types or ()), _needs(needs), entries)
        for *row, types, needs, entries in run(queries.OBJECT_GROUPS, **_objects_of(scope))
    ]
    return tuple(
        ObjectRow(*row, *rest) for row, *rest in sorted(rows, key=lambda row: [str(value) for value in row[0]])
    )


def read_object_names(run: Run, scope: Scope) -> NamesByGroup:
    """Read the names of the objects in managed schemas that the document does not name."""
    return {
        (schema, kind, owner, acl): (
            tuple(sorted((ObjectName(*name) for name in names), key=str)),
            frozenset[NeededSchema]().union(*map(_needs, needs)),
        )
        for schema, kind, owner, acl, names, needs in run(queries.OBJECT_NAMES, **_objects_of(scope))
    }


def read_columns(run: Run, scope: Scope) -> tuple[ColumnRow, ...]:
    """Read the columns that have privileges or that the document names, and the routines that relations call."""
    named = scope.named_columns()
    rows = run(
        queries.COLUMNS,
        schemas=scope.schemas,
        column_schemas=[schema for schema, *_ in named],
        column_relations=[relation for _, relation, _ in named],
        column_names=[column for *_, column in named],
    )
    return tuple(ColumnRow(*row) for row in sorted(rows, key=lambda row: str(tuple(row))))


def read_adoptable_objects(run: Run, document: AccessDocument) -> tuple[ObjectOwner, ...]:
    """Read the owners of the objects in schemas that adopt some; no query if there is no such schema."""
    schemas = sorted(name for name, schema in document.schemas.items() if schema.adopt)
    rows = run(queries.OWNED_OBJECTS, schemas=schemas) if schemas else ()
    return tuple(
        ObjectOwner(schema, what, owner, is_definer, _needs(needs)) for schema, what, owner, is_definer, needs in rows
    )


def read_extensions(run: Run, document: AccessDocument) -> tuple[ActualExtension, ...]:
    """Read the declared extensions; runs no query if there are none."""
    if not document.extensions:
        return ()
    names = sorted(document.extensions)
    schemas = [document.extensions[name].schema or "" for name in names]
    rows = run(queries.EXTENSIONS, names=names, extension_schemas=schemas)
    return tuple(ActualExtension(*row) for row in sorted(rows, key=lambda row: str(row[0])))


def _objects_of(scope: Scope) -> dict[str, Any]:
    named = scope.named_objects()
    return {
        "schemas": scope.schemas,
        "single_schemas": [schema for schema, *_ in named],
        "single_kinds": [kind.value for _, kind, _ in named],
        "single_names": [name for *_, name in named],
    }


def _needs(listed: Iterable[Sequence[Any]] | None) -> frozenset[NeededSchema]:
    return frozenset(NeededSchema(*each) for each in listed or ())
