"""The rules that an access document must obey beyond the types of its values.

Every problem has the form ``path: what is wrong; what to do``.
"""

import difflib
from collections.abc import Container, Iterable, Iterator, Mapping

from db_bootstrap.document.model import (
    COLUMN_PRIVILEGES,
    IAM_ROLE,
    LOGIN_ROLE_SUFFIXES,
    MAXIMUM_CONNECTION_LIMIT,
    PRIVILEGES,
    AccessDocument,
    CredentialKind,
    Grant,
    GrantKind,
    Login,
    Member,
    Preset,
    Schema,
    is_predefined_group,
    is_reserved,
    login_role_names,
)
from db_bootstrap.sql import MAXIMUM_NAME_BYTES


def contradictions(document: AccessDocument) -> Iterator[str]:
    """Yield every contradiction in the document, and everything that PostgreSQL cannot have."""
    yield from _unusable_names(document)
    yield from _undeclared(document)
    yield from _clashes(document)
    yield from _cycles(document)
    for path, member in _members(document):
        yield from _unusable_member(path, member)
        yield from _unusable_grants(path, member.grants, document.schemas)
    yield from _unusable_grants("document.public", document.public.grants, document.schemas)
    for name, login in document.logins.items():
        yield from _unusable_login(f"document.logins[{name!r}]", login)
    yield from _unusable_retirements(document)


def _members(document: AccessDocument) -> Iterator[tuple[str, Member]]:
    for name, role in document.roles.items():
        yield f"document.roles[{name!r}]", role
    for name, login in document.logins.items():
        yield f"document.logins[{name!r}]", login


def _unusable_names(document: AccessDocument) -> Iterator[str]:
    yield from _unusable_name("document.database", document.database)
    for name in document.schemas:
        path = f"document.schemas[{name!r}]"
        yield from _unusable_name(path, name)
        if name.startswith("pg_") or name == "information_schema":
            yield f"{path}: PostgreSQL reserves this schema; choose another name."
        yield from _unusable_adoptions(f"{path}.adopt", document, document.schemas[name])
    for name, extension in document.extensions.items():
        path = f"document.extensions[{name!r}]"
        yield from _unusable_name(path, name)
        if extension.schema is not None:
            yield from _unusable_name(f"{path}.schema", extension.schema)
    for section, names in (("roles", document.roles), ("logins", document.logins), ("retired", document.retired)):
        for name in names:
            path = f"document.{section}[{name!r}]"
            is_pair = section == "logins" and name in document.rotated_logins
            longest = MAXIMUM_NAME_BYTES - (len(LOGIN_ROLE_SUFFIXES[0]) if is_pair else 0)
            yield from _unusable_name(path, name, longest)
            if is_reserved(name):
                is_group = is_predefined_group(name) and section == "roles"
                remedy = "name it in member_of without declaring it" if is_group else "choose another one"
                yield f"{path}: PostgreSQL or RDS reserves this name; {remedy}."


def _unusable_adoptions(path: str, document: AccessDocument, schema: Schema) -> Iterator[str]:
    for index, role in enumerate(schema.adopt):
        yield from _unusable_name(f"{path}[{index}]", role)
        if role == schema.owner:
            yield f"{path}[{index}]: {role!r} owns the schema, and keeps its objects; remove it."
        elif role in document.retired:
            yield f"{path}[{index}]: {role!r} is retired; its 'reassign_to' says who gets its objects. Remove it here."


def _undeclared(document: AccessDocument) -> Iterator[str]:
    for name, schema in document.schemas.items():
        yield from _undeclared_role(document, f"document.schemas[{name!r}].owner", schema.owner)
    for path, member in _members(document):
        for index, group in enumerate(member.member_of):
            yield from _undeclared_group(document, f"{path}.member_of[{index}]", group)
        for group in member.memberships:
            yield from _undeclared_group(document, f"{path}.memberships[{group!r}]", group)
        yield from _undeclared_schemas(document, path, member.schemas)
        if isinstance(member, Login) and member.acts_as is not None:
            yield from _undeclared_role(document, f"{path}.acts_as", member.acts_as)
    yield from _undeclared_schemas(document, "document.public", document.public.schemas)


