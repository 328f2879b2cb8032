"""An access document for a database that has none, from all access that its catalogs have.

The document has ``unlisted: report``, so applying it takes nothing away, and declares only actual access, so its plan
is empty. Access that a document cannot express is left out: whole roles with the reason, single privileges in the
plan's list of what is not managed. No I/O happens here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from db_bootstrap.desired import DECLARED_ATTRIBUTES, creators, is_marked, is_marked_by_another, text_of
from db_bootstrap.document import IAM_ROLE, GrantKind, Preset, Unlisted, login_role_names, parse_document
from db_bootstrap.document.model import PRIVILEGES, CredentialKind, is_predefined_group, is_reserved
from db_bootstrap.document.presets import OBJECT_KINDS, SCHEMA_PRIVILEGES, object_privileges
from db_bootstrap.effective.catalog import Catalog, CatalogRole, ObjectClass
from db_bootstrap.model import DEFAULT_ATTRIBUTES, Attribute, Membership, RoleSetting, Server
from db_bootstrap.sql import PUBLIC

_NOTHING: tuple[object, ...] = (None, "", [], {})
_KINDS = {
    ObjectClass.DATABASE: GrantKind.DATABASE,
    ObjectClass.SCHEMA: GrantKind.SCHEMA,
    ObjectClass.TABLE: GrantKind.TABLES,
    ObjectClass.COLUMN: GrantKind.TABLES,
    ObjectClass.SEQUENCE: GrantKind.SEQUENCES,
    ObjectClass.ROUTINE: GrantKind.ROUTINES,
    ObjectClass.TYPE: GrantKind.TYPES,
}


class _Object(NamedTuple):
    """A target of privileges: the database, a schema, an object in a schema, or a column of a table.

    Attributes:
        schema: None for the database.
        name: As in a document: a routine with its types; None for a schema and the database.
    """

    kind: GrantKind
    schema: str | None
    name: str | None
    column: str | None
    owner: str


@dataclass(frozen=True)
class _Survey:
    """What of the catalogs a document can declare.

    Attributes:
        schemas: The owner of each schema that is not PostgreSQL's or an extension's.
        privileges: On each object: grantee, privilege, and whether it has the grant option; owners included.
        defaults: Default privileges: kind, schema, creator, grantee, privilege.
    """

    roles: dict[str, CatalogRole]
    memberships: tuple[Membership, ...]
    settings: tuple[RoleSetting, ...]
    schemas: dict[str, str]
    extensions: dict[str, str]
    privileges: dict[_Object, frozenset[tuple[str, str, bool]]]
    defaults: frozenset[tuple[GrantKind, str, str, str, str]]

    @classmethod
    def of(cls, catalog: Catalog) -> "_Survey":
        privileges: dict[_Object, frozenset[tuple[str, str, bool]]] = {}
        for on in catalog.objects:
            if on.is_of_extension or on.is_of_system or on.kind not in _KINDS:
                continue
            granted = frozenset(entry[:3] for entry in on.entries if entry.grantee)
            for name in on.names:
                privileges[_object(_KINDS[on.kind], on.schema, on.relation, name, on.owner)] = granted
        return cls(
            catalog.roles,
            tuple(sorted(catalog.joined_memberships(), key=repr)),
            tuple(fact for fact in catalog.settings if fact.database is None),
            {one.schema: one.owner for one in privileges if one.kind is GrantKind.SCHEMA and one.schema},
            catalog.extensions,
            privileges,
            frozenset(
                (_KINDS[default.kind], default.schema, default.creator, entry.grantee, entry.privilege)
                for default in catalog.defaults
                if default.schema is not None
                for entry in default.entries
                if not entry.is_grantable
            ),
        )


def _object(kind: GrantKind, schema: str | None, relation: str | None, name: str, owner: str) -> _Object:
    match kind:
        case GrantKind.DATABASE:
            return _Object(kind, None, None, None, owner)
        case GrantKind.SCHEMA:
            return _Object(kind, name, None, None, owner)
        case _ if relation is not None:
            return _Object(kind, schema, relation, name, owner)
        case _:
            return _Object(kind, schema, name, None, owner)


@dataclass(frozen=True)
class Generated:
    """A generated document.

    Attributes:
        document: The content of its file.
        left_out: The reason why a role of the server is not in it, by the role's name.
    """

    document: dict[str, Any]
    left_out: dict[str, str]


def generate(catalog: Catalog) -> Generated:
    """Generate the document that describes the access."""
    survey, server = _Survey.of(catalog), catalog.server
    left_out = {
        name: reason for name, role in sorted(survey.roles.items()) if (reason := _obstacle(role, survey, server))
    }
    scope = _Scope(survey, server, frozenset(survey.roles) - left_out.keys())
    # Who can create in a schema does not depend on the privileges on its objects, so the first draft says it.
    scope = replace(scope, creators=creators(parse_document(_document(scope))))
    return Generated(_document(scope), left_out)


@dataclass(frozen=True)
class _Scope:
    """The scope of the document.

    Attributes:
        names: The roles that it declares, login roles included.
        creators: By schema: the roles whose default privileges are judged.
    """

    survey: _Survey
    server: Server
    names: frozenset[str]
    creators: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def rotated(self) -> frozenset[str]:
        return frozenset(name for name in self.names if _is_rotated(name, self.survey, self.server.database))

    def login_roles(self) -> frozenset[str]:
        return frozenset(login_role for name in self.rotated() for login_role in login_role_names(name))

    def groups(self) -> frozenset[str]:
        """Return the roles that can have members and own schemas."""
        return frozenset(
            name for name in self.names - self.rotated() - self.login_roles() if not _is_iam(name, self.survey)
        )

    def schemas(self) -> dict[str, str]:
        return {schema: owner for schema, owner in self.survey.schemas.items() if owner in self.groups()}

    def objects(self, schema: str, kind: GrantKind) -> list[_Object]:
        """Return the objects of a kind in scope, without columns."""
        return [
            one
            for one in self.survey.privileges
            if (one.schema, one.kind, one.column) == (schema, kind, None)
            and (one.owner in self.names or one.owner == self.server.master)
        ]

    def creates_all(self, grantee: str, schema: str) -> bool:
        """Return True if all future objects of a schema belong to the grantee, who needs no privileges on them."""
        return self.survey.schemas[schema] == grantee and self.creators.get(schema, frozenset()) <= {grantee}

    def has(self, grantee: str, one: _Object, privilege: str) -> bool:
        """Return True if a grantee has a privilege without the grant option, which documents cannot declare."""
        return one.owner == grantee or (grantee, privilege, False) in self.survey.privileges[one]

    def has_by_default(self, grantee: str, schema: str, kind: GrantKind, privilege: str) -> bool:
        return all(
            creator == grantee or (kind, schema, creator, grantee, privilege) in self.survey.defaults
            for creator in self.creators.get(schema, ())
        )


def _document(scope: _Scope) -> dict[str, Any]:
    survey, server = scope.survey, scope.server
    members = {name: _member(scope, name) for name in sorted(scope.names - scope.login_roles())}
    logins = {name: member for name, member in members.items() if "credential" in member}
    document = {
        "database": server.database,
        "unlisted": Unlisted.REPORT.value,
        "schemas": {schema: {"owner": owner} for schema, owner in scope.schemas().items()},
        "extensions": {name: {"schema": schema} for name, schema in survey.extensions.items()},
        "roles": {name: member for name, member in members.items() if name not in logins},
        "logins": logins,
        "public": _privileges(scope, PUBLIC),
    }
    return {key: value for key, value in document.items() if value}


def _obstacle(role: CatalogRole, survey: _Survey, server: Server) -> str | None:
    """Return why a document cannot declare a role, if so."""
    is_login = role.attributes[Attribute.LOGIN]
    special = [
        attribute.value
        for attribute, value in DEFAULT_ATTRIBUTES.items()
        if attribute not in DECLARED_ATTRIBUTES and role.attributes[attribute] != value
    ]
    obstacles = (
        (role.name == server.master, "it is the role that applies the document"),
        (is_reserved(role.name), "PostgreSQL or RDS reserves it"),
        (role.attributes[Attribute.SUPERUSER], "it is a superuser"),
        (is_marked_by_another(role.comment, server.database), "the document of another database manages it"),
        (special, f"a document cannot declare a role with another {', '.join(special)} than the default"),
        (is_login and not _may_connect(role.name, survey, server), "it cannot connect to this database"),
    )
    return next((reason for is_one, reason in obstacles if is_one), None)


def _may_connect(name: str, survey: _Survey, server: Server) -> bool:
    if name == server.database_owner:
        return True
    granted = next(rights for one, rights in survey.privileges.items() if one.kind is GrantKind.DATABASE)
    may = {grantee for grantee, privilege, _ in granted if privilege == "CONNECT"}
    return bool(may & {PUBLIC, name, *_groups_of(name, survey.memberships)})


def _groups_of(name: str, memberships: Iterable[Membership]) -> frozenset[str]:
    """Return all roles whose privileges a role inherits."""
    groups: set[str] = set()
    pending = {name}
    while pending:
        pending = {fact.role for fact in memberships if fact.member in pending and fact.inherit} - groups
        groups |= pending
    return frozenset(groups)


def _is_iam(name: str, survey: _Survey) -> bool:
    return survey.roles[name].attributes[Attribute.LOGIN] is True and any(
        (fact.role, fact.member) == (IAM_ROLE, name) for fact in survey.memberships
    )


def _is_rotated(name: str, survey: _Survey, database: str) -> bool:
    """Return True if a role is that of a rotated login: managed by a document, with two login roles as members."""
    members = {fact.member for fact in survey.memberships if fact.role == name}
    return (
        is_marked(survey.roles[name].comment, database)
        and not survey.roles[name].attributes[Attribute.LOGIN]
        and set(login_role_names(name)) <= members
        and all(survey.roles[login_role].attributes[Attribute.LOGIN] for login_role in login_role_names(name))
    )


def _member(scope: _Scope, name: str) -> dict[str, Any]:
    role = scope.survey.roles[name]
    login_role = scope.survey.roles[login_role_names(name)[0]] if name in scope.rotated() else role
    settings = {fact.name: fact.value for fact in scope.survey.settings if fact.role == login_role.name}
    memberships = {
        fact.role: fact
        for fact in scope.survey.memberships
        if fact.member == name and (fact.role in scope.groups() or is_predefined_group(fact.role))
    }
    member: dict[str, Any] = {"comment": text_of(role.comment, scope.server.database)}
    if login_role.attributes[Attribute.LOGIN]:
        limit = login_role.attributes[Attribute.CONNECTION_LIMIT]
        expiry = login_role.attributes[Attribute.VALID_UNTIL]
        acts_as = memberships.get("".join(settings.pop("role", ())))
        member |= {
            "credential": _credential(scope, name),
            "acts_as": acts_as.role if acts_as is not None and acts_as.set and acts_as.role in scope.groups() else None,
            "connection_limit": limit if limit != DEFAULT_ATTRIBUTES[Attribute.CONNECTION_LIMIT] else None,
            "valid_until": expiry.replace("+00", "Z") if isinstance(expiry, str) else None,
            "settings": {key: list(value) if len(value) > 1 else value[0] for key, value in sorted(settings.items())},
        }
    inherits = role.attributes[Attribute.INHERIT] is True
    member["inherit"] = None if inherits else False
    plain, special = [], {}
    for group, fact in memberships.items():
        is_plain = not scope.server.has_membership_options and not fact.admin
        if not is_plain and fact != Membership(group, name, inherit=inherits):
            inherit = {"inherit": fact.inherit} if scope.server.has_membership_options else {}
            special[group] = {**inherit, "set": fact.set, "admin": fact.admin}
        elif group != member.get("acts_as"):
            plain.append(group)
    member |= {"member_of": plain, "memberships": special, **_privileges(scope, name)}
    return {key: value for key, value in member.items() if value not in _NOTHING}


def _credential(scope: _Scope, name: str) -> str:
    if name in scope.rotated():
        return CredentialKind.ROTATED.value
    return (CredentialKind.IAM if _is_iam(name, scope.survey) else CredentialKind.EXTERNAL).value


def _privileges(scope: _Scope, grantee: str) -> dict[str, Any]:
    """Return ``schemas`` and ``grants`` of a role, a login or PUBLIC."""
    presets = {schema: preset for schema in scope.schemas() if (preset := _preset(scope, grantee, schema)) is not None}
    grants = [*_database_grants(scope, grantee)]
    for schema in scope.schemas():
        covered = presets.get(schema)
        grants += _schema_grants(scope, grantee, schema, covered)
        for kind in OBJECT_KINDS:
            grants += _object_grants(scope, grantee, schema, kind, covered)
    return {
        key: value
        for key, value in (("schemas", {name: preset.value for name, preset in presets.items()}), ("grants", grants))
        if value
    }


def _preset(scope: _Scope, grantee: str, schema: str) -> Preset | None:
    """Return the largest preset of which a grantee has every privilege, now and in future."""
    if scope.creates_all(grantee, schema):
        return None
    for preset in reversed(Preset):
        has_schema = all(scope.has(grantee, _schema(scope, schema), right) for right in SCHEMA_PRIVILEGES[preset])
        if has_schema and all(
            _has_all(scope, grantee, schema, kind, privilege)
            for kind in OBJECT_KINDS
            for privilege in _of_preset(preset, kind, scope.server)
        ):
            return preset
    return None


def _has_all(scope: _Scope, grantee: str, schema: str, kind: GrantKind, privilege: str) -> bool:
    return scope.has_by_default(grantee, schema, kind, privilege) and all(
        scope.has(grantee, one, privilege) for one in scope.objects(schema, kind)
    )


def _of_preset(preset: Preset | None, kind: GrantKind, server: Server) -> tuple[str, ...]:
    return () if preset is None else object_privileges(preset, OBJECT_KINDS[kind], server.version)


def _schema(scope: _Scope, schema: str) -> _Object:
    return _Object(GrantKind.SCHEMA, schema, None, None, scope.survey.schemas[schema])


def _database_grants(scope: _Scope, grantee: str) -> Iterator[dict[str, Any]]:
    database = _Object(GrantKind.DATABASE, None, None, None, scope.server.database_owner)
    if grantee == scope.server.database_owner:
        return
    granted = [right for right in PRIVILEGES[GrantKind.DATABASE] if scope.has(grantee, database, right)]
    others = {PUBLIC, *_groups_of(grantee, scope.survey.memberships)} - {grantee}
    is_login = grantee in scope.rotated() or (
        grantee != PUBLIC and scope.survey.roles[grantee].attributes[Attribute.LOGIN]
    )
    # A document gives CONNECT to each login implicitly, unless the login inherits it.
    if is_login and "CONNECT" in granted and not any(scope.has(other, database, "CONNECT") for other in others):
        granted.remove("CONNECT")
    if granted:
        yield {"on": GrantKind.DATABASE.value, "privileges": granted}


def _schema_grants(scope: _Scope, grantee: str, schema: str, preset: Preset | None) -> Iterator[dict[str, Any]]:
    if scope.survey.schemas[schema] == grantee:
        return
    covered = SCHEMA_PRIVILEGES[preset] if preset is not None else ()
    has = [right for right in PRIVILEGES[GrantKind.SCHEMA] if scope.has(grantee, _schema(scope, schema), right)]
    granted = [right for right in has if right not in covered]
    if granted:
        yield {"on": GrantKind.SCHEMA.value, "schema": schema, "privileges": granted}


def _object_grants(
    scope: _Scope, grantee: str, schema: str, kind: GrantKind, preset: Preset | None
) -> Iterator[dict[str, Any]]:
    covered = set(_of_preset(preset, kind, scope.server))
    of_all = [
        privilege
        for privilege in PRIVILEGES[kind]
        if privilege not in covered and _has_all(scope, grantee, schema, kind, privilege)
    ]
    owns_all = scope.creates_all(grantee, schema) and all(one.owner == grantee for one in scope.objects(schema, kind))
    if of_all and not owns_all:
        yield {"on": kind.value, "schema": schema, "privileges": of_all}
    covered |= set(of_all)
    by_privileges: dict[tuple[str, ...], list[str]] = {}
    for one in scope.objects(schema, kind):
        rest = tuple(
            right
            for right in PRIVILEGES[kind]
            if right not in covered and one.owner != grantee and scope.has(grantee, one, right)
        )
        if rest:
            by_privileges.setdefault(rest, []).append(one.name or "")
    for privileges, names in sorted(by_privileges.items()):
        yield {"on": kind.value, "schema": schema, "names": sorted(names), "privileges": list(privileges)}
    if kind is GrantKind.TABLES:
        yield from _column_grants(scope, grantee, schema)


def _column_grants(scope: _Scope, grantee: str, schema: str) -> Iterator[dict[str, Any]]:
    in_scope = {one.name for one in scope.objects(schema, GrantKind.TABLES)}
    columns: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for one in scope.survey.privileges:
        if one.schema != schema or one.column is None or one.owner == grantee or one.name not in in_scope:
            continue
        rights = tuple(sorted(right for right in PRIVILEGES[GrantKind.TABLES] if scope.has(grantee, one, right)))
        if rights:
            columns.setdefault((one.name or "", rights), []).append(one.column)
    for (table, rights), names in sorted(columns.items()):
        yield {
            "on": GrantKind.TABLES.value,
            "schema": schema,
            "names": [table],
            "columns": sorted(names),
            "privileges": list(rights),
        }
