"""What an access document may not say, though each of its values is what should stand there.

Pure. Every problem comes as ``path: what is wrong; what to do``.
"""

from collections.abc import Iterable, Iterator, Mapping

from db_bootstrap.document.grants import unusable_grants, unusable_name
from db_bootstrap.document.model import (
    MAXIMUM_CONNECTION_LIMIT,
    RESERVED_NAMES,
    SIBLING_SUFFIXES,
    AccessDocument,
    Login,
    Member,
    Preset,
    sibling_names,
)
from db_bootstrap.sql import MAXIMUM_NAME_BYTES


def contradictions(document: AccessDocument) -> Iterator[str]:
    """Every way in which the document contradicts itself, or asks for what PostgreSQL cannot have."""
    yield from _unusable_names(document)
    yield from _undeclared(document)
    yield from _clashes(document)
    yield from _cycles(document)
    for path, member in _members(document):
        yield from _unusable_member(path, member)
        yield from unusable_grants(path, member.grants, document.schemas)
    yield from unusable_grants("document.public", document.public.grants, document.schemas)
    for name, login in document.logins.items():
        yield from _unusable_login(f"document.logins[{name!r}]", login)
    yield from _unusable_retirements(document)


def _members(document: AccessDocument) -> Iterator[tuple[str, Member]]:
    for name, role in document.roles.items():
        yield f"document.roles[{name!r}]", role
    for name, login in document.logins.items():
        yield f"document.logins[{name!r}]", login


def _unusable_names(document: AccessDocument) -> Iterator[str]:
    yield from unusable_name("document.database", document.database)
    for name in document.schemas:
        path = f"document.schemas[{name!r}]"
        yield from unusable_name(path, name)
        if name.startswith("pg_") or name == "information_schema":
            yield f"{path}: PostgreSQL keeps this schema for itself; choose another name."
    for name, extension in document.extensions.items():
        path = f"document.extensions[{name!r}]"
        yield from unusable_name(path, name)
        if extension.schema is not None:
            yield from unusable_name(f"{path}.schema", extension.schema)
    for section, names in (("roles", document.roles), ("logins", document.logins), ("retired", document.retired)):
        for name in names:
            path = f"document.{section}[{name!r}]"
            is_pair = section == "logins" and name in document.rotated_logins()
            longest = MAXIMUM_NAME_BYTES - (len(SIBLING_SUFFIXES[0]) if is_pair else 0)
            yield from unusable_name(path, name, longest)
            if name.startswith("pg_") or name in RESERVED_NAMES:
                yield f"{path}: PostgreSQL or RDS keeps this name for itself; choose another one."


def _undeclared(document: AccessDocument) -> Iterator[str]:
    for name, schema in document.schemas.items():
        yield from _undeclared_role(document, f"document.schemas[{name!r}].owner", schema.owner)
    for path, member in _members(document):
        for index, group in enumerate(member.member_of):
            yield from _undeclared_role(document, f"{path}.member_of[{index}]", group)
        for group in member.memberships:
            yield from _undeclared_role(document, f"{path}.memberships[{group!r}]", group)
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


def _undeclared_role(document: AccessDocument, path: str, name: str) -> Iterator[str]:
    if name in document.groups():
        return
    if name == "rds_iam":
        yield f"{path}: membership in rds_iam is given by 'credential: iam'; say that, and remove it here."
    elif name in document.logins:
        yield f"{path}: {name!r} is a login, and only a role can stand here; name one of document.roles."
    else:
        yield f"{path}: no role {name!r} is declared; add it to document.roles, or correct the name."


def _clashes(document: AccessDocument) -> Iterator[str]:
    for name in document.logins:
        if name in document.roles:
            yield f"document.logins[{name!r}]: a role has the same name; rename one of the two."
    taken = frozenset(document.roles) | frozenset(document.logins)
    for name in document.rotated_logins():
        for sibling in sibling_names(name):
            if sibling in taken:
                yield (
                    f"document.logins[{name!r}]: its rotation needs a login role {sibling!r}, and the document "
                    f"declares one of that name for something else; rename one of the two."
                )


def _cycles(document: AccessDocument) -> Iterator[str]:
    """A problem for each role that is, through others, a member of itself."""
    groups_of = {name: _groups(member) for name, member in {**document.logins, **document.roles}.items()}
    for section, names in (("roles", document.roles), ("logins", document.logins.keys() - document.roles.keys())):
        for start in sorted(names):
            found = circle(start, groups_of)
            if found:
                yield (
                    f"document.{section}[{start!r}].member_of: {' -> '.join(found)} is a circle; "
                    "remove one of its memberships."
                )


def _groups(member: Member) -> list[str]:
    acts_as = [member.acts_as] if isinstance(member, Login) and member.acts_as is not None else []
    return [*member.member_of, *member.memberships, *acts_as]


def circle(start: str, groups_of: Mapping[str, Iterable[str]], first: str | None = None) -> list[str]:
    """How a role is, through its groups, a member of itself; by way of ``first``, if that is said. Empty if not."""
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
        yield f"{path}.comment: it says nothing; write something, or leave the key out."
    for index, group in enumerate(member.member_of):
        if group in member.memberships:
            yield f"{path}.member_of[{index}]: {group!r} stands in memberships too; remove one of the two."


def _unusable_login(path: str, login: Login) -> Iterator[str]:
    if not -1 <= login.connection_limit <= MAXIMUM_CONNECTION_LIMIT:
        yield (
            f"{path}.connection_limit: {login.connection_limit} is no limit; "
            f"use 0 to {MAXIMUM_CONNECTION_LIMIT}, or -1 for none."
        )
    for setting in ("role", "session_authorization"):
        if setting in login.settings:
            yield f"{path}.settings[{setting!r}]: whom a session acts as is said by 'acts_as'; use that."
    options = login.memberships.get(login.acts_as or "")
    if options is not None and not options.set:
        yield f"{path}.memberships[{login.acts_as!r}].set: its sessions act as this role, which takes 'set'; remove it."


def _unusable_retirements(document: AccessDocument) -> Iterator[str]:
    for name, retirement in document.retired.items():
        path = f"document.retired[{name!r}]"
        if name in document.role_names():
            yield f"{path}: the document declares this role as well; remove one of the two."
        heir = retirement.reassign_to
        if heir is not None and heir not in document.members():
            yield (
                f"{path}.reassign_to: {heir!r} is not declared; name one of document.roles or document.logins, "
                "to which what the role owns shall belong."
            )
        if heir is not None and retirement.drop_owned:
            yield f"{path}.drop_owned: what it owns goes to {heir!r}, and so cannot be dropped; remove one of the two."
