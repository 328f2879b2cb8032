"""Objects that a document names: which of them there are not yet, and which cannot be granted on.

Pure. A name that is not there is no mistake: access is set up before the migrations that make the tables. So it is
told, and the grant follows with the first apply after the object is there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from db_bootstrap import desired as declared
from db_bootstrap.document import AccessDocument, Grant
from db_bootstrap.inspect.snapshot import FoundAccess
from db_bootstrap.model import ObjectGroup


@dataclass(frozen=True)
class _Named:
    """One name in a document's grants, and the objects that it means."""

    path: str
    grant: Grant
    written: str
    ours: tuple[ObjectGroup, ...]
    foreign: tuple[tuple[ObjectGroup, str], ...]


def waiting(document: AccessDocument, found: FoundAccess) -> Iterator[str]:
    """A sentence for each object or column that is named and not there."""
    columns = {(column.target.schema, column.target.relation, column.target.column) for column in found.columns}
    for named in _named(document, found):
        schema = named.grant.schema
        if not named.ours and not named.foreign:
            yield (
                f"{named.path}: there is no {named.grant.on.removesuffix('s')} {named.written!r} in schema {schema!r} "
                "yet; the first apply after it is there grants on it."
            )
        for column in named.grant.columns or () if named.ours else ():
            if (schema, named.written, column) not in columns:
                yield (
                    f"{named.path}: {named.written!r} in schema {schema!r} has no column {column!r} yet; "
                    "the first apply after it is there grants on it."
                )


def refusals(document: AccessDocument, found: FoundAccess) -> Iterator[str]:
    """Why an object that is named cannot be granted on, with the remedy."""
    for named in _named(document, found):
        meant = [*named.ours, *(group for group, _ in named.foreign)]
        if len(meant) > 1:
            signatures = ", ".join(f"{named.written}({', '.join(group.types)})" for group in meant)
            yield f"{named.path}: {named.written!r} could be any of {signatures}; write out which is meant."
        for _, reason in named.foreign:
            yield (
                f"{named.path}: {named.written!r} in schema {named.grant.schema!r} {reason}, so nothing can be granted "
                "on it here; let its owner grant, and remove the name."
            )


def _named(document: AccessDocument, found: FoundAccess) -> Iterator[_Named]:
    for holder in declared.holders(document):
        for number, grant in enumerate(holder.grants):
            for index, written in enumerate(grant.names or ()):
                yield _Named(
                    f"{holder.path}.grants[{number}].names[{index}]",
                    grant,
                    written,
                    tuple(group for group in found.groups if declared.names(grant, written, group)),
                    tuple(item for item in found.foreign if declared.names(grant, written, item[0])),
                )
