"""What an access document is made of: frozen values, each with what it means when it is left out.

Pure. `access` reads them, `document_schema` describes them to editors, and `declared` says what they come to.
"""

from dataclasses import dataclass, field
from enum import StrEnum

SIBLING_SUFFIXES = ("_a", "_b")
"""What the two login roles of a rotated login are called, after its own name."""

RESERVED_NAMES = frozenset(
    {"public", "none", "current_user", "current_role", "session_user", "rdsadmin", "rds_superuser", "rds_iam"}
    | {"rds_password", "rds_replication", "rds_ad", "rds_reserved", "rds_extension", "rdsrepladmin", "rdstopmgr"}
)
"""Role names that PostgreSQL or RDS keeps for itself, besides all that begin with ``pg_``."""

LIST_SETTINGS = frozenset(
    {"search_path", "temp_tablespaces", "session_preload_libraries", "shared_preload_libraries"}
    | {"local_preload_libraries", "unix_socket_directories"}
)
"""Settings whose value is a list of names: PostgreSQL quotes each element by itself (``GUC_LIST_QUOTE``)."""

SettingValues = dict[str, tuple[str, ...]]
"""By the setting's name in small letters: its value, of one element unless it is one of `LIST_SETTINGS`."""

MAXIMUM_CONNECTION_LIMIT = 2**31 - 1
"""PostgreSQL keeps the limit as a signed integer of four bytes."""


class Unlisted(StrEnum):
    """What becomes of access that the document does not declare."""

    REVOKE = "revoke"
    REPORT = "report"


class Preset(StrEnum):
    """What a role may do in a schema, as one word; `privileges` says which privileges that is."""

    READ = "read"
    WRITE = "write"
    OWN = "own"


class Credential(StrEnum):
    """How a login proves who it is: a rotated password in a secret, an IAM token, or what others have arranged."""

    ROTATED = "rotated"
    IAM = "iam"
    EXTERNAL = "external"


class GrantKind(StrEnum):
    """What a grant is on."""

    DATABASE = "database"
    SCHEMA = "schema"
    TABLES = "tables"
    SEQUENCES = "sequences"
    ROUTINES = "routines"
    TYPES = "types"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Single privileges, on a database, a schema, or objects of one kind.

    Attributes:
        on: The kind: database, schema, tables (views of all kinds too), sequences, routines or types.
        privileges: The privileges, as PostgreSQL calls them.
        schema: The schema, unless it is on the database.
        names: The objects; all of the kind, now and in future, if left out. A routine is named f(integer, text), or f.
        columns: With tables that are named: these columns only.
    """

    on: GrantKind
    privileges: tuple[str, ...]
    schema: str | None = None
    names: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class MembershipOptions:
    """What a membership brings; the first two are always true before PostgreSQL 16.

    Attributes:
        inherit: Whether the member has the group's privileges without asking.
        set: Whether the member may act as the group, with SET ROLE.
        admin: Whether the member may make others members.
    """

    inherit: bool = True
    set: bool = True
    admin: bool = False


@dataclass(frozen=True, kw_only=True)
class Schema:
    """A schema that the document manages, with everything in it.

    Attributes:
        owner: The role that it belongs to; what this role creates gets its privileges from birth.
    """

    owner: str


@dataclass(frozen=True, kw_only=True)
class Extension:
    """An extension that the database has; it is created if it is missing, and never dropped.

    Attributes:
        schema: Where its objects are; wherever PostgreSQL puts them, if left out.
    """

    schema: str | None = None


@dataclass(frozen=True, kw_only=True)
class Everybody:
    """What every role of the server may do, as the grantee PUBLIC.

    Attributes:
        schemas: What they may do in which schema.
        grants: Single privileges.
    """

    schemas: dict[str, Preset] = field(default_factory=dict)
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Member:
    """What a role and a login have in common.

    Attributes:
        comment: A text about it, for people.
        member_of: Roles whose privileges it has.
        memberships: The same with options, by role; a role stands in one of the two.
        schemas: What it may do in which schema.
        grants: Single privileges.
    """

    comment: str | None = None
    member_of: tuple[str, ...] = ()
    memberships: dict[str, MembershipOptions] = field(default_factory=dict)
    schemas: dict[str, Preset] = field(default_factory=dict)
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Role(Member):
    """A role without a login: it holds privileges, and logins are its members."""


@dataclass(frozen=True, kw_only=True)
class Login(Member):
    """A person or a program.

    Attributes:
        credential: A rotated password in a secret, an IAM token, or external: nothing that is managed here.
        acts_as: The role that its sessions act as from the start, so that what it creates belongs to that role.
        connection_limit: Sessions at once, for each login role; -1 for no limit.
        settings: Configuration of its sessions, such as statement_timeout; search_path and its like may be lists.
    """

    credential: Credential
    acts_as: str | None = None
    connection_limit: int = -1
    settings: SettingValues = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Retirement:
    """A role that shall be no more: it loses its access everywhere on the server, and is dropped.

    Attributes:
        reassign_to: The declared role or login that gets what it owns, in every database.
        drop_owned: Whether what it owns is dropped, in every database, with all that is in it.
        terminate_sessions: Whether its sessions are ended; otherwise it is not retired while it has any.
    """

    reassign_to: str | None = None
    drop_owned: bool = False
    terminate_sessions: bool = False


@dataclass(frozen=True, kw_only=True)
class AccessDocument:
    """Everything that is declared about one database.

    Attributes:
        database: Its name; the document is refused on any other.
        unlisted: Whether access that is not declared is revoked or reported.
        schemas: The schemas that are managed, by name.
        extensions: The extensions that the database has, by name.
        roles: The roles that hold privileges, by name.
        logins: Who logs in, by name.
        public: What everybody may do.
        retired: Roles that shall be no more, by name.
    """

    database: str
    unlisted: Unlisted = Unlisted.REVOKE
    schemas: dict[str, Schema] = field(default_factory=dict)
    extensions: dict[str, Extension] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)
    public: Everybody = field(default_factory=Everybody)
    retired: dict[str, Retirement] = field(default_factory=dict)

    def rotated_logins(self) -> tuple[str, ...]:
        """Names of the logins that have a secret, sorted."""
        return tuple(sorted(name for name, login in self.logins.items() if login.credential is Credential.ROTATED))

    def role_names(self) -> frozenset[str]:
        """Every role of the database that the document declares, siblings included."""
        siblings = {sibling for name in self.rotated_logins() for sibling in sibling_names(name)}
        return frozenset(self.roles) | frozenset(self.logins) | siblings

    def members(self) -> dict[str, Member]:
        """Roles and logins together, by name; no name stands for both."""
        return {**self.roles, **self.logins}

    def groups(self) -> frozenset[str]:
        """Whom others may be members of, and who may own a schema: roles, and logins that are theirs to arrange."""
        external = {name for name, login in self.logins.items() if login.credential is Credential.EXTERNAL}
        return frozenset(self.roles) | external


def sibling_names(login: str) -> tuple[str, str]:
    """The two login roles of a rotated login; the first gets the first credential."""
    first, second = SIBLING_SUFFIXES
    return login + first, login + second
