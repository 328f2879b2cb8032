"""An access document for a database that has none, from all access that its catalogs have.

The document has ``unlisted: report``, so applying it takes nothing away, and declares only actual access, so its plan
is empty. Access that a document cannot express is left out: whole roles with the reason, single privileges in the
plan's list of what is not managed. No I/O happens here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from functools import cached_property
from typing import Any

from db_bootstrap import desired
from db_bootstrap.desired import DECLARED_ATTRIBUTES, creators, is_marked, is_marked_by_another, text_of
from db_bootstrap.document import parse_document
from db_bootstrap.document.model import (
    IAM_ROLE,
    PRIVILEGES,
    CredentialKind,
    GrantKind,
    Preset,
    Unlisted,
    is_predefined_group,
    is_reserved,
    login_role_names,
)
from db_bootstrap.document.presets import OBJECT_KINDS, SCHEMA_PRIVILEGES, object_privileges
from db_bootstrap.effective.access import MembershipGraph
from db_bootstrap.effective.catalog import Catalog, CatalogRole, ObjectClass, Objects
from db_bootstrap.model import DEFAULT_ATTRIBUTES, Attribute, Fact, Membership, OnSchema, Privilege, Server
from db_bootstrap.sql import PUBLIC
from db_bootstrap.values import dataclass

_NOTHING: tuple[object, ...] = (None, "", [], {})
_CLASSES = {kind: ObjectClass(kind.removesuffix("s")) for kind in OBJECT_KINDS}


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
    graph = MembershipGraph.of(catalog.memberships)
    left_out = {
        name: reason for name, role in sorted(catalog.roles.items()) if (reason := _obstacle(role, catalog, graph))
    }
    scope = _Scope(catalog, frozenset(catalog.roles) - left_out.keys())
    # Who can create in a schema does not depend on the privileges on its objects, so the first draft says it.
    scope = replace(scope, creators=creators(parse_document(_document(scope)), frozenset(_creation_rights(catalog))))
    return Generated(_document(replace(scope, named=_named_of_extensions(scope))), left_out)


def _creation_rights(catalog: Catalog) -> Iterator[Fact]:
    """Yield what `desired.creators` needs: applying the document revokes nothing."""
    has_options = catalog.server.has_membership_options
    for fact in catalog.memberships:
        if fact.inherit and (has_options or catalog.roles[fact.member].attributes[Attribute.INHERIT]):
            yield fact
    for on in catalog.objects:
        for entry in on.entries if on.kind is ObjectClass.SCHEMA else ():
            yield from (Privilege(*entry[:2], OnSchema(name)) for name in on.names)


@dataclass(frozen=True)
class _Scope:
    """The scope of the document.

    Attributes:
        names: The roles that it declares, login roles included.
        creators: By schema: the roles whose default privileges are judged.
        named: The objects of extensions to declare by name.
    """

    catalog: Catalog
    names: frozenset[str]
    creators: Mapping[str, frozenset[str]] = field(default_factory=dict)
    named: Mapping[tuple[str, GrantKind], list[Objects]] = field(default_factory=dict)

    @property
    def server(self) -> Server:
        return self.catalog.server

    @cached_property
    def graph(self) -> MembershipGraph:
        return MembershipGraph.of(self.catalog.memberships)

    @cached_property
    def owned(self) -> dict[str, Objects]:
        """Return each schema that is neither PostgreSQL's nor an extension's."""
        return {name: on for on in self.of_class(ObjectClass.SCHEMA) for name in sorted(on.names)}

    @cached_property
    def defaults(self) -> frozenset[tuple[ObjectClass, str | None, str, str, str]]:
        return frozenset(
            (default.kind, default.schema, default.creator, entry.grantee, entry.privilege)
            for default in self.catalog.defaults
            for entry in default.entries
            if not entry.is_grantable
        )

    @cached_property
    def by_class(self) -> dict[tuple[ObjectClass, str | None], list[Objects]]:
        found: dict[tuple[ObjectClass, str | None], list[Objects]] = {}
        for on in self.catalog.objects:
            if not on.is_of_system:
                found.setdefault((on.kind, on.schema), []).append(on)
        return found

    def of_class(self, kind: ObjectClass, schema: str | None = None) -> list[Objects]:
        return [on for on in self.by_class.get((kind, schema), ()) if not on.is_of_extension]

    @cached_property
    def granted(self) -> dict[Objects, frozenset[tuple[str, str, bool]]]:
        return {on: frozenset(entry[:3] for entry in on.entries) for on in self.catalog.objects}

    @cached_property
    def rotated(self) -> frozenset[str]:
        return frozenset(name for name in self.names if _is_rotated(name, self.catalog))

    @cached_property
    def login_roles(self) -> frozenset[str]:
        return frozenset(login_role for name in self.rotated for login_role in login_role_names(name))

    @cached_property
    def groups(self) -> frozenset[str]:
        """Return the roles that can have members and own schemas."""
        return frozenset(
            name for name in self.names - self.rotated - self.login_roles if not _is_iam(name, self.catalog)
        )

    @cached_property
    def schemas(self) -> dict[str, str]:
        return {schema: on.owner for schema, on in sorted(self.owned.items()) if on.owner in self.groups}

    def objects(self, schema: str, kind: GrantKind, *, of_extensions: bool = False) -> list[Objects]:
        """Return the objects of a kind in scope, without columns: those of extensions, or the others."""
        owners = self.names | {self.server.master}
        found = self.by_class.get((_CLASSES[kind], schema), ())
        return [on for on in found if on.owner in owners and on.is_of_extension is of_extensions]

    def creates_all(self, grantee: str, schema: str) -> bool:
        """Return True if all future objects of a schema belong to the grantee, who needs no privileges on them."""
        return self.owned[schema].owner == grantee and self.creators.get(schema, frozenset()) <= {grantee}

    def has(self, grantee: str, on: Objects, privilege: str) -> bool:
        """Return True if a grantee has a privilege without the grant option, which documents cannot declare."""
        return on.owner == grantee or (grantee, privilege, False) in self.granted[on]

    def has_by_default(self, grantee: str, schema: str, kind: GrantKind, privilege: str) -> bool:
        return all(
            creator == grantee or (_CLASSES[kind], schema, creator, grantee, privilege) in self.defaults
            for creator in self.creators.get(schema, ())
        )


def _named_of_extensions(scope: _Scope) -> dict[tuple[str, GrantKind], list[Objects]]:
    """Return the objects of extensions to name. Grants on all objects apply to a named one, so it must have these."""
    on_all = desired.kind_grants(parse_document(_document(scope)), scope.server)
    return {
        (schema, kind): [
            on
            for on in scope.objects(schema, kind, of_extensions=True)
            if (kind is GrantKind.TABLES or not on.is_default)
            and all(scope.has(who, on, right) for who, right in on_all.get((schema, OBJECT_KINDS[kind], None), ()))
        ]
        for schema in scope.schemas
        for kind in OBJECT_KINDS
    }


def _document(scope: _Scope) -> dict[str, Any]:
    members = {name: _member(scope, name) for name in sorted(scope.names - scope.login_roles)}
    logins = {name: member for name, member in members.items() if "credential" in member}
    document = {
        "database": scope.server.database,
        "unlisted": Unlisted.REPORT.value,
        "schemas": {schema: {"owner": owner} for schema, owner in scope.schemas.items()},
        "extensions": {name: {"schema": schema} for name, schema in scope.catalog.extensions.items()},
        "roles": {name: member for name, member in members.items() if name not in logins},
        "logins": logins,
        "public": _privileges(scope, PUBLIC),
    }
    return {key: value for key, value in document.items() if value}


def _obstacle(role: CatalogRole, catalog: Catalog, graph: MembershipGraph) -> str | None:
    """Return why a document cannot declare a role, if so."""
    server = catalog.server
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
        (is_login and not _may_connect(role.name, catalog, graph), "it cannot connect to this database"),
    )
    return next((reason for is_one, reason in obstacles if is_one), None)


def _may_connect(name: str, catalog: Catalog, graph: MembershipGraph) -> bool:
    if name == catalog.server.database_owner:
        return True
    database = next(on for on in catalog.objects if on.kind is ObjectClass.DATABASE)
    may = {entry.grantee for entry in database.entries if entry.privilege == "CONNECT"}
    return bool(may & {PUBLIC, *graph.paths(name)})


def _is_iam(name: str, catalog: Catalog) -> bool:
    return catalog.roles[name].attributes[Attribute.LOGIN] is True and any(
        (fact.role, fact.member) == (IAM_ROLE, name) for fact in catalog.memberships
    )


def _is_rotated(name: str, catalog: Catalog) -> bool:
    """Return True if a role is that of a rotated login: managed by a document, with two login roles as members."""
    members = {fact.member for fact in catalog.memberships if fact.role == name}
    return (
        is_marked(catalog.roles[name].comment, catalog.server.database)
        and not catalog.roles[name].attributes[Attribute.LOGIN]
        and set(login_role_names(name)) <= members
        and all(catalog.roles[login_role].attributes[Attribute.LOGIN] for login_role in login_role_names(name))
    )


def _member(scope: _Scope, name: str) -> dict[str, Any]:
    role = scope.catalog.roles[name]
    login_role = scope.catalog.roles[login_role_names(name)[0]] if name in scope.rotated else role
    in_scope = [fact for fact in scope.catalog.settings if fact.role == login_role.name]
    # A plan resets a setting of one database that overrides a declared one.
    overridden = {fact.name for fact in in_scope if fact.database is not None}
    settings = {fact.name: fact.value for fact in in_scope if fact.name not in overridden}
    memberships = {
        group: fact
        for group, fact in sorted(scope.graph.groups.get(name, {}).items())
        if group in scope.groups or is_predefined_group(group)
    }
    member: dict[str, Any] = {"comment": text_of(role.comment, scope.server.database)}
    if login_role.attributes[Attribute.LOGIN]:
        limit = login_role.attributes[Attribute.CONNECTION_LIMIT]
        # A document gives none to an IAM login, which has no password.
        expiry = None if _is_iam(name, scope.catalog) else login_role.attributes[Attribute.VALID_UNTIL]
        acts_as = memberships.get("".join(settings.pop("role", ())))
        member |= {
            "credential": _credential(scope, name),
            "acts_as": acts_as.role if acts_as is not None and acts_as.set and acts_as.role in scope.groups else None,
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
    if name in scope.rotated:
        return CredentialKind.ROTATED.value
    return (CredentialKind.IAM if _is_iam(name, scope.catalog) else CredentialKind.EXTERNAL).value


def _privileges(scope: _Scope, grantee: str) -> dict[str, Any]:
    """Return ``schemas`` and ``grants`` of a role, a login or PUBLIC."""
    presets = {schema: preset for schema in scope.schemas if (preset := _preset(scope, grantee, schema)) is not None}
    grants = [*_database_grants(scope, grantee)]
    for schema in scope.schemas:
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
        has_schema = all(scope.has(grantee, scope.owned[schema], right) for right in SCHEMA_PRIVILEGES[preset])
        if has_schema and all(
            _has_all(scope, grantee, schema, kind, privilege)
            for kind in OBJECT_KINDS
            for privilege in _of_preset(preset, kind, scope.server)
        ):
            return preset
    return None


def _has_all(scope: _Scope, grantee: str, schema: str, kind: GrantKind, privilege: str) -> bool:
    return scope.has_by_default(grantee, schema, kind, privilege) and all(
        scope.has(grantee, on, privilege) for on in scope.objects(schema, kind)
    )


def _of_preset(preset: Preset | None, kind: GrantKind, server: Server) -> tuple[str, ...]:
    return () if preset is None else object_privileges(preset, OBJECT_KINDS[kind], server.version)


def _database_grants(scope: _Scope, grantee: str) -> Iterator[dict[str, Any]]:
    (database,) = scope.of_class(ObjectClass.DATABASE)
    if grantee == scope.server.database_owner:
        return
    granted = [right for right in PRIVILEGES[GrantKind.DATABASE] if scope.has(grantee, database, right)]
    others = {PUBLIC, *scope.graph.paths(grantee)} - {grantee}
    is_login = grantee in scope.rotated or (
        grantee != PUBLIC and scope.catalog.roles[grantee].attributes[Attribute.LOGIN]
    )
    # A document gives CONNECT to each login implicitly, unless the login inherits it.
    if is_login and "CONNECT" in granted and not any(scope.has(other, database, "CONNECT") for other in others):
        granted.remove("CONNECT")
    if granted:
        yield {"on": GrantKind.DATABASE.value, "privileges": granted}


def _schema_grants(scope: _Scope, grantee: str, schema: str, preset: Preset | None) -> Iterator[dict[str, Any]]:
    if scope.owned[schema].owner == grantee:
        return
    covered = SCHEMA_PRIVILEGES[preset] if preset is not None else ()
    has = [right for right in PRIVILEGES[GrantKind.SCHEMA] if scope.has(grantee, scope.owned[schema], right)]
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
    owns_all = scope.creates_all(grantee, schema) and all(on.owner == grantee for on in scope.objects(schema, kind))
    if of_all and not owns_all:
        yield {"on": kind.value, "schema": schema, "privileges": of_all}
        covered |= set(of_all)
    by_privileges: dict[tuple[str, ...], list[str]] = {}
    for on in (*scope.objects(schema, kind), *scope.named.get((schema, kind), [])):
        rest = tuple(
            right
            for right in PRIVILEGES[kind]
            if right not in covered and on.owner != grantee and scope.has(grantee, on, right)
        )
        if rest:
            by_privileges.setdefault(rest, []).extend(on.names)
    for privileges, names in sorted(by_privileges.items()):
        yield {"on": kind.value, "schema": schema, "names": sorted(names), "privileges": list(privileges)}
    if kind is GrantKind.TABLES:
        yield from _column_grants(scope, grantee, schema)


def _column_grants(scope: _Scope, grantee: str, schema: str) -> Iterator[dict[str, Any]]:
    tables = [*scope.objects(schema, GrantKind.TABLES), *scope.named.get((schema, GrantKind.TABLES), [])]
    in_scope = {name for on in tables for name in on.names}
    columns: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for on in scope.by_class.get((ObjectClass.COLUMN, schema), ()):
        rights = tuple(sorted(right for right in PRIVILEGES[GrantKind.TABLES] if scope.has(grantee, on, right)))
        if rights and on.owner != grantee and on.relation in in_scope:
            columns.setdefault((on.relation, rights), []).extend(on.names)
    for (table, rights), names in sorted(columns.items()):
        yield {
            "on": GrantKind.TABLES.value,
            "schema": schema,
            "names": [table],
            "columns": sorted(names),
            "privileges": list(rights),
        }
