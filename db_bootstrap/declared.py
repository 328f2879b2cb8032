"""What an access document means: the facts that hold when it has been carried out.

Pure. Presets become exact privileges here; the word ALL is never used, since what it stands for differs
between versions of PostgreSQL, and so a grant of it drifts for ever.
"""

from collections.abc import Iterable, Iterator

from db_bootstrap.access import AccessDocument, Credential, Login, Preset, sibling_names
from db_bootstrap.facts import (
    DEFAULT_ATTRIBUTES,
    FIRST_VERSION_WITH_MAINTAIN,
    Attribute,
    DefaultPrivilege,
    Fact,
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
)

IAM_ROLE = "rds_iam"
"""RDS lets members of this role log in by IAM token, and in no other way."""

_READ_RELATION = ("SELECT",)
_WRITE_RELATION = ("SELECT", "INSERT", "UPDATE", "DELETE")
_OWN_RELATION = (*_WRITE_RELATION, "TRUNCATE", "REFERENCES", "TRIGGER")

_OBJECT_PRIVILEGES: dict[Preset, dict[ObjectKind, tuple[str, ...]]] = {
    # No EXECUTE: a routine that runs with its owner's rights may write whatever the owner may.
    Preset.READ: {
        ObjectKind.RELATION: _READ_RELATION,
        ObjectKind.SEQUENCE: ("SELECT",),
        ObjectKind.ROUTINE: (),
    },
    # No UPDATE on sequences: nextval() needs USAGE alone, and setval() is not for a service.
    Preset.WRITE: {
        ObjectKind.RELATION: _WRITE_RELATION,
        ObjectKind.SEQUENCE: ("SELECT", "USAGE"),
        ObjectKind.ROUTINE: ("EXECUTE",),
    },
    Preset.OWN: {
        ObjectKind.RELATION: _OWN_RELATION,
        ObjectKind.SEQUENCE: ("SELECT", "USAGE", "UPDATE"),
        ObjectKind.ROUTINE: ("EXECUTE",),
    },
}

_SCHEMA_PRIVILEGES: dict[Preset, tuple[str, ...]] = {
    Preset.READ: ("USAGE",),
    Preset.WRITE: ("USAGE",),
    Preset.OWN: ("USAGE", "CREATE"),
}


def mark(database: str) -> str:
    """The comment of a role that the access document of ``database`` manages."""
    return f"Managed by db_bootstrap for the database {database}. Change the access document, not this role."


def object_privileges(preset: Preset, kind: ObjectKind, version: int) -> tuple[str, ...]:
    """The privileges that a preset means on objects of a kind, on a server of this version."""
    privileges = _OBJECT_PRIVILEGES[preset][kind]
    has_maintain = version >= FIRST_VERSION_WITH_MAINTAIN
    if preset is Preset.OWN and kind is ObjectKind.RELATION and has_maintain:
        return (*privileges, "MAINTAIN")
    return privileges


def facts(document: AccessDocument, server: Server) -> frozenset[Fact]:
    """Everything that the document says, except about the objects that the schemas hold by now."""
    return frozenset(
        (
            *_roles(document),
            *_memberships(document, server),
            *_settings(document),
            *_schemas(document),
            *_database_privileges(document, server),
            *_default_privileges(document, server),
        )
    )


def object_grants(
    document: AccessDocument, server: Server, schema: str, kind: ObjectKind
) -> frozenset[tuple[str, str, bool]]:
    """Who should have which privilege on every object of a kind in a schema: grantee, privilege, grantable."""
    return frozenset(
        (name, privilege, False)
        for name, role in document.roles.items()
        if schema in role.schemas
        for privilege in object_privileges(role.schemas[schema], kind, server.version)
    )


def object_facts(document: AccessDocument, server: Server, groups: Iterable[ObjectGroup]) -> frozenset[Fact]:
    """What the document says about these groups of objects."""
    return frozenset(
        Privilege(grantee, privilege, target(group), is_grantable)
        for group in groups
        for grantee, privilege, is_grantable in object_grants(document, server, group.schema, group.kind)
        if grantee != group.owner
    )


def target(group: ObjectGroup) -> OnObjects:
    """A group of objects as what a privilege is on."""
    return OnObjects(group.schema, group.kind, group.names, group.owner)


def _roles(document: AccessDocument) -> Iterator[Fact]:
    for name in document.roles:
        yield from _role(name, document.database, is_login=False)
    for name, login in document.logins.items():
        if login.credential is Credential.IAM:
            yield from _role(name, document.database, is_login=True, connection_limit=login.connection_limit)
        else:
            yield from _role(name, document.database, is_login=False)
            for sibling in sibling_names(name):
                yield from _role(sibling, document.database, is_login=True, connection_limit=login.connection_limit)


def _role(name: str, database: str, *, is_login: bool, connection_limit: int = -1) -> Iterator[Fact]:
    yield RoleExists(name)
    yield RoleComment(name, mark(database))
    special = {Attribute.LOGIN: is_login, Attribute.CONNECTION_LIMIT: connection_limit}
    for attribute, value in {**DEFAULT_ATTRIBUTES, **special}.items():
        yield RoleAttribute(name, attribute, value)


def _memberships(document: AccessDocument, server: Server) -> Iterator[Fact]:
    for name, role in document.roles.items():
        for group in role.member_of:
            yield Membership(group, name)
    for name, login in document.logins.items():
        for group in login.member_of:
            yield Membership(group, name)
        if login.acts_as is not None:
            yield Membership(login.acts_as, name)
        if login.credential is Credential.ROTATED:
            for sibling in sibling_names(name):
                yield Membership(name, sibling)
        elif server.has_iam_role:
            yield Membership(IAM_ROLE, name)


def _settings(document: AccessDocument) -> Iterator[Fact]:
    """Settings stand on login roles: a session takes those of the role it logs in as, and no other's."""
    for name, login in document.logins.items():
        for login_role in login_roles(name, login):
            for setting, value in login.settings.items():
                yield RoleSetting(login_role, None, setting, value)
            if login.acts_as is not None:
                yield RoleSetting(login_role, None, "role", (login.acts_as,))


def login_roles(name: str, login: Login) -> tuple[str, ...]:
    """The roles that sessions of a login log in as."""
    return sibling_names(name) if login.credential is Credential.ROTATED else (name,)


def _schemas(document: AccessDocument) -> Iterator[Fact]:
    for name, schema in document.schemas.items():
        yield SchemaExists(name)
        yield SchemaOwner(name, schema.owner)
    for name, role in document.roles.items():
        for schema_name, preset in role.schemas.items():
            if document.schemas[schema_name].owner != name:
                for privilege in _SCHEMA_PRIVILEGES[preset]:
                    yield Privilege(name, privilege, OnSchema(schema_name))


def _database_privileges(document: AccessDocument, server: Server) -> Iterator[Fact]:
    """Every login may connect; that PUBLIC may not follows from its absence here."""
    for name in document.logins.keys() - {server.database_owner}:
        yield Privilege(name, "CONNECT", OnDatabase(document.database))


def _default_privileges(document: AccessDocument, server: Server) -> Iterator[Fact]:
    for schema_name, schema in document.schemas.items():
        for kind in ObjectKind:
            for grantee, privilege, _ in object_grants(document, server, schema_name, kind):
                if grantee != schema.owner:
                    yield DefaultPrivilege(schema.owner, schema_name, kind, grantee, privilege)
