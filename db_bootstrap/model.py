"""The values that this package works with: facts about access, what was read of a database, and what to change.

Pure: no connection, no clock, no environment. `desired` derives facts from a document, `inspect` reads facts of the
same kinds from PostgreSQL, and `diff` turns the difference into statements. What owners can do with their objects is
not a fact, because PostgreSQL grants that implicitly. Neither are passwords, which cannot be read back.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from db_bootstrap.sql import PUBLIC
from db_bootstrap.values import dataclass

DEFAULT_EXTENSION_SCHEMA = "public"
"""The schema of extensions that name none: the first one of PostgreSQL's default ``search_path``."""

FIRST_VERSION_WITH_MAINTAIN = 170000
FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS = 160000
OLDEST_VERSION = 140000
"""Versions as in PostgreSQL's ``server_version_num``."""

F = TypeVar("F")


@dataclass(frozen=True)
class Endpoint:
    """The address of a database, and the certificate authorities to trust.

    Attributes:
        ca_file: A PEM file; None for plain text, which the command line allows on the loopback interface only.
    """

    host: str
    port: int
    database: str
    ca_file: str | None


@dataclass(frozen=True)
class Credential:
    """The name and password of a login role."""

    username: str
    password: str = field(repr=False)


class ObjectKind(StrEnum):
    """The kinds of objects in a schema that have privileges.

    A relation is a table, partitioned table, view, materialized view or foreign table: PostgreSQL has one set
    of privileges and one default for all five. Likewise for routines: functions, procedures, aggregates. Types are
    user-defined: not row types of tables, array types or multiranges, which have no privileges.
    """

    RELATION = "relation"
    SEQUENCE = "sequence"
    ROUTINE = "routine"
    TYPE = "type"

    __hash__ = str.__hash__  # runs no Python code, as that of `enum.Enum` would


class Attribute(StrEnum):
    """The attributes of a role, apart from memberships, settings and privileges, in the order of `inspect.queries`."""

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
"""The attributes that a plain ``CREATE ROLE`` gives."""


@dataclass(frozen=True)
class Server:
    """The properties of a server that decide what a document means on it, and what the master can do there.

    Attributes:
        version: ``server_version_num``, such as 170002.
        master: The role that this connection logged in as.
        database: The database that it is connected to.
        owns_database: Whether the master can grant and revoke on the database itself.
        may_create: Whether the master can create schemas and trusted extensions in the database.
        has_iam_role: Whether the server has the role ``rds_iam``, as RDS does.
        is_rds_master: Whether the master is a member of ``rds_superuser``. RDS then lets it administer roles without
            the ADMIN OPTION that PostgreSQL demands, and may record ``rdsadmin`` as the grantor. No catalog shows that,
            so the server decides when a statement runs.
        master_attributes: The attributes of the master, which are the ones it can change from version 16 on.
        superusers: The roles that nothing can be revoked from.
    """

    version: int
    master: str
    master_is_superuser: bool
    database: str
    database_owner: str
    owns_database: bool
    may_create: bool
    has_iam_role: bool
    is_rds_master: bool
    master_attributes: frozenset[Attribute]
    superusers: frozenset[str]

    @property
    def has_membership_options(self) -> bool:
        """Return True if memberships have INHERIT and SET options, and a grantor each."""
        return self.version >= FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS

    @property
    def masters(self) -> frozenset[str]:
        """Return the grantors of the memberships that the master granted: on RDS it may be the superuser."""
        return frozenset({self.master}) | (self.superusers if self.is_rds_master else frozenset())


@dataclass(frozen=True)
class RoleExists:
    """A role of this name exists."""

    role: str


class RoleAttribute(NamedTuple):
    """A role has this value of an attribute. A tuple, because each role has several; no other fact has three fields."""

    role: str
    attribute: Attribute
    value: AttributeValue


@dataclass(frozen=True)
class RoleComment:
    """A role has this comment: a text for people, the mark of the document that manages it, or both."""

    role: str
    text: str


@dataclass(frozen=True)
class RoleSetting:
    """Sessions of a role start with this setting, in one database only unless ``database`` is None."""

    role: str
    database: str | None
    name: str
    value: tuple[str, ...]


