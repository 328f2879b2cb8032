"""All access of one database, and the roles of its server, as the catalogs have it; `inspect.catalog` reads it."""

from enum import StrEnum
from typing import NamedTuple

from db_bootstrap.model import Attribute, AttributeValue, Membership, RoleSetting, Server
from db_bootstrap.sql import PUBLIC, identifier
from db_bootstrap.values import dataclass


class ObjectClass(StrEnum):
    """The classes of objects that have privileges, except for large objects."""

    DATABASE = "database"
    SCHEMA = "schema"
    TABLE = "table"
    COLUMN = "column"
    SEQUENCE = "sequence"
    ROUTINE = "routine"
    TYPE = "type"
    LANGUAGE = "language"
    FOREIGN_DATA_WRAPPER = "foreign data wrapper"
    FOREIGN_SERVER = "foreign server"
    TABLESPACE = "tablespace"
    PARAMETER = "parameter"


class Entry(NamedTuple):
    """One privilege in an access control list; the owner's own are included.

    Attributes:
        grantee: A role, or `sql.PUBLIC`; "" for a role that was dropped.
        grantor: "" for a role that was dropped.
    """

    grantee: str
    privilege: str
    is_grantable: bool
    grantor: str


@dataclass(frozen=True)
class CatalogRole:
    """A role of the server.

    Attributes:
        comment: "" for none.
    """

    name: str
    comment: str
    attributes: dict[Attribute, AttributeValue]
    is_expired: bool


@dataclass(frozen=True, eq=False)
class Objects:
    """Objects of one class, schema and owner with the same access control list; compared by identity.

    Attributes:
        schema: None for objects outside of schemas.
        relation: The table of columns; else None.
        names: Sorted. A routine has the types of its arguments: ``f(integer, text)``.
        entries: The access control list, or the built-in one if the catalog has none.
        is_default: Whether the catalog has none.
        is_of_extension: Whether an extension brought the objects.
        is_of_system: Whether PostgreSQL brought them; such objects are read only if their privileges were changed.
        is_write_protected: Whether these are tables that only superusers can write to, with any grant.
        is_security_definer: Whether these routines run with the rights of their owner.
        is_search_path_pinned: Whether these routines set their own ``search_path``.
    """

    kind: ObjectClass
    schema: str | None
    relation: str | None
    names: tuple[str, ...]
    owner: str
    entries: tuple[Entry, ...]
    is_default: bool = False
    is_of_extension: bool = False
    is_of_system: bool = False
    is_write_protected: bool = False
    is_security_definer: bool = False
    is_search_path_pinned: bool = False

    def label(self, name: str) -> str:
        """Return the name of one of the objects within its schema or relation, as SQL writes it."""
        parts = [self.schema, self.relation] if self.relation else [self.schema]
        last = quoted(name) if self.kind is not ObjectClass.ROUTINE else quoted(name.partition("(")[0])
        arguments = "".join(name.partition("(")[1:]) if self.kind is ObjectClass.ROUTINE else ""
        return ".".join([*(quoted(part) for part in parts if part), last]) + arguments


@dataclass(frozen=True)
class CatalogDefaults:
    """The default privileges of what ``creator`` will create.

    Attributes:
        schema: None for those everywhere in the database, which replace the built-in ones.
    """

    creator: str
    schema: str | None
    kind: ObjectClass
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Catalog:
    """All access of one database.

    Attributes:
        memberships: One for each grantor.
        settings: Of roles, everywhere and in this database; the role is `sql.PUBLIC` if they are for all.
        extensions: The schema of each extension.
    """

    server: Server
    roles: dict[str, CatalogRole]
    memberships: tuple[Membership, ...]
    objects: tuple[Objects, ...]
    defaults: tuple[CatalogDefaults, ...]
    settings: tuple[RoleSetting, ...]
    extensions: dict[str, str]


def quoted(name: str) -> str:
    """Return a name, quoted unless it is a plain word in lower case."""
    is_plain = name == PUBLIC or (name.isascii() and name.replace("_", "a").isalnum() and name == name.lower())
    return name if is_plain and not name[0].isdigit() else identifier(name)
