"""Facts about access: small frozen values that mean the same whether wished for or found.

Pure: no connection, no clock, no environment. `declared` says what a document means, `catalog` reads the same
kinds of facts from PostgreSQL, and `plan` makes statements of the difference. What an owner may do with its
own is no fact here: PostgreSQL grants that by itself. Passwords are no facts either: they cannot be read back.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from db_bootstrap.sql import PUBLIC

FIRST_VERSION_WITH_MAINTAIN = 170000
FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS = 160000
OLDEST_VERSION = 140000
"""Versions as PostgreSQL's ``server_version_num`` says them."""


class ObjectKind(StrEnum):
    """The kinds of objects in a schema that have privileges of their own.

    A relation is a table, partitioned table, view, materialized view or foreign table: PostgreSQL has one set
    of privileges and one default for all five. Likewise for routines: functions, procedures, aggregates. Types are
    those that somebody made: not those of a table's rows, of arrays or of multiranges, which have no privileges.
    """

    RELATION = "relation"
    SEQUENCE = "sequence"
    ROUTINE = "routine"
    TYPE = "type"


class Attribute(StrEnum):
    """What a role can have, apart from memberships, settings and privileges."""

    LOGIN = "login"
    INHERIT = "inherit"
    CREATE_DATABASE = "createdb"
    CREATE_ROLE = "createrole"
    SUPERUSER = "superuser"
    REPLICATION = "replication"
    BYPASS_ROW_SECURITY = "bypassrls"
    CONNECTION_LIMIT = "connection limit"
    VALID_UNTIL = "valid until"


AttributeValue = bool | int | str | None

DEFAULT_ATTRIBUTES: dict[Attribute, AttributeValue] = {
    Attribute.LOGIN: False,
    Attribute.INHERIT: True,
    Attribute.CREATE_DATABASE: False,
    Attribute.CREATE_ROLE: False,
    Attribute.SUPERUSER: False,
    Attribute.REPLICATION: False,
    Attribute.BYPASS_ROW_SECURITY: False,
    Attribute.CONNECTION_LIMIT: -1,
    Attribute.VALID_UNTIL: None,
}
"""What a plain ``CREATE ROLE`` makes."""


@dataclass(frozen=True)
class Server:
    """What has to be known of a server to say what a document means on it, and what the master may do there.

    Attributes:
        version: ``server_version_num``, such as 170002.
        master: The role that this connection logged in as.
        database: The database that it is connected to.
        owns_database: Whether the master may grant and revoke on the database itself.
        may_create: Whether it may make schemas and trusted extensions in the database.
        has_iam_role: Whether the server has the role ``rds_iam``, as RDS does.
        master_attributes: What the master has itself, and so may give and take from version 16 on.
        superusers: The roles that nothing can be taken from.
    """

    version: int
    master: str
    master_is_superuser: bool
    database: str
    database_owner: str
    owns_database: bool
    may_create: bool
    has_iam_role: bool
    master_attributes: frozenset[Attribute]
    superusers: frozenset[str]

    @property
    def has_membership_options(self) -> bool:
        """Whether a membership has INHERIT and SET, and belongs to who granted it."""
        return self.version >= FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS


@dataclass(frozen=True)
class RoleExists:
    """There is a role of this name."""

    role: str


@dataclass(frozen=True)
class RoleAttribute:
    """A role has this value of an attribute."""

    role: str
    attribute: Attribute
    value: AttributeValue


@dataclass(frozen=True)
class RoleComment:
    """A role carries this comment: a text for people, the mark of who manages it, or both."""

    role: str
    text: str


@dataclass(frozen=True)
class RoleSetting:
    """Sessions of a role start with this setting; in one database only, unless ``database`` is None."""

    role: str
    database: str | None
    name: str
    value: tuple[str, ...]


@dataclass(frozen=True)
class Membership:
    """``member`` belongs to ``role``; before PostgreSQL 16 ``inherit`` and ``set`` are always true.

    Attributes:
        grantors: From version 16 on, of a membership that was found: by whom it can be revoked. It is not compared.
    """

    role: str
    member: str
    inherit: bool = True
    set: bool = True
    admin: bool = False
    grantors: tuple[str, ...] = field(default=(), compare=False)

    def joined(self, other: "Membership") -> "Membership":
        """What the two bring together, as when one role has granted the one and another role the other."""
        return replace(
            self,
            inherit=self.inherit or other.inherit,
            set=self.set or other.set,
            admin=self.admin or other.admin,
            grantors=(*self.grantors, *other.grantors),
        )

    def covers(self, other: "Membership") -> bool:
        """Whether it brings all that the other one brings."""
        return self.joined(other) == self


