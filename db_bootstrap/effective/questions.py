"""The questions about effective access: who can use an object, what a role can do, and why."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from db_bootstrap.effective.access import PRIVILEGES, Access, Way
from db_bootstrap.effective.catalog import ObjectClass, Objects
from db_bootstrap.errors import QuestionError
from db_bootstrap.model import Attribute
from db_bootstrap.sql import PUBLIC
from db_bootstrap.values import dataclass

MAXIMUM_NAMES = 3
"""Things up to this number are named, others are counted."""


class QuestionKind(StrEnum):
    """The kinds of questions about effective access."""

    WHO = "who"
    WHAT = "what"
    WHY = "why"


_NEEDED = {QuestionKind.WHO: {"on"}, QuestionKind.WHAT: {"of"}, QuestionKind.WHY: {"of", "on"}}


@dataclass(frozen=True)
class Question:
    """A question about effective access.

    Attributes:
        of: The role; None for `QuestionKind.WHO`.
        on: The object, such as ``beers.beers`` or ``schema beers``; None for `QuestionKind.WHAT`.
        privilege: Only this privilege, unless None.
    """

    kind: QuestionKind
    of: str | None = None
    on: str | None = None
    privilege: str | None = None

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> "Question":
        """Validate the keys ``action``, ``of``, ``on`` and ``privilege``.

        Raises:
            QuestionError: One is missing, unknown or invalid.
        """
        kind = QuestionKind(raw["action"])
        given = {key: value for key, value in raw.items() if key != "action" and value is not None}
        if given.keys() - {"privilege"} != _NEEDED[kind]:
            keys = " and ".join(sorted(_NEEDED[kind]))
            raise QuestionError(
                f"The question '{kind}' needs {keys} and takes privilege; it has {', '.join(given) or 'neither'}."
            )
        if wrong := [key for key, value in given.items() if not isinstance(value, str) or not value]:
            raise QuestionError(f"{', '.join(wrong)} must be text that is not empty.")
        privilege = given.get("privilege", "").upper() or None
        known = sorted({name for names in PRIVILEGES.values() for name in names})
        if privilege is not None and privilege not in known:
            raise QuestionError(f"There is no privilege {privilege!r}, only {', '.join(known)}.")
        return cls(kind, given.get("of"), given.get("on"), privilege)


@dataclass(frozen=True)
class Right:
    """A privilege of a role on objects with the same access control list.

    Attributes:
        names: The objects; all of the group, or the one that was asked for.
        ways: All ways that lead to it, usable ones first, then those without SET ROLE, then direct ones.
    """

    role: str
    objects: Objects
    names: tuple[str, ...]
    privilege: str
    ways: tuple[Way, ...]

    @property
    def lacks(self) -> str | None:
        """The schema without whose USAGE it cannot be used, unless None."""
        return self.ways[0].lacks


@dataclass(frozen=True)
class Answer:
    """The answer to a question.

    Attributes:
        owners: The objects in question, with their owners; empty for `QuestionKind.WHAT`.
        groups: For `QuestionKind.WHAT`: the roles that it inherits, and how it reaches others, as sentences for people.
    """

    question: Question
    rights: tuple[Right, ...]
    owners: tuple[tuple[str, str], ...]
    groups: tuple[str, ...]


def answer(question: Question, access: Access) -> Answer:
    """Answer a question.

    Raises:
        QuestionError: There is no such role or object, or more than one object of that name.
    """
    catalog = access.catalog
    if question.of is not None and question.of not in catalog.roles and question.of != PUBLIC:
        raise QuestionError(f"There is no role {question.of!r}.{_close(question.of, catalog.roles)}")
    chosen = _find(question.on, access) if question.on is not None else None
    roles = [question.of] if question.of is not None else [*sorted(catalog.roles), PUBLIC]
    found = [(on, (name,)) for on, name in chosen] if chosen else [(on, on.names) for on in catalog.objects]
    rights = [
        right
        for on, names in found
        for role in roles
        for right in rights_on(access, role, on, names)
        if question.privilege in {None, right.privilege}
    ]
    if question.kind is QuestionKind.WHO:
        # What every role has is listed once.
        rights = [right for right in rights if right.role == PUBLIC or any(way.basis != "public" for way in right.ways)]
    return Answer(
        question,
        tuple(rights),
        tuple((describe(on, (name,)), on.owner) for on, name in chosen or () if on.kind is not ObjectClass.COLUMN),
        tuple(groups_of(access, question.of)) if question.kind is QuestionKind.WHAT and question.of else (),
    )


def rights_on(access: Access, role: str, on: Objects, names: tuple[str, ...]) -> Iterator[Right]:
    """Yield the privileges of a role on objects, those that it gains by SET ROLE included."""
    if on.kind is ObjectClass.COLUMN and role in access.superusers:
        return  # the line on the table has it
    ways: dict[str, list[Way]] = {}
    for privilege, way in (*access.ways(role, on), *access.ways_by_set_role(role, on)):
        lacks = access.lacks(way.set_role or role, on)
        ways.setdefault(privilege, []).append(replace(way, lacks=lacks) if lacks else way)
    for privilege in access.privileges(on.kind):
        if privilege in ways:
            in_order = sorted(ways[privilege], key=lambda way: (bool(way.lacks), bool(way.set_role), len(way.through)))
            yield Right(role, on, names, privilege, tuple(in_order))


def groups_of(access: Access, role: str) -> Iterator[str]:
    """Yield the roles that a role inherits from, can act as or can grant."""
    if role in access.superusers:
        yield "it is a superuser, and can do everything"
        return
    inherited = access.paths(role)
    settable = {group: path for group, path in access.paths(role, "set").items() if group not in inherited}
    for verb, paths in (("inherits from", inherited), ("can SET ROLE", settable)):
        named = [
            group + (f" (through {' and '.join(path[:-1])})" if path[1:] else "")
            for group, path in sorted(paths.items(), key=lambda item: (len(item[1]), item[0]))
            if group != role
        ]
        if named:
            yield f"it {verb} {', '.join(named)}"
    if administered := sorted(access.graph.administered(role)):
        yield f"it can grant to any role, itself included: {', '.join(administered)} (ADMIN OPTION)"
    if role != PUBLIC:
        attributes = access.catalog.roles[role].attributes
        for attribute in (Attribute.CREATE_ROLE, Attribute.REPLICATION, Attribute.BYPASS_ROW_SECURITY):
            if attributes[attribute]:
                yield f"it has {attribute.value.upper()}"


def describe(on: Objects, names: tuple[str, ...]) -> str:
    """Return the objects with their class, by name or counted if they are more than `MAXIMUM_NAMES`."""
    if len(names) <= MAXIMUM_NAMES:
        plural = "" if len(names) == 1 else "s"
        return f"{on.kind}{plural} {', '.join(on.label(name) for name in names)}"
    where = f" in schema {on.schema}" if on.schema else ""
    return f"{len(names)} {on.kind}s{where}" + (f" of {on.relation}" if on.relation else "")


def as_dict(answered: Answer, database: str) -> dict[str, Any]:
    """Return the answer as values for JSON."""
    question = answered.question
    return {
        "action": question.kind,
        "database": database,
        "of": question.of,
        "on": question.on,
        "owners": [{"object": name, "owner": owner} for name, owner in answered.owners],
        "groups": list(answered.groups),
        "access": [right_as_dict(right) for right in answered.rights],
    }


def right_as_dict(right: Right) -> dict[str, Any]:
    """Return a right as values for JSON."""
    on = right.objects
    return {
        "role": right.role,
        "kind": on.kind,
        "schema": on.schema,
        "relation": on.relation,
        "names": list(right.names),
        "security_definer": on.is_security_definer,
        "search_path_pinned": on.is_search_path_pinned,
        "privilege": right.privilege,
        "with_set_role_only": all(way.set_role is not None for way in right.ways),
        "lacks_usage_on_schema": right.lacks,
        "ways": [
            {
                "basis": way.basis,
                "through": list(way.through),
                "grantor": way.grantor,
                "built_in_default": way.is_default,
                "grantable": way.is_grantable,
                "set_role": way.set_role,
            }
            for way in right.ways
        ],
    }


def _find(text: str, access: Access) -> list[tuple[Objects, str]]:
    """Return the one object of this name, and the columns of a table that have privileges."""
    labels: dict[str, list[tuple[Objects, str]]] = {}
    for on in access.catalog.objects:
        if on.kind is not ObjectClass.COLUMN:
            for name in on.names:
                plain = ".".join(filter(None, (on.schema, name)))
                for label in {on.label(name), plain}:
                    labels.setdefault(label, []).append((on, name))
                    labels.setdefault(f"{on.kind} {label}", []).append((on, name))
    found = labels.get(text, [])
    if not found:
        raise QuestionError(f"There is no object {text!r} that has privileges.{_close(text, labels)}")
    if len(found) > 1:
        choices = " or ".join(repr(f"{on.kind} {on.label(name)}") for on, name in found)
        raise QuestionError(f"{text!r} can be several objects; name {choices}.")
    ((on, name),) = found
    columns = (
        (other, column)
        for other in access.catalog.objects
        if other.kind is ObjectClass.COLUMN and (other.schema, other.relation) == (on.schema, name)
        for column in other.names
    )
    return [(on, name), *(columns if on.kind is ObjectClass.TABLE else ())]


def _close(text: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(text, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