def _undeclared_schemas(document: AccessDocument, path: str, schemas: Mapping[str, Preset]) -> Iterator[str]:
    for schema in schemas:
        if schema not in document.schemas:
            yield (
                f"{path}.schemas[{schema!r}]: this schema is not declared; "
                f"add it to document.schemas with its owner, or remove this key."
            )


def _undeclared_group(document: AccessDocument, path: str, name: str) -> Iterator[str]:
    if not is_predefined_group(name):
        yield from _undeclared_role(document, path, name)


def _undeclared_role(document: AccessDocument, path: str, name: str) -> Iterator[str]:
    if name in document.groups:
        return
    if name == IAM_ROLE:
        yield f"{path}: membership in rds_iam is granted by 'credential: iam'; set that, and remove it here."
    elif is_reserved(name):
        yield f"{path}: PostgreSQL or RDS keeps the role {name!r} for itself; name one of document.roles."
    elif name in document.logins:
        yield f"{path}: {name!r} is a login, and only a role can stand here; name one of document.roles."
    else:
        yield f"{path}: no role {name!r} is declared; add it to document.roles, or correct the name."


def _clashes(document: AccessDocument) -> Iterator[str]:
    for name in document.logins:
        if name in document.roles:
            yield f"document.logins[{name!r}]: a role has the same name; rename one of the two."
    declared = frozenset(document.roles) | frozenset(document.logins)
    for name in document.rotated_logins:
        for login_role in login_role_names(name):
            if login_role in declared:
                yield (
                    f"document.logins[{name!r}]: its rotation needs a login role {login_role!r}, and the document "
                    f"declares one of that name for something else; rename one of the two."
                )


def _cycles(document: AccessDocument) -> Iterator[str]:
    """Yield a problem for each role that is indirectly a member of itself."""
    groups_of = {name: _groups(member) for name, member in {**document.logins, **document.roles}.items()}
    for section, names in (("roles", document.roles), ("logins", document.logins.keys() - document.roles.keys())):
        for start in sorted(names):
            path = circle(start, groups_of)
            if path:
                yield (
                    f"document.{section}[{start!r}].member_of: {' -> '.join(path)} is a circle; "
                    "remove one of its memberships."
                )


def _groups(member: Member) -> list[str]:
    acts_as = [member.acts_as] if isinstance(member, Login) and member.acts_as is not None else []
    return [*member.member_of, *member.memberships, *acts_as]


def circle(start: str, groups_of: Mapping[str, Iterable[str]], first: str | None = None) -> list[str]:
    """Return the path by which a role is a member of itself, through ``first`` if given; empty if there is none."""
    path, seen = [start], set[str]()
    pending = [iter(groups_of[start] if first is None else [first])]
    while pending:
        group = next(pending[-1], None)
        if group is None:
            pending.pop()
            path.pop()
        elif group == start:
            return [*path, start]
        elif group in groups_of and group not in seen:
            seen.add(group)
            path.append(group)
            pending.append(iter(groups_of[group]))
    return []


def _unusable_member(path: str, member: Member) -> Iterator[str]:
    if member.comment is not None and not member.comment.strip():
        yield f"{path}.comment: it is empty; write a text, or leave the key out."
    for index, group in enumerate(member.member_of):
        if group in member.memberships:
            yield f"{path}.member_of[{index}]: {group!r} is in memberships too; remove one of the two."


def _unusable_login(path: str, login: Login) -> Iterator[str]:
    if login.connection_limit is not None and not -1 <= login.connection_limit <= MAXIMUM_CONNECTION_LIMIT:
        yield (
            f"{path}.connection_limit: {login.connection_limit} is not a valid limit; "
            f"use 0 to {MAXIMUM_CONNECTION_LIMIT}, or -1 for none."
        )
    if login.valid_until is not None and login.credential is CredentialKind.IAM:
        yield f"{path}.valid_until: PostgreSQL checks it for passwords only, and an IAM login has none; remove it."
    for setting in ("role", "session_authorization"):
        if setting in login.settings:
            yield f"{path}.settings[{setting!r}]: the role that a session acts as is set by 'acts_as'; use that."
    options = login.memberships.get(login.acts_as or "")
    if options is not None and not options.set:
        yield f"{path}.memberships[{login.acts_as!r}].set: its sessions act as this role, which needs 'set'; remove it."


