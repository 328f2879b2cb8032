"""The types of an access document: frozen values, each with its default.

`reader` reads them, `cli.json_schema` describes them to editors, and `desired` derives facts from them. The docstrings
of the classes are the descriptions in the JSON Schema.
"""

from dataclasses import field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property

from db_bootstrap.sql import PUBLIC
from db_bootstrap.values import dataclass

LOGIN_ROLE_SUFFIXES = ("_a", "_b")
"""The suffixes of the two login roles of a rotated login, after its name."""

IAM_ROLE = "rds_iam"
"""Members of this role log in to RDS by IAM token only."""

RESERVED_NAMES = frozenset(
    {"public", "none", "current_user", "current_role", "session_user", "rdsadmin", "rds_superuser", "rds_iam"}
    | {"rds_password", "rds_replication", "rds_ad", "rds_reserved", "rds_extension", "rdsrepladmin", "rdstopmgr"}
)
"""Role names that PostgreSQL or RDS reserves, in addition to all that begin with ``pg_``."""

_WITHOUT_MEMBERS = frozenset({"pg_database_owner", IAM_ROLE})
"""Roles of PostgreSQL and RDS whose members a document cannot name."""

LIST_SETTINGS = frozenset(
    {"search_path", "temp_tablespaces", "session_preload_libraries", "shared_preload_libraries"}
    | {"local_preload_libraries", "unix_socket_directories"}
)
"""Settings whose value is a list of names: PostgreSQL quotes each element (``GUC_LIST_QUOTE``)."""

SettingValues = dict[str, tuple[str, ...]]
"""By the setting's name in lower case: its value, of one element unless it is one of `LIST_SETTINGS`."""

MAXIMUM_CONNECTION_LIMIT = 2**31 - 1
"""PostgreSQL stores the limit as a signed integer of four bytes."""

NEVER = datetime.max.replace(tzinfo=UTC)
"""The end of a password that does not expire: ``infinity`` in a document, as in PostgreSQL."""

MOMENT_PATTERN = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2}))?"
"""A date, or a time with its zone, in the format of ISO 8601; it has the same meaning in JSON Schema and in Python."""


class Unlisted(StrEnum):
    """The treatment of access that the document does not declare."""

    REVOKE = "revoke"
    REPORT = "report"


class Preset(StrEnum):
    """A set of privileges on a schema and its objects; see `presets`."""

    READ = "read"
    WRITE = "write"
    OWN = "own"


class CredentialKind(StrEnum):
    """A login's authentication: a rotated password in a secret, an IAM token, or a credential managed elsewhere."""

    ROTATED = "rotated"
    IAM = "iam"
    EXTERNAL = "external"


class GrantKind(StrEnum):
    """The kind of target of a grant."""

    DATABASE = "database"
    SCHEMA = "schema"
    TABLES = "tables"
    SEQUENCES = "sequences"
    ROUTINES = "routines"
    TYPES = "types"


PRIVILEGES: dict[GrantKind, tuple[str, ...]] = {
    GrantKind.DATABASE: ("CONNECT", "CREATE", "TEMPORARY"),
    GrantKind.SCHEMA: ("USAGE", "CREATE"),
    GrantKind.TABLES: ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"),
    GrantKind.SEQUENCES: ("SELECT", "USAGE", "UPDATE"),
    GrantKind.ROUTINES: ("EXECUTE",),
    GrantKind.TYPES: ("USAGE",),
}
"""The privileges on each kind; MAINTAIN from PostgreSQL 17 on."""

