"""The access document: who may do what in one database, as typed, checked values.

Pure: it knows nothing of a server. Terraform passes the document as JSON, with ``null`` for what was left
out; a person may write the same as YAML. Whatever is wrong with it is refused here, before anything is
connected to, and all problems at once: each with the path to the offending key and the remedy.
"""

import functools
from collections.abc import Callable, Container, Iterator, Mapping
from enum import StrEnum
from typing import Any, cast, get_origin

import attrs
import cattrs
from cattrs import IterableValidationNote
from cattrs.gen import make_dict_structure_fn, mapping_structure_factory, override

from db_bootstrap import document_errors
from db_bootstrap.document_errors import DocumentValueError
from db_bootstrap.errors import AccessDocumentError
from db_bootstrap.sql import MAXIMUM_NAME_BYTES, is_setting_name, is_text, split_names

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

MAXIMUM_CONNECTION_LIMIT = 2**31 - 1
"""PostgreSQL keeps the limit as a signed integer of four bytes."""


class Preset(StrEnum):
    """What a role may do in a schema, as one word; `facts` says which privileges that is."""

    READ = "read"
    WRITE = "write"
    OWN = "own"


class Credential(StrEnum):
    """How a login proves who it is: by a rotated password in a secret, or by an IAM token."""

    ROTATED = "rotated"
    IAM = "iam"


@attrs.frozen(kw_only=True)
class Schema:
    """A schema that the document manages, with everything in it.

    Attributes:
        owner: The role that it belongs to; what this role creates gets its privileges from birth.
    """

    owner: str


@attrs.frozen(kw_only=True)
class Role:
    """A role without a login: it holds privileges, and logins are its members.

    Attributes:
        member_of: Roles whose privileges it has.
        schemas: What it may do in which schema.
    """

    member_of: tuple[str, ...] = ()
    schemas: dict[str, Preset] = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class Login:
    """A person or a program.

    Attributes:
        member_of: Roles whose privileges it has.
        credential: How it proves who it is: by a rotated password in a secret, or by an IAM token.
        acts_as: The role that its sessions act as from the start, so that what it creates belongs to that role.
        connection_limit: Sessions at once, for each login role; -1 for no limit.
        settings: Configuration of its sessions, such as statement_timeout; search_path and its like may be lists.
    """

    credential: Credential
    member_of: tuple[str, ...] = ()
    acts_as: str | None = None
    connection_limit: int = -1
    settings: dict[str, tuple[str, ...]] = attrs.Factory(dict)  # of one element, unless it is a list


@attrs.frozen(kw_only=True)
class AccessDocument:
    """Everything that is declared about one database.

    Attributes:
        database: Its name; the document is refused on any other.
        schemas: The schemas that are managed, by name.
        roles: The roles that hold privileges, by name.
        logins: Who logs in, by name.
    """

    database: str
    schemas: dict[str, Schema] = attrs.Factory(dict)
    roles: dict[str, Role] = attrs.Factory(dict)
    logins: dict[str, Login] = attrs.Factory(dict)

    def rotated_logins(self) -> tuple[str, ...]:
        """Names of the logins that have a secret, sorted."""
        return tuple(sorted(name for name, login in self.logins.items() if login.credential is Credential.ROTATED))

    def role_names(self) -> frozenset[str]:
        """Every role of the database that the document declares, siblings included."""
        siblings = {sibling for name in self.rotated_logins() for sibling in sibling_names(name)}
        return frozenset(self.roles) | frozenset(self.logins) | siblings


def sibling_names(login: str) -> tuple[str, str]:
    """The two login roles of a rotated login; the first gets the first credential."""
    first, second = SIBLING_SUFFIXES
    return login + first, login + second


def parse(raw: object) -> AccessDocument:
    """The document in ``raw``, as read from JSON or YAML.

    Raises:
        AccessDocumentError: It is not a document, or one that contradicts itself.
    """
    try:
        document = _converter().structure(raw, AccessDocument)
    except cattrs.BaseValidationError as error:
        raise AccessDocumentError(tuple(document_errors.problems(error))) from None
    except DocumentValueError as error:
        raise AccessDocumentError((f"document: {error}",)) from None
    found = tuple(_contradictions(document))
    if found:
        raise AccessDocumentError(found)
    return document


