"""Facts about access: small frozen values that mean the same whether wished for or found.

Pure: no connection, no clock, no environment. `declared` says what a document means, `catalog` reads the same
kinds of facts from PostgreSQL, and `plan` makes statements of the difference. What an owner may do with its
own is no fact here: PostgreSQL grants that by itself. Passwords are no facts either: they cannot be read back.
"""

from enum import StrEnum

import attrs

from db_bootstrap.sql import PUBLIC

FIRST_VERSION_WITH_MAINTAIN = 170000
FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS = 160000
OLDEST_VERSION = 140000
"""Versions as PostgreSQL's ``server_version_num`` says them."""


class ObjectKind(StrEnum):
    """The kinds of objects in a schema that have privileges of their own.

    A relation is a table, partitioned table, view, materialized view or foreign table: PostgreSQL has one set
    of privileges and one default for all five. Likewise for routines: functions, procedures, aggregates.
    """

    RELATION = "relation"
    SEQUENCE = "sequence"
    ROUTINE = "routine"


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


@attrs.frozen
class Server:
    """What has to be known of a server to say what a document means on it.

    Attributes:
        version: ``server_version_num``, such as 170002.
        master: The role that this connection logged in as.
        database: The database that it is connected to.
        owns_database: Whether the master may grant and revoke on the database itself.
        has_iam_role: Whether the server has the role ``rds_iam``, as RDS does.
    """

    version: int
    master: str
    master_is_superuser: bool
    database: str
    database_owner: str
    owns_database: bool
    has_iam_role: bool


@attrs.frozen
class RoleExists:
    """There is a role of this name."""

    role: str


@attrs.frozen
class RoleAttribute:
    """A role has this value of an attribute."""

    role: str
    attribute: Attribute
    value: AttributeValue


@attrs.frozen
class RoleComment:
    """A role carries this comment: the mark of who manages it."""

    role: str
    text: str


@attrs.frozen
class RoleSetting:
    """Sessions of a role start with this setting; in one database only, unless ``database`` is None."""

    role: str
    database: str | None
    name: str
    value: tuple[str, ...]


@attrs.frozen
class Membership:
    """``member`` belongs to ``role``; before PostgreSQL 16 ``inherit`` and ``set`` are always true."""

    role: str
    member: str
    inherit: bool = True
    set: bool = True
    admin: bool = False


@attrs.frozen
class SchemaExists:
    """There is a schema of this name."""

    schema: str


@attrs.frozen
class SchemaOwner:
    """A schema belongs to this role."""

    schema: str
    owner: str


@attrs.frozen(order=True)
class ObjectName:
    """One object within its schema; ``arguments`` is a routine's types as SQL text, None for anything else."""

    name: str
    arguments: str | None = None


@attrs.frozen
class OnDatabase:
    """The target of a privilege: a database."""

    database: str


@attrs.frozen
class OnSchema:
    """The target of a privilege: a schema itself, not what is in it."""

    schema: str


@attrs.frozen
class OnObjects:
    """The target of a privilege: objects of one kind in a schema that have the same privileges now.

    Attributes:
        names: The objects, sorted.
        owner: Whose they are: whoever grants on them must act for this role.
    """

    schema: str
    kind: ObjectKind
    names: tuple[ObjectName, ...]
    owner: str


Target = OnDatabase | OnSchema | OnObjects


@attrs.frozen
class Privilege:
    """A grantee, a role or `sql.PUBLIC`, has a privilege on a target."""

    grantee: str
    privilege: str
    target: Target
    is_grantable: bool = False


@attrs.frozen
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
    | Privilege
    | DefaultPrivilege
)


@attrs.frozen
class ObjectGroup:
    """Objects of one schema, kind and owner with identical privileges, as the catalog counted them.

    Attributes:
        acl: The access control list as PostgreSQL prints it, None for the built-in default; with the other
            fields it identifies the group.
        is_of_extension: Whether they belong to an extension, which has its own say about their privileges.
        count: How many objects it has.
        granted: Who has which privilege on them, the owner's own left out.
        names: The objects, once they have been looked up, which is done only for groups that must change.
    """

    schema: str
    kind: ObjectKind
    owner: str
    acl: str | None
    is_of_extension: bool
    count: int
    granted: frozenset[tuple[str, str, bool]]
    names: tuple[ObjectName, ...] = ()


def builtin_default_privileges(creator: str) -> frozenset[DefaultPrivilege]:
    """What PostgreSQL lets everybody do with whatever a role creates, unless told otherwise."""
    return frozenset({DefaultPrivilege(creator, None, ObjectKind.ROUTINE, PUBLIC, "EXECUTE")})