def _unusable_retirements(document: AccessDocument) -> Iterator[str]:
    for name, retirement in document.retired.items():
        path = f"document.retired[{name!r}]"
        if name in document.role_names:
            yield f"{path}: the document declares this role as well; remove one of the two."
        successor = retirement.reassign_to
        if successor is not None and successor not in document.members:
            yield (
                f"{path}.reassign_to: {successor!r} is not declared; name one of document.roles or document.logins, "
                "which gets what the role owns."
            )
        if successor is not None and retirement.drop_owned:
            yield f"{path}.drop_owned: what it owns goes to {successor!r}, so it cannot be dropped; remove one."


def _unusable_grants(path: str, grants: Iterable[Grant], schemas: Container[str]) -> Iterator[str]:
    """Yield every problem of the grants below ``path``, in a document that declares these schemas."""
    for index, grant in enumerate(grants):
        here = f"{path}.grants[{index}]"
        yield from _unusable_target(here, grant, schemas)
        yield from _unusable_objects(here, grant)
        yield from _unusable_privileges(here, grant)


def _unusable_name(path: str, name: str, longest: int = MAXIMUM_NAME_BYTES) -> Iterator[str]:
    """Yield a problem if PostgreSQL would refuse the name, or truncate it."""
    size = len(name.encode())
    if not name:
        yield f"{path}: a name cannot be empty; give it one."
    elif size > longest:
        yield (
            f"{path}: the name has {size} bytes, and PostgreSQL would truncate it silently; "
            f"shorten it to at most {longest} bytes."
        )


def _unusable_target(path: str, grant: Grant, schemas: Container[str]) -> Iterator[str]:
    if grant.on is GrantKind.DATABASE:
        if grant.schema is not None:
            yield f"{path}.schema: a database is not in a schema; remove it, or set 'on: schema'."
    elif grant.schema is None:
        yield f"{path}.schema: this key is missing; add the name of the schema."
    elif grant.schema not in schemas:
        yield (
            f"{path}.schema: the schema {grant.schema!r} is not declared; "
            f"add it to document.schemas with its owner, or remove this grant."
        )
    if grant.on in {GrantKind.DATABASE, GrantKind.SCHEMA} and grant.names is not None:
        yield f"{path}.names: these are for the objects of a schema; remove them, or set 'on: tables' or another kind."


def _unusable_objects(path: str, grant: Grant) -> Iterator[str]:
    for key, names in (("names", grant.names), ("columns", grant.columns)):
        if names == ():
            yield f"{path}.{key}: an empty list grants nothing; name something, or leave the key out for all."
        for index, name in enumerate(names or ()):
            is_signature = key == "names" and grant.on is GrantKind.ROUTINES and name.endswith(")")
            yield from _unusable_name(f"{path}.{key}[{index}]", name.partition("(")[0] if is_signature else name)
    if grant.columns is not None and (grant.on is not GrantKind.TABLES or grant.names is None):
        yield f"{path}.columns: only tables have columns, and they must be named; set 'on: tables', and add 'names'."


def _unusable_privileges(path: str, grant: Grant) -> Iterator[str]:
    known = COLUMN_PRIVILEGES if grant.columns is not None else PRIVILEGES[grant.on]
    if not grant.privileges:
        yield f"{path}.privileges: an empty list grants nothing; name one of {', '.join(known)}, or remove the grant."
    for index, privilege in enumerate(grant.privileges):
        if privilege in known:
            continue
        here = f"{path}.privileges[{index}]"
        where = "columns" if grant.columns is not None else grant.on
        if privilege.upper() in {"ALL", "ALL PRIVILEGES"}:
            yield (
                f"{here}: the meaning of ALL differs between versions of PostgreSQL; "
                f"list the privileges, of {', '.join(known)}."
            )
        else:
            is_of_another_kind = any(privilege in names for names in PRIVILEGES.values())
            close = [] if is_of_another_kind else difflib.get_close_matches(privilege.upper(), known, n=1)
            remedy = f"did you mean {close[0]}?" if close else "remove it."
            yield f"{here}: on {where} there is no privilege {privilege!r}, only {', '.join(known)}; {remedy}"
