"""The desired facts: those that hold after an access document has been applied.

Pure. Presets and grants become exact privileges here, those of PUBLIC included. What a plan needs several times is
kept for the last document.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from db_bootstrap.document.model import (
    IAM_ROLE,
    NEVER,
    AccessDocument,
    CredentialKind,
    Grant,
    GrantKind,
    Login,
    MembershipOptions,
    Preset,
    login_role_names,
)
from db_bootstrap.document.presets import OBJECT_KINDS, SCHEMA_PRIVILEGES, object_privileges
from db_bootstrap.model import (
    DEFAULT_ATTRIBUTES,
    Attribute,
    AttributeValue,
    Column,
    ExtensionExists,
    ExtensionSchema,
    Fact,
    Granted,
    Membership,
    ObjectGroup,
    ObjectKind,
    OnDatabase,
    OnObjects,
    OnSchema,
    Privilege,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
    SchemaExists,
    SchemaOwner,
    Server,
    Target,
    joined_defaults,
)
from db_bootstrap.sql import PUBLIC
from db_bootstrap.values import dataclass

_MARK_BEGINS = "Managed by db_bootstrap for the database "


@dataclass(frozen=True)
class Holder:
    """A grantee of the document, with its presets and grants.

    Attributes:
        path: The path in the document.
        grantee: A role, or `sql.PUBLIC`.
    """

    path: str
    grantee: str
    schemas: Mapping[str, Preset]
    grants: tuple[Grant, ...]


def holders(document: AccessDocument) -> Iterator[Holder]:
    """Yield every grantee of the document, PUBLIC included."""
    # Skip logins without grants, which are most of them: this runs for every kind of object in every schema.
    for name, role in document.roles.items():
        if role.schemas or role.grants:
            yield Holder(f"document.roles[{name!r}]", name, role.schemas, role.grants)
    for name, login in document.logins.items():
        if login.schemas or login.grants:
            yield Holder(f"document.logins[{name!r}]", name, login.schemas, login.grants)
    yield Holder("document.public", PUBLIC, document.public.schemas, document.public.grants)


def mark(database: str) -> str:
    """Return the last line in the comment of a role that the access document of ``database`` manages."""
    return f"{_MARK_BEGINS}{database}. Change the access document, not this role."


def is_marked_by_another(stored: str, database: str) -> bool:
    """Return True if a role has the mark of the access document of another database."""
    return stored.rpartition("\n")[2].startswith(_MARK_BEGINS) and not is_marked(stored, database)


def comment(text: str | None, database: str) -> str:
    """Return the comment of such a role: a text for people, then the mark."""
    return mark(database) if text is None else f"{text}\n{mark(database)}"


def text_of(stored: str, database: str) -> str | None:
    """Return the text for people in such a comment, if there is one."""
    text = stored.removesuffix(mark(database)).removesuffix("\n")
    return text or None


def is_marked(stored: str, database: str) -> bool:
    """Return True if a role has the mark of the access document of ``database``."""
    return stored == mark(database) or stored.endswith(f"\n{mark(database)}")


@lru_cache(maxsize=1)
def facts(document: AccessDocument, server: Server, creation_rights: frozenset[Fact] = frozenset()) -> frozenset[Fact]:
    """Return all facts that the document declares, except on existing objects in the schemas."""
    return frozenset[Fact]().union(
        roles(document, server),
        memberships(document, server),
        settings(document),
        _schemas(document),
        _extensions(document),
        container_privileges(document, server),
        _default_privileges(document, server, creation_rights),
    )


KindGrants = Mapping[tuple[str, ObjectKind, str | None], frozenset[tuple[str, str]]]
"""By schema, kind of object, and name as written, or None for all objects: grantees and their privileges."""


@lru_cache(maxsize=1)
def kind_grants(document: AccessDocument, server: Server) -> KindGrants:
    """Return the desired privileges on all objects of a kind in a schema, existing and future, and on named ones."""
    grants: dict[tuple[str, ObjectKind, str | None], set[tuple[str, str]]] = {}
    for holder in holders(document):
        for schema, preset in holder.schemas.items():
            for kind in ObjectKind:
                for privilege in object_privileges(preset, kind, server.version):
                    grants.setdefault((schema, kind, None), set()).add((holder.grantee, privilege))
        for grant in holder.grants:
            if grant.schema is not None and grant.columns is None and grant.on in OBJECT_KINDS:
                granted = {(holder.grantee, privilege) for privilege in grant.privileges}
                for name in (None,) if grant.names is None else grant.names:
                    grants.setdefault((grant.schema, OBJECT_KINDS[grant.on], name), set()).update(granted)
    return {key: frozenset(granted) for key, granted in grants.items()}


def object_grants(on_all: KindGrants, group: ObjectGroup) -> frozenset[Granted]:
    """Return the desired privileges on every object of a group, without its owner's."""
    keys = [(group.schema, group.kind, name) for name in (None, *names(group))]
    granted = frozenset[tuple[str, str]]().union(*(on_all.get(key, ()) for key in keys))
    return frozenset((grantee, privilege, False) for grantee, privilege in granted if grantee != group.owner)