@functools.cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(int, _integer)
    converter.register_structure_hook(Preset, _choice(Preset))
    converter.register_structure_hook(Credential, _choice(Credential))
    converter.register_structure_hook_func(lambda kind: kind == tuple[str, ...], _names)
    converter.register_structure_hook_factory(
        lambda kind: cast("object", get_origin(kind)) is dict,
        lambda kind: _dict(mapping_structure_factory(kind, converter)),
    )
    # The document comes last: cattrs looks its parts' hooks up when it makes the document's own.
    for kind in (Schema, Role, Login, AccessDocument):
        special = {"settings": override(struct_hook=_settings)} if kind is Login else {}
        structure = make_dict_structure_fn(kind, converter, **special)  # type: ignore[arg-type]
        converter.register_structure_hook(kind, _attributes(structure))
    return converter


_Structure = Callable[[Mapping[str, Any], Any], Any]


def _attributes(structure: _Structure) -> Callable[[object, Any], Any]:
    """A hook that takes ``null`` for "not given", as Terraform's optional attributes say it."""

    def hook(value: object, kind: Any) -> Any:
        given = _mapping({} if value is None else value)
        return structure({key: item for key, item in given.items() if item is not None}, kind)

    return hook


def _dict(structure: _Structure) -> Callable[[object, Any], Any]:
    def hook(value: object, kind: Any) -> Any:
        return structure(_mapping(value), kind)

    return hook


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise DocumentValueError(f"expected keys and values, found {document_errors.described(value)}.")
    return value


def _text(value: object, _kind: object) -> str:
    if not isinstance(value, str):
        raise DocumentValueError(f"expected text, found {document_errors.described(value)}; put it in quotes.")
    return _storable(value)


def _storable(text: str) -> str:
    if not is_text(text):
        raise DocumentValueError(
            f"{document_errors.described(text)} has a NUL character or half of a surrogate pair, "
            f"which PostgreSQL cannot hold; remove it."
        )
    return text