@dataclass(frozen=True)
class Membership:
    """``member`` belongs to ``role``; before PostgreSQL 16 ``inherit`` and ``set`` are always true.

    Attributes:
        grantors: From version 16 on, of an actual membership: the grantors who can revoke it. It is not compared.
    """

    role: str
    member: str
    inherit: bool = True
    set: bool = True
    admin: bool = False
    grantors: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_usable(self) -> bool:
        """Return True if the member has the role's rights in any way, or can give itself those."""
        return self.inherit or self.set or self.admin

    def joined(self, other: "Membership") -> "Membership":
        """Return the union of two grants of the same membership, made by different grantors."""
        return replace(
            self,
            inherit=self.inherit or other.inherit,
            set=self.set or other.set,
            admin=self.admin or other.admin,
            grantors=(*self.grantors, *other.grantors),
        )

    def covers(self, other: "Membership") -> bool:
        """Return True if it includes every option of the other one."""
        return self.joined(other) == self


@dataclass(frozen=True)
class SchemaExists:
    """A schema of this name exists."""

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

    A tuple, because facts about thousands of them are compared, and comparing tuples runs no Python code.
    """

    name: str
    arguments: str | None = None


class NeededSchema(NamedTuple):
    """A schema of the types of a routine's arguments: a statement that names the routine needs USAGE on it.

    Attributes:
        is_usable: Whether the master has USAGE.
        is_usable_by_owner: Whether the owner of the routine has it.
    """

    schema: str
    owner: str
    is_usable: bool
    is_usable_by_owner: bool


@dataclass(frozen=True)
class OnDatabase:
    """The target of a privilege: a database."""

    database: str


@dataclass(frozen=True)
class OnSchema:
    """The target of a privilege: a schema itself, not its objects."""

    schema: str


@dataclass(frozen=True)
class OnObjects:
    """The target of a privilege: objects of one kind in a schema that have identical privileges now.

    Attributes:
        names: The objects, sorted; empty unless they must change.
        owner: The owner of all of them: a grant on them must be made as this role.
        count: The number of objects.
        key: As in `ObjectGroup`; it tells groups apart whose names were not read.
        needs: Other schemas that a statement on them needs USAGE on. It is not compared.
    """

    schema: str
    kind: ObjectKind
    names: tuple[ObjectName, ...]
    owner: str
    count: int
    key: tuple[str, str | None]
    needs: frozenset[NeededSchema] = field(default=frozenset(), compare=False)


@dataclass(frozen=True)
class OnColumn:
    """The target of a privilege: one column of a relation that belongs to ``owner``."""

    schema: str
    relation: str
    column: str
    owner: str


Target = OnDatabase | OnSchema | OnObjects | OnColumn


class Privilege(NamedTuple):
    """A grantee, a role or `sql.PUBLIC`, has a privilege on a target. A tuple, as there can be thousands."""

    grantee: str
    privilege: str
    target: Target
    is_grantable: bool = False


Granted = tuple[str, str, bool]
"""A grantee, a privilege, and whether it comes with the grant option."""


class DefaultPrivileges(NamedTuple):
    """Objects that any of ``creators`` creates in future grant these privileges.

    ``schema`` is None for a default everywhere in the database. The creators with the same privileges are one fact,
    because a document with many creators and schemas has tens of thousands of single ones.
    """

    creators: tuple[str, ...]
    schema: str | None
    kind: ObjectKind
    grants: tuple[Granted, ...]


@dataclass(frozen=True)
class ObjectOwner:
    """An object belongs to this role, whose objects the owner of the schema adopts.

    Attributes:
        object: Kind and name as SQL, such as ``TABLE beers.beer``.
        is_security_definer: Whether it is a routine that runs with its owner's rights.
        needs: As in `OnObjects`. It is not compared.
    """

    schema: str
    object: str
    owner: str
    is_security_definer: bool
    needs: frozenset[NeededSchema] = field(default=frozenset(), compare=False)


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
    | ObjectOwner
    | Privilege
    | DefaultPrivileges
)


Entry = tuple[str, str, bool, str]
"""An entry of an access control list: grantee, privilege, whether it comes with the grant option, and grantor."""


class GrantedMembership(NamedTuple):
    """A membership by one grantor; before version 16 there is one per member, by any grantor."""

    role: str
    member: str
    grantor: str
    inherit: bool
    set: bool
    admin: bool
    role_is_administered: bool
    can_act_as_grantor: bool
    grantor_is_administered: bool

    def fact(self, *, is_with_grantor: bool = False) -> Membership:
        """Return the membership, with its grantor or without."""
        grantors = (self.grantor,) if is_with_grantor else ()
        return Membership(self.role, self.member, self.inherit, self.set, self.admin, grantors)


class ContainerRow(NamedTuple):
    """The database or a schema, by ``kind``, and its access control list."""

    kind: str
    name: str
    owner: str
    entries: Sequence[Entry]


@dataclass(frozen=True)
class ObjectRow:
    """Objects of one schema, kind and owner with the same list ``acl``; the attributes are as in `ObjectGroup`.

    ``name`` and what follows it are those of an object that the document names.
    """

    schema: str
    kind: str
    owner: str
    acl: str | None
    is_of_extension: bool
    count: int
    name: str | None
    arguments: str | None
    types: tuple[str, ...]
    needs: frozenset[NeededSchema]
    entries: Sequence[Entry]


class ColumnRow(NamedTuple):
    """A column with its list, or if ``called`` is given, a routine that a relation calls; ``name`` is a privilege then.

    ``called`` is the routine's schema, name and types; ``owner`` and what follows are the routine's too.
    """

    called: tuple[str, str, str] | None
    schema: str
    relation: str
    name: str
    owner: str
    is_of_extension: bool
    entries: Sequence[Entry]


class DefaultRow(NamedTuple):
    """Default privileges on one kind of objects, and where they are the same: schemas with the creators in them."""

    places: Sequence[tuple[Sequence[str | None], Sequence[str]]]
    kind: str
    entries: Sequence[Granted]


@dataclass(frozen=True)
class ObjectGroup:
    """Objects of one schema, kind and owner with identical privileges, as the catalog counted them.

    Attributes:
        owner: The owner after the statements have run: the successor of the current one if that role is retired.
        key: The group's identity: its current owner and access control list, as PostgreSQL prints them.
        count: The number of objects.
        granted: The privileges on them that are in the document's scope.
        single: The object, if the document names it, which puts it into a group of one.
        types: Of a single routine: the types of its arguments, as PostgreSQL prints them.
        written: Of a single routine: the names in the document that mean it.
        names: The objects; read only for groups that must change.
        needs: As in `OnObjects`; read with the names.
    """

    schema: str
    kind: ObjectKind
    owner: str
    key: tuple[str, str | None]
    count: int
    granted: frozenset[Granted]
    single: ObjectName | None = None
    types: tuple[str, ...] = ()
    written: frozenset[str] = frozenset()
    names: tuple[ObjectName, ...] = ()
    needs: frozenset[NeededSchema] = frozenset()


@dataclass(frozen=True)
class Column:
    """A column that the document names, or that a grantee has a privilege on."""

    target: OnColumn
    granted: frozenset[Granted]


class Call(NamedTuple):
    """A routine that PostgreSQL calls with the rights of those who read or write a relation.

    Attributes:
        privilege: ``SELECT`` or ``INSERT``: the privilege on the relation with which it is called.
        executors: Those that may execute it, if the document does not decide that; None if it does.
    """

    schema: str
    relation: str
    privilege: str
    routine_schema: str
    routine: ObjectName
    owner: str
    executors: frozenset[str] | None


class UserPolicy(NamedTuple):
    """A row policy that compares rows with the user of the session.

    Attributes:
        is_of_session_user: Whether it uses only SESSION_USER, which is the login role in any case.
        roles: The roles that it is for.
    """

    schema: str
    relation: str
    is_of_session_user: bool
    roles: Sequence[str]


BUILTIN_DEFAULTS = (
    (None, ObjectKind.ROUTINE, [(PUBLIC, "EXECUTE", False)]),
    (None, ObjectKind.TYPE, [(PUBLIC, "USAGE", False)]),
)
"""The default privileges that PostgreSQL gives on new objects of every creator, as for `joined_defaults`."""


DefaultGroup = tuple[Collection[str], str | None, ObjectKind, Collection[Granted]]
"""Like `DefaultPrivileges`, but others of the creators can have the same privileges."""


def joined_defaults(groups: Iterable[DefaultGroup]) -> frozenset[Fact]:
    """Join the creators with the same default privileges, without what creators have as owners."""
    joined = defaultdict[tuple[str | None, ObjectKind, frozenset[Granted]], set[str]](set)
    for creators, schema, kind, grants in groups:
        own = {grantee for grantee, _, _ in grants}.intersection(creators)
        joined[schema, kind, frozenset(grants)].update(set(creators) - own)
        for creator in own:
            joined[schema, kind, frozenset(grant for grant in grants if grant[0] != creator)].add(creator)
    return frozenset(
        DefaultPrivileges(tuple(sorted(creators)), schema, kind, tuple(sorted(grants)))
        for (schema, kind, grants), creators in joined.items()
        if creators and grants
    )


@dataclass(frozen=True)
class ActualRole:
    """A role of the server that the document declares, retires or once declared, or whose rights are needed.

    Attributes:
        comment: "" for none.
        attributes: In the order of the catalog's columns.
        can_act_as: Whether the master has the role's rights now, without a further grant.
        has_master_as_member: Whether that is because the master is a direct member, not a member of a member.
        is_administered: Whether the catalogs let the master alter the role and grant it.
        may_be_administered: Whether the server may let it do so nevertheless, or they do.
    """

    name: str
    comment: str
    attributes: tuple[tuple[Attribute, Any], ...]
    can_act_as: bool
    has_master_as_member: bool
    is_administered: bool
    may_be_administered: bool

    @property
    def needs_no_joining(self) -> bool:
        """Return True if the master acts as this role independently of others, or has no other way to do so."""
        return self.has_master_as_member or (self.can_act_as and not self.is_administered)

    @property
    def is_in_reach(self) -> bool:
        """Return True if the master can act as the role, if need be by joining it temporarily."""
        return self.can_act_as or self.may_be_administered


@dataclass(frozen=True)
class ActualExtension:
    """An extension that the document declares, as the server has it.

    Attributes:
        schema: The schema of its objects, if it is installed.
        is_movable: Whether the master can move its objects to another schema.
        is_trusted: Whether it can be installed without a superuser.
        only_schema: The one schema that it can be in; None if there is a choice.
        installed: All extensions that the database has.
        schema_exists: Whether the declared schema exists, or if none is declared, `DEFAULT_EXTENSION_SCHEMA`.
        is_on_rds: Whether the server is RDS, where the master can install extensions that elsewhere need a superuser.
    """

    name: str
    is_installed: bool
    is_available: bool
    schema: str | None
    is_movable: bool | None
    is_trusted: bool
    only_schema: str | None
    requires: Sequence[str]
    installed: Sequence[str]
    schema_exists: bool
    is_on_rds: bool


class DependencyKind(StrEnum):
    """The possessions of a retired role that matter; objects can be of several kinds.

    OWNED, SHARED: It owns objects of a database, or those of the server, which ``DROP OWNED`` leaves.
    GRANTED: It has privileges on objects of an owner, or a policy names it.
    GRANTED_BY_ANOTHER: It has privileges that ``DROP OWNED`` leaves, because not the owner granted them.
    IRREVOCABLE: The same, and the grantor could not revoke them today.
    NEEDS_CREATE: It owns objects that can only be given to a role with CREATE on a schema or a database.
    NOT_TRANSFERABLE: It owns an object that its successor cannot own.
    DEFINER: It owns a routine that runs with the rights of its owner.
    PREPARED: It prepared a transaction, which only it or a superuser can end.
    CODE: It owns a view, or a table with rules, triggers or policies, which can run code with the rights of its owner.
    """

    OWNED = "owned"
    SHARED = "shared"
    GRANTED = "granted"
    GRANTED_BY_ANOTHER = "granted by another"
    IRREVOCABLE = "irrevocable"
    NEEDS_CREATE = "needs create"
    NOT_TRANSFERABLE = "not transferable"
    DEFINER = "definer"
    PREPARED = "prepared"
    CODE = "code"


@dataclass(frozen=True)
class Dependency:
    """An object that a retired role owns, or a grant to it, in one database or in none (``pg_shdepend``).

    Attributes:
        database: The database; None for the document's own, and for shared objects.
        owner: The role as which a grant must be revoked, or CREATE granted; of a DEFINER the owner of a schema that
            neither the role nor the master can use. None if no role is needed.
        what: The object, as SQL text where a statement names it.
        count: The number of objects.
    """

    database: str | None
    kind: DependencyKind
    owner: str | None
    what: str | None
    count: int


@dataclass(frozen=True)
class RetiredRole:
    """A retired role that still exists.

    Attributes:
        dependencies: Everything it owns or was granted, in all databases of the server.
        unread: Databases in which it has dependencies and that could not be read, with the reason.
    """

    role: str
    is_superuser: bool
    sessions: int
    dependencies: tuple[Dependency, ...]
    unread: tuple[tuple[str, str], ...] = ()

    def owned(self) -> dict[str | None, int]:
        """Return the number of objects that it owns, by database."""
        counted: dict[str | None, int] = {}
        for dependency in self.dependencies:
            if dependency.kind in {DependencyKind.OWNED, DependencyKind.SHARED}:
                counted[dependency.database] = counted.get(dependency.database, 0) + dependency.count
        return counted

    def of_kind(self, *kinds: DependencyKind) -> list[Dependency]:
        """Return what it has of these kinds."""
        return [dependency for dependency in self.dependencies if dependency.kind in kinds]

    def needed(self) -> frozenset[str]:
        """Return the roles as whom its grants must be revoked, or its successor granted CREATE."""
        others = (dependency for dependency in self.dependencies if dependency.kind is not DependencyKind.DEFINER)
        return frozenset(dependency.owner for dependency in others if dependency.owner is not None)


@dataclass(frozen=True)
class Signatures:
    """The signatures in a document.

    Attributes:
        meanings: By signature as written: a routine's name and PostgreSQL's names of its types, once for each reading.
        unknown: By signature as written: a type in it that PostgreSQL does not know, in either reading.
    """

    meanings: dict[str, frozenset[tuple[str, tuple[str, ...]]]]
    unknown: dict[str, str]

    def mean(self, written: str, name: str, types: tuple[str, ...]) -> bool:
        """Return True if ``written`` means the routine of this name with arguments of these types."""
        return written == name or (name, types) in self.meanings.get(written, ())


NamesByGroup = Mapping[tuple[str, str, str, str | None], tuple[tuple[ObjectName, ...], frozenset[NeededSchema]]]
"""By schema, kind, owner and access control list: the objects, and the schemas that they need."""


@dataclass(frozen=True)
class Catalogs:
    """The catalogs of a database as read, without judgment; `Snapshot` describes the other attributes.

    Attributes:
        settings: Those of managed roles.
        memberships: Those of managed roles, and in them.
        containers: The database and the managed schemas that exist.
        objects: Those in managed schemas.
        columns: Those that have privileges or that the document names, and the routines that relations call.
        defaults: The default privileges in managed schemas, and those of declared roles everywhere.
        adoptable: The owners of the objects in schemas that adopt some.
        signatures: Those in the document, with what they mean here.
        names: Empty unless objects must change.
    """

    retired_roles: tuple[RetiredRole, ...]
    roles: dict[str, ActualRole]
    settings: tuple[RoleSetting, ...]
    belongings: dict[str, dict[str, int]]
    memberships: tuple[GrantedMembership, ...]
    containers: tuple[ContainerRow, ...]
    policies: tuple[UserPolicy, ...]
    objects: tuple[ObjectRow, ...]
    columns: tuple[ColumnRow, ...]
    defaults: tuple[DefaultRow, ...]
    extensions: tuple[ActualExtension, ...]
    adoptable: tuple[ObjectOwner, ...]
    signatures: Signatures
    names: NamesByGroup


@dataclass(frozen=True)
class Snapshot:
    """The access of a database, within the scope of a document.

    Attributes:
        facts: Every actual fact that the document could have declared.
        kept: Privileges and memberships that are not facts in this sense and stay.
        implicitly_revoked: Those that end as a consequence of a lost grant option, a retired role or a new owner.
        creation_rights: Inherited memberships and CREATE on schemas that roles keep, whether declared or not.
        groups: The objects of the managed schemas that are in scope.
        columns: Their columns that have privileges, or that the document names.
        calls: The routines that are called by relations in the managed schemas.
        policies: The row policies of these relations that depend on the user of the session.
        belongings: By login role of a pair, and by role declared once: the number of objects of each type that it
            owns, of policies for it, and of its user mappings and prepared transactions.
        foreign: Single objects that the document names, of owners whose objects are left alone.
        unknown_types: By schema and signature in the document: a type in it that PostgreSQL does not know.
        roles: By name: the declared roles that exist, those declared once, and those whose rights may be needed.
        acts_as: The roles whose rights the master has without joining them first.
        schema_owners: The owner of each managed schema that exists.
        extensions: The declared extensions.
        retired_roles: The retired roles that still exist.
        irrevocable: Sentences on memberships in managed roles that managed roles keep although they are not declared.
        restricted_settings: The context of each declared setting that no role can have, or that the master cannot set.
        unmanaged: Sentences on access in reach of the document that it leaves alone.
    """

    server: Server
    facts: frozenset[Fact]
    kept: frozenset[Fact]
    implicitly_revoked: frozenset[Fact]
    creation_rights: frozenset[Fact]
    groups: tuple[ObjectGroup, ...]
    columns: tuple[Column, ...]
    calls: tuple[Call, ...]
    policies: tuple[UserPolicy, ...]
    belongings: dict[str, dict[str, int]]
    foreign: tuple[ObjectGroup, ...]
    unknown_types: dict[tuple[str, str], str]
    roles: dict[str, ActualRole]
    acts_as: frozenset[str]
    schema_owners: dict[str, str]
    extensions: tuple[ActualExtension, ...]
    retired_roles: tuple[RetiredRole, ...]
    irrevocable: tuple[str, ...]
    restricted_settings: dict[str, str]
    unmanaged: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """The facts that are missing, and those that are not declared.

    Attributes:
        surplus: Those to remove.
        kept: Those that stay, but for comments and defaults.
    """

    missing: frozenset[Fact]
    surplus: frozenset[Fact]
    kept: frozenset[Fact] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.missing or self.surplus)


@dataclass(frozen=True)
class Statement:
    """One step towards what the document declares.

    Attributes:
        sql: The statement, complete and quoted; it never contains a secret.
        reason: Why, in words.
        is_destructive: Whether it takes access away, or drops something.
        acts_as: The roles whose rights the master needs to run it.
        database: The database that it runs in, unless that is the document's own.
        is_bookkeeping: Whether it only lets others run, and is undone before the end.
    """

    sql: str
    reason: str
    is_destructive: bool = False
    acts_as: frozenset[str] = frozenset()
    database: str | None = None
    is_bookkeeping: bool = False


@dataclass(frozen=True)
class Plan:
    """The changes that would make a database what its document declares.

    Attributes:
        statements: In order; empty when the database is in sync.
        refusals: The reasons why they cannot run; nothing is tried unless this is empty.
        unmanaged: Sentences on access in reach of the document that it leaves alone.
        summary: Sentences on what each login gains and loses.
    """

    statements: tuple[Statement, ...]
    refusals: tuple[str, ...]
    unmanaged: tuple[str, ...]
    summary: tuple[str, ...]


def sorted_facts(facts: Iterable[Fact], kind: type[F]) -> list[F]:
    """Return the facts of one kind, in an order that does not depend on hashes."""
    return sorted([fact for fact in facts if isinstance(fact, kind)], key=repr)