def names(group: ObjectGroup) -> frozenset[str]:
    """Return the names in a document that mean the single object of a group; none for other groups."""
    return frozenset() if group.single is None else group.written | {group.single.name}


def column_grants(document: AccessDocument, column: Column) -> frozenset[Granted]:
    """Return the desired privileges on a column, without its owner's."""
    target = column.target
    return frozenset(
        (holder.grantee, privilege, False)
        for holder in holders(document)
        for grant in holder.grants
        if grant.schema == target.schema
        and target.relation in (grant.names or ())
        and target.column in (grant.columns or ())
        and holder.grantee != target.owner
        for privilege in grant.privileges
    )


def object_facts(
    document: AccessDocument, server: Server, groups: Iterable[ObjectGroup], columns: Iterable[Column] = ()
) -> frozenset[Fact]:
    """Return the desired privileges on these groups of objects and these columns, as facts."""
    on_all = kind_grants(document, server)
    granted: list[tuple[Target, frozenset[Granted]]] = [
        *((target(group), object_grants(on_all, group)) for group in groups),
        *((column.target, column_grants(document, column)) for column in columns),
    ]
    return frozenset(
        Privilege(grantee, privilege, on, is_grantable)
        for on, grants in granted
        for grantee, privilege, is_grantable in grants
    )


def target(group: ObjectGroup) -> OnObjects:
    """Return the group as the target of a privilege."""
    return OnObjects(group.schema, group.kind, group.names, group.owner, group.count, group.key, group.needs)


def login_roles(name: str, login: Login) -> tuple[str, ...]:
    """Return the roles that sessions of a login log in as."""
    return login_role_names(name) if login.credential is CredentialKind.ROTATED else (name,)


def roles(document: AccessDocument, server: Server) -> Iterator[Fact]:
    """Yield the roles with their comments, and the attributes that the document declares, if only by their absence.

    Before PostgreSQL 16, INHERIT is an attribute of the member: one with groups to inherit from must have it.
    """
    for name, member in document.members.items():
        login = member if isinstance(member, Login) else None
        is_pair = login is not None and login.credential is CredentialKind.ROTATED
        text = comment(member.comment, document.database)
        attributes: dict[Attribute, AttributeValue] = {}
        if member.inherit is not None or (member.inherited() and not server.has_membership_options):
            attributes[Attribute.INHERIT] = member.inherit is not False
        if is_pair:
            yield from _role(name, text, attributes)
            attributes = {} if server.has_membership_options else {Attribute.INHERIT: True}
        if login is not None:
            attributes |= _of_login(login)
        for login_role in login_roles(name, login) if login is not None else (name,):
            yield from _role(login_role, text, attributes)


def container_privileges(document: AccessDocument, server: Server) -> Iterator[Privilege]:
    """Yield the privileges on the database and the schemas, without their owners'."""
    yield from _database_privileges(document, server)
    yield from _schema_privileges(document)


_UNLESS_DECLARED = frozenset({Attribute.INHERIT, Attribute.CONNECTION_LIMIT, Attribute.VALID_UNTIL})
"""The attributes that stay as they are unless a document declares them: PostgreSQL's default gives the most."""

DECLARED_ATTRIBUTES = _UNLESS_DECLARED | {Attribute.LOGIN}
"""The attributes that a document gives; it declares others only by the existence of the role."""


def _of_login(login: Login) -> dict[Attribute, AttributeValue]:
    attributes: dict[Attribute, AttributeValue] = {Attribute.LOGIN: True}
    if login.connection_limit is not None:
        attributes[Attribute.CONNECTION_LIMIT] = login.connection_limit
    if login.valid_until is not None:
        expires = login.valid_until != NEVER
        attributes[Attribute.VALID_UNTIL] = str(login.valid_until).removesuffix(":00") if expires else None
    return attributes


def _role(name: str, text: str, declared: Mapping[Attribute, AttributeValue]) -> Iterator[Fact]:
    yield RoleExists(name)
    yield RoleComment(name, text)
    for attribute, default in DEFAULT_ATTRIBUTES.items():
        if attribute in declared or attribute not in _UNLESS_DECLARED:
            yield RoleAttribute(name, attribute, declared.get(attribute, default))