def _integer(value: object, _kind: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise DocumentValueError(f"expected a whole number, found {document_errors.described(value)}.")
    return value


def _names(value: object, _kind: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise DocumentValueError(f"expected a list of names, found {document_errors.described(value)}.")
    return tuple(_storable(name) for name in value)


def _choice(choices: type[StrEnum]) -> Callable[[object, Any], StrEnum]:
    def hook(value: object, _kind: object) -> StrEnum:
        if not isinstance(value, str) or value not in list(choices):
            known = ", ".join(choices)
            raise DocumentValueError(f"expected one of {known}; found {document_errors.described(value)}.")
        return choices(value)

    return hook


def _settings(value: object, kind: object) -> dict[str, tuple[str, ...]]:
    given: dict[str, tuple[str, ...]] = {}
    refused: list[Exception] = []
    for name, item in _mapping(value).items():
        try:
            folded = _setting_name(name, given)
            if item is not None:
                given[folded] = _setting_value(folded, item)
        except DocumentValueError as error:
            error.add_note(IterableValidationNote("", name, kind))
            refused.append(error)
    if refused:
        raise cattrs.IterableValidationError("settings", refused, dict)
    return given


def _setting_name(name: object, taken: Container[str]) -> str:
    if not isinstance(name, str) or not is_setting_name(name):
        raise DocumentValueError("this is no name of a setting; write it as PostgreSQL does.")
    folded = name.lower()
    if folded in taken:
        raise DocumentValueError(f"PostgreSQL ignores case here, so {folded} is set twice; remove one of the two.")
    return folded


def _setting_value(name: str, value: object) -> tuple[str, ...]:
    is_list = name in LIST_SETTINGS
    if is_list and isinstance(value, list | tuple):
        return _names(value, list) or ("",)
    if isinstance(value, bool):
        return ("on" if value else "off",)
    if isinstance(value, str | int | float):
        text = _storable(str(value))
        try:
            return (split_names(text) or ("",)) if is_list else (text,)
        except ValueError as error:
            raise DocumentValueError(f"{error} Write it as a list.") from None
    expected = "a list of names" if is_list else "text, a number or a boolean"
    raise DocumentValueError(f"expected {expected}, found {document_errors.described(value)}.")


def _contradictions(document: AccessDocument) -> Iterator[str]:
    yield from _unusable_names(document)
    yield from _undeclared(document)
    yield from _clashes(document)
    yield from _cycles(document)
    yield from _unusable_logins(document)


def _unusable_names(document: AccessDocument) -> Iterator[str]:
    yield from _unusable_name("document.database", document.database, MAXIMUM_NAME_BYTES)
    for name in document.schemas:
        path = f"document.schemas[{name!r}]"
        yield from _unusable_name(path, name, MAXIMUM_NAME_BYTES)
        if name.startswith("pg_") or name == "information_schema":
            yield f"{path}: PostgreSQL keeps this schema for itself; choose another name."
    for section, names in (("roles", document.roles), ("logins", document.logins)):
        for name in names:
            path = f"document.{section}[{name!r}]"
            is_pair = name in document.rotated_logins()
            longest = MAXIMUM_NAME_BYTES - (len(SIBLING_SUFFIXES[0]) if is_pair else 0)
            yield from _unusable_name(path, name, longest)
            if name.startswith("pg_") or name in RESERVED_NAMES:
                yield f"{path}: PostgreSQL or RDS keeps this name for itself; choose another one."


def _unusable_name(path: str, name: str, longest: int) -> Iterator[str]:
    size = len(name.encode())
    if not name:
        yield f"{path}: a name cannot be empty; give it one."
    elif size > longest:
        yield (
            f"{path}: the name has {size} bytes, and PostgreSQL would cut it off silently; "
            f"shorten it to at most {longest} bytes."
        )


def _undeclared(document: AccessDocument) -> Iterator[str]:
    for name, schema in document.schemas.items():
        yield from _undeclared_role(document, f"document.schemas[{name!r}].owner", schema.owner)
    for name, role in document.roles.items():
        for index, group in enumerate(role.member_of):
            yield from _undeclared_role(document, f"document.roles[{name!r}].member_of[{index}]", group)
        for schema_name in role.schemas:
            if schema_name not in document.schemas:
                yield (
                    f"document.roles[{name!r}].schemas[{schema_name!r}]: this schema is not declared; "
                    f"add it to document.schemas with its owner, or remove this key."
                )
    for name, login in document.logins.items():
        for index, group in enumerate(login.member_of):
            yield from _undeclared_role(document, f"document.logins[{name!r}].member_of[{index}]", group)
        if login.acts_as is not None:
            yield from _undeclared_role(document, f"document.logins[{name!r}].acts_as", login.acts_as)


def _undeclared_role(document: AccessDocument, path: str, name: str) -> Iterator[str]:
    if name in document.roles:
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
    for start in document.roles:
        path, seen = [start], set[str]()
        pending = [(start, iter(document.roles[start].member_of))]
        while pending:
            _, groups = pending[-1]
            group = next(groups, None)
            if group is None:
                pending.pop()
                path.pop()
            elif group == start:
                circle = " -> ".join([*path, start])
                yield f"document.roles[{start!r}].member_of: {circle} is a circle; remove one of its memberships."
                break
            elif group in document.roles and group not in seen:
                seen.add(group)
                path.append(group)
                pending.append((group, iter(document.roles[group].member_of)))


def _unusable_logins(document: AccessDocument) -> Iterator[str]:
    for name, login in document.logins.items():
        path = f"document.logins[{name!r}]"
        if not -1 <= login.connection_limit <= MAXIMUM_CONNECTION_LIMIT:
            yield (
                f"{path}.connection_limit: {login.connection_limit} is no limit; "
                f"use 0 to {MAXIMUM_CONNECTION_LIMIT}, or -1 for none."
            )
        for setting in ("role", "session_authorization"):
            if setting in login.settings:
                yield f"{path}.settings[{setting!r}]: whom a session acts as is said by 'acts_as'; use that."