COLUMN_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "REFERENCES")
"""The privileges on a column."""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Single privileges, on a database, a schema, or objects of one kind.

    Attributes:
        on: The kind: database, schema, tables (including views of all kinds), sequences, routines or types.
        privileges: The privileges, under PostgreSQL's names.
        schema: The schema; not for a grant on the database.
        names: The objects, a routine as f(integer, text) or f; by default all of the kind, also in future.
        columns: For named tables: only these columns.
    """

    on: GrantKind
    privileges: tuple[str, ...]
    schema: str | None = None
    names: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class MembershipOptions:
    """The options of a membership; before PostgreSQL 16 members inherit or not as a whole, and 'set' is always true.

    Attributes:
        inherit: Whether it has the group's privileges without SET ROLE; by default, as the member's inherit says.
        set: Whether it can act as the group, with SET ROLE.
        admin: Whether it can grant the membership to others.
    """

    inherit: bool | None = None
    set: bool = True
    admin: bool = False


@dataclass(frozen=True, kw_only=True)
class Schema:
    """A schema that the document manages, with all objects in it.

    Attributes:
        owner: The role that owns it; what declared roles create in it gets its privileges at once.
        adopt: Roles whose objects in the schema go to its owner, except an extension's.
    """

    owner: str
    adopt: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Extension:
    """An extension of the database; it is created if it is missing, and never dropped.

    Attributes:
        schema: The schema of its objects; by default, PostgreSQL's choice.
    """

    schema: str | None = None


@dataclass(frozen=True, kw_only=True)
class Public:
    """The access of every role of the server, through the grantee PUBLIC.

    Attributes:
        schemas: A preset, by schema.
        grants: Single privileges.
    """

    schemas: dict[str, Preset] = field(default_factory=dict)
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Member:
    """The common attributes of roles and logins.

    Attributes:
        comment: A description, for people.
        inherit: Whether it has its groups' privileges without SET ROLE; by default, it does.
        member_of: Roles whose privileges it has: declared ones, and PostgreSQL's and RDS's, such as pg_monitor.
        memberships: The same with options, by role, which is then not in member_of.
        schemas: A preset, by schema.
        grants: Single privileges.
    """

    comment: str | None = None
    inherit: bool | None = None
    member_of: tuple[str, ...] = ()
    memberships: dict[str, MembershipOptions] = field(default_factory=dict)
    schemas: dict[str, Preset] = field(default_factory=dict)
    grants: tuple[Grant, ...] = ()

    def inherited(self) -> frozenset[str]:
        """Return the groups whose privileges it has without SET ROLE."""
        inherits = self.inherit is not False
        special = {
            group
            for group, options in self.memberships.items()
            if (inherits if options.inherit is None else options.inherit)
        }
        return frozenset({*(self.member_of if inherits else ()), *special})


@dataclass(frozen=True, kw_only=True)
class Role(Member):
    """A role that cannot log in: it has privileges, and logins are its members."""


@dataclass(frozen=True, kw_only=True)
class Login(Member):
    """A person or a program.

    Attributes:
        credential: A rotated password in a secret, an IAM token, or external: managed elsewhere.
        acts_as: The role that its sessions act as, which owns what they create.
        connection_limit: Concurrent sessions of each login role, -1 for no limit; by default unchanged.
        valid_until: When its password expires: a date, a time with zone, or infinity; by default unchanged.
        settings: Its sessions' settings, such as statement_timeout; search_path and the like can be lists.
    """

    credential: CredentialKind
    acts_as: str | None = None
    connection_limit: int | None = None
    valid_until: datetime | None = None
    settings: SettingValues = field(default_factory=dict)

    def inherited(self) -> frozenset[str]:
        """Return the groups whose privileges it has without SET ROLE, the role that it acts as included."""
        acts_as = {self.acts_as} if self.acts_as and self.acts_as not in self.memberships else set[str]()
        return super().inherited() | (acts_as if self.inherit is not False else set())


@dataclass(frozen=True, kw_only=True)
class Retirement:
    """A role to remove: it loses its access everywhere on the server, and is dropped.

    Attributes:
        reassign_to: The declared role or login that gets its objects, in every database.
        drop_owned: Whether its objects are dropped, in every database, with all data.
        terminate_sessions: Whether its sessions are ended; otherwise it stays while it has any.
    """

    reassign_to: str | None = None
    drop_owned: bool = False
    terminate_sessions: bool = False


@dataclass(frozen=True, kw_only=True)
class AccessDocument:
    """The declared access of one database.

    Attributes:
        database: Its name; the document is refused on any other.
        unlisted: Whether undeclared access is revoked or reported.
        schemas: The managed schemas, by name.
        extensions: The extensions of the database, by name.
        roles: The roles that have privileges and cannot log in, by name.
        logins: The people and programs that log in, by name.
        public: The access of every role.
        retired: Roles to remove, by name.
    """

    database: str
    unlisted: Unlisted = Unlisted.REVOKE
    schemas: dict[str, Schema] = field(default_factory=dict)
    extensions: dict[str, Extension] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)
    public: Public = field(default_factory=Public)
    retired: dict[str, Retirement] = field(default_factory=dict)

    def __hash__(self) -> int:
        """Return a hash, so that what is derived from the document can be cached."""
        return hash(self.database)

    @cached_property
    def rotated_logins(self) -> tuple[str, ...]:
        """The names of the logins that have a secret, sorted."""
        return tuple(sorted(name for name, login in self.logins.items() if login.credential is CredentialKind.ROTATED))

    @cached_property
    def rotated_roles(self) -> frozenset[str]:
        """The logins that have a secret, and their login roles."""
        return frozenset(role for name in self.rotated_logins for role in (name, *login_role_names(name)))

    @cached_property
    def role_names(self) -> frozenset[str]:
        """Every role that the document declares, login roles included."""
        return self.rotated_roles.union(self.roles, self.logins)

    @cached_property
    def members(self) -> dict[str, Member]:
        """Roles and logins together, by name; no name is both."""
        return {**self.roles, **self.logins}

    @cached_property
    def inherited(self) -> dict[str, frozenset[str]]:
        """The roles whose privileges each role and login inherits, and PUBLIC, which inherits none."""
        inherited = {PUBLIC: frozenset[str]()}

        def reached(name: str) -> frozenset[str]:
            if name not in inherited:
                groups = self.members[name].inherited() if name in self.members else frozenset[str]()
                inherited[name] = groups.union(*map(reached, groups))
            return inherited[name]

        return inherited | {name: reached(name) for name in self.members}

    def predefined_groups(self) -> frozenset[str]:
        """Return the roles of PostgreSQL and RDS that have declared members."""
        groups = {group for member in self.members.values() for group in (*member.member_of, *member.memberships)}
        return frozenset(groups) - self.groups

    @cached_property
    def groups(self) -> frozenset[str]:
        """The roles that can have members and own schemas: roles, and logins with an external credential."""
        external = {name for name, login in self.logins.items() if login.credential is CredentialKind.EXTERNAL}
        return frozenset(self.roles) | external


def is_reserved(name: str) -> bool:
    """Return True if PostgreSQL or RDS keeps this role name for itself."""
    return name in RESERVED_NAMES or name.startswith("pg_")


def is_predefined_group(name: str) -> bool:
    """Return True if it can be a role of PostgreSQL or RDS that others are made members of."""
    return name.startswith(("pg_", "rds_")) and name not in _WITHOUT_MEMBERS


def login_role_names(login: str) -> tuple[str, str]:
    """Return the two login roles of a rotated login; the first gets the first credential."""
    first, second = LOGIN_ROLE_SUFFIXES
    return login + first, login + second