def memberships(document: AccessDocument, server: Server) -> Iterator[Membership]:
    """Yield the memberships."""
    for name, member in document.members.items():
        plain: tuple[str, ...] = member.member_of
        if isinstance(member, Login) and member.acts_as is not None and member.acts_as not in member.memberships:
            plain = (*plain, member.acts_as)
        inherited = member.inherited()
        for group in (*plain, *member.memberships):
            options = member.memberships.get(group, MembershipOptions())
            inherits = group in inherited or not server.has_membership_options
            yield Membership(group, name, inherits, options.set, options.admin)
    for name, login in document.logins.items():
        if login.credential is CredentialKind.ROTATED:
            for login_role in login_role_names(name):
                yield Membership(name, login_role)
        elif login.credential is CredentialKind.IAM and server.has_iam_role:
            yield Membership(IAM_ROLE, name)


def settings(document: AccessDocument) -> Iterator[RoleSetting]:
    """Yield the settings of login roles: a session uses those of the role that it logs in as, and no others."""
    for name, login in document.logins.items():
        for login_role in login_roles(name, login):
            for setting, value in login.settings.items():
                yield RoleSetting(login_role, None, setting, value)
            if login.acts_as is not None:
                yield RoleSetting(login_role, None, "role", (login.acts_as,))


def _schemas(document: AccessDocument) -> Iterator[Fact]:
    for name, schema in document.schemas.items():
        yield SchemaExists(name)
        yield SchemaOwner(name, schema.owner)


def _extensions(document: AccessDocument) -> Iterator[Fact]:
    for name, extension in document.extensions.items():
        yield ExtensionExists(name)
        if extension.schema is not None:
            yield ExtensionSchema(name, extension.schema)


def _database_privileges(document: AccessDocument, server: Server) -> Iterator[Privilege]:
    """Yield the grants, and CONNECT for every login that does not inherit it; so PUBLIC has none by default."""
    granted = {
        (holder.grantee, privilege)
        for holder in holders(document)
        for grant in holder.grants
        if grant.on is GrantKind.DATABASE
        for privilege in grant.privileges
    }
    connecting = {grantee for grantee, privilege in granted if privilege == "CONNECT"}
    granted |= {(name, "CONNECT") for name in document.logins if not connecting & {PUBLIC, *document.inherited[name]}}
    for grantee, privilege in granted:
        if grantee != server.database_owner:
            yield Privilege(grantee, privilege, OnDatabase(document.database))


def _schema_privileges(document: AccessDocument) -> Iterator[Privilege]:
    for holder in holders(document):
        granted = {
            (name, privilege) for name, preset in holder.schemas.items() for privilege in SCHEMA_PRIVILEGES[preset]
        }
        granted |= {
            (grant.schema, privilege)
            for grant in holder.grants
            if grant.on is GrantKind.SCHEMA and grant.schema is not None
            for privilege in grant.privileges
        }
        for schema, privilege in granted:
            if document.schemas[schema].owner != holder.grantee:
                yield Privilege(holder.grantee, privilege, OnSchema(schema))


@lru_cache(maxsize=1)
def creators(document: AccessDocument, creation_rights: frozenset[Fact] = frozenset()) -> Mapping[str, frozenset[str]]:
    """Return the declared roles whose objects can appear in each schema: its owner, and roles that inherit CREATE.

    Logins whose sessions act as another role are left out: what they create belongs to that role. Roles have
    ``creation_rights``, inherited memberships and CREATE on schemas, whether they are declared or not.
    """
    schemas_of, groups_of = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for name, schema in document.schemas.items():
        schemas_of[schema.owner].add(name)
    for fact in (*_schema_privileges(document), *creation_rights):
        if isinstance(fact, Membership):
            groups_of[fact.member].add(fact.role)
        elif isinstance(fact, Privilege) and fact.privilege == "CREATE" and isinstance(fact.target, OnSchema):
            schemas_of[fact.grantee].add(fact.target.schema)
    for name, member in document.members.items():
        groups_of[name] |= member.inherited()
    acting = set[str]()
    for name, login in document.logins.items():
        for login_role in login_roles(name, login):
            groups_of[login_role].add(name)
            acting |= {name, login_role} if login.acts_as is not None else set()
    creators_of = {name: {schema.owner} for name, schema in document.schemas.items()}
    for name in document.role_names - acting:
        schemas = set[str]().union(*(schemas_of[role] for role in _with_groups(name, groups_of)))
        for schema_name in creators_of.keys() & schemas:
            creators_of[schema_name].add(name)
    return {name: frozenset(names) for name, names in creators_of.items()}


def _with_groups(role: str, groups_of: Mapping[str, set[str]]) -> list[str]:
    reached = [PUBLIC, role]
    for member in reached:
        reached += groups_of.get(member, set()) - {*reached}
    return reached


def _default_privileges(document: AccessDocument, server: Server, creation_rights: frozenset[Fact]) -> frozenset[Fact]:
    creators_of = creators(document, creation_rights)
    return joined_defaults(
        (creators_of[schema], schema, kind, [(*grant, False) for grant in grants])
        for (schema, kind, name), grants in kind_grants(document, server).items()
        if name is None
    )