@dataclass(frozen=True)
class SchemaExists:
    """There is a schema of this name."""

    schema: str


@dataclass(frozen=True)
class SchemaOwner:
    """A schema belongs to this role."""

    schema: str
    owner: str


@dataclass(frozen=True)
class ExtensionExists:
    """The database has this extension."""

    extension: str


@dataclass(frozen=True)
class ExtensionSchema:
    """The objects of an extension are in this schema."""

    extension: str
    schema: str


class ObjectName(NamedTuple):
    """One object within its schema; ``arguments`` is a routine's types as SQL text, None for anything else.

    A tuple, since facts about thousands of them are compared, and tuples do that without running Python.
    """

    name: str
    arguments: str | None = None


@dataclass(frozen=True)
class OnDatabase:
    """The target of a privilege: a database."""

    database: str


@dataclass(frozen=True)
class OnSchema:
    """The target of a privilege: a schema itself, not what is in it."""

    schema: str


@dataclass(frozen=True)
class OnObjects:
    """The target of a privilege: objects of one kind in a schema that have the same privileges now.

    Attributes:
        names: The objects, sorted; empty as long as nothing has to be done to them.
        owner: Whose they are: whoever grants on them must act for this role.
        count: How many they are.
    """

    schema: str
    kind: ObjectKind
    names: tuple[ObjectName, ...]
    owner: str
    count: int


@dataclass(frozen=True)
class OnColumn:
    """The target of a privilege: one column of a relation that belongs to ``owner``."""

    schema: str
    relation: str
    column: str
    owner: str


Target = OnDatabase | OnSchema | OnObjects | OnColumn


@dataclass(frozen=True)
class Privilege:
    """A grantee, a role or `sql.PUBLIC`, has a privilege on a target."""

    grantee: str
    privilege: str
    target: Target
    is_grantable: bool = False


@dataclass(frozen=True)
class DefaultPrivilege:
    """What ``creator`` will make gets this privilege for the grantee from birth.

    ``schema`` is None for the creator's default everywhere in the database.
    """

    creator: str
    schema: str | None
    kind: ObjectKind
    grantee: str
    privilege: str
    is_grantable: bool = False


Fact = (
    RoleExists
    | RoleAttribute
    | RoleComment
    | RoleSetting
    | Membership
    | SchemaExists
    | SchemaOwner
    | ExtensionExists
    | ExtensionSchema
    | Privilege
    | DefaultPrivilege
)


Granted = tuple[str, str, bool]
"""A grantee, a privilege of theirs, and whether they may pass it on."""


@dataclass(frozen=True)
class ObjectGroup:
    """Objects of one schema, kind and owner with identical privileges, as the catalog counted them.

    Attributes:
        owner: Who will own them when what is to be done is done: another than now if a role is retired.
        key: What tells it from all other groups: owner and access control list as PostgreSQL prints them.
        count: How many objects it has.
        granted: Who has which privilege on them, as far as that is the document's to judge.
        single: The object, if the document names it, which makes a group of it alone.
        types: Of a single routine: the types of its arguments, as the document names it by them.
        names: The objects, once they have been looked up, which is done only for groups that must change.
    """

    schema: str
    kind: ObjectKind
    owner: str
    key: tuple[str, str | None]
    count: int
    granted: frozenset[Granted]
    single: ObjectName | None = None
    types: tuple[str, ...] = ()
    names: tuple[ObjectName, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column that the document names, or that somebody has a privilege on."""

    target: OnColumn
    granted: frozenset[Granted]


def builtin_default_privileges(creator: str) -> frozenset[DefaultPrivilege]:
    """What PostgreSQL lets everybody do with whatever a role creates, unless told otherwise."""
    return frozenset(
        {
            DefaultPrivilege(creator, None, ObjectKind.ROUTINE, PUBLIC, "EXECUTE"),
            DefaultPrivilege(creator, None, ObjectKind.TYPE, PUBLIC, "USAGE"),
        }
    )
