"""Facts in words, for reasons and reports."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

from db_bootstrap.model import (
    DefaultPrivileges,
    Fact,
    Granted,
    Membership,
    OnColumn,
    OnDatabase,
    OnObjects,
    OnSchema,
    Privilege,
    RoleAttribute,
    RoleSetting,
    Target,
)

K = TypeVar("K", bound=str)


def join_names(names: Iterable[str]) -> str:
    """Join names as in ``a, b and c``."""
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last


UNCHANGED = "Access does not change."

MAXIMUM_NAMES = 3
"""Things up to this number are named, others are counted."""


def few(names: list[str]) -> list[str]:
    """Return the names, or the first of them and the number of the rest."""
    rest = len(names) - MAXIMUM_NAMES
    return names if rest <= 0 else [*names[:MAXIMUM_NAMES], f"{rest} more"]


def describe_counts(counts: Mapping[K, int]) -> str:
    """Describe numbers of things as in ``2 table(s) and 1 large object(s)``."""
    return join_names(f"{count} {kind}(s)" for kind, count in sorted(counts.items()))


def describe_target(target: Target) -> str:
    """Describe what a privilege is on."""
    match target:
        case OnDatabase():
            return f"database {target.database}"
        case OnSchema():
            return f"schema {target.schema}"
        case OnColumn():
            return f"column {target.column} of {target.schema}.{target.relation}"
        case OnObjects():
            return f"{target.count} {target.kind}(s) of schema {target.schema}"


def describe_undeclared(facts: Iterable[Fact]) -> Iterator[str]:
    """Yield a sentence for each actual fact that is not declared and stays."""
    privileges = sorted((fact for fact in facts if isinstance(fact, Privilege)), key=_by_target)
    for (_, grantee), group in groupby(privileges, key=_by_target):
        held = list(group)
        names = _names((grantee, fact.privilege, fact.is_grantable) for fact in held)
        yield f"{grantee!r} has {names} on {describe_target(held[0].target)}, which is not declared."
    defaults = sorted(
        (creator, fact.schema or "", fact.kind, *grant)
        for fact in facts
        if isinstance(fact, DefaultPrivileges)
        for creator in fact.creators
        for grant in fact.grants
    )
    for (creator, schema, kind, grantee), made in groupby(defaults, key=itemgetter(0, 1, 2, 3)):
        where = f"schema {schema}" if schema else "any schema"
        yield (
            f"{grantee!r} gets {_names(grant[3:] for grant in made)} on every {kind} that {creator} will create in "
            f"{where}, which is not declared."
        )
    for fact in sorted(facts, key=repr):
        match fact:
            case Membership():
                yield f"{fact.member!r} is a member of {fact.role!r} in a way that is not declared."
            case RoleSetting():
                within = f" in database {fact.database}" if fact.database is not None else ""
                yield f"{fact.role!r} has the setting {fact.name}{within}, which is not declared."
            case RoleAttribute():
                yield f"{fact.role!r} has the attribute {fact.attribute}: {fact.value}, which is not declared."
            case _:
                pass


def _names(granted: Iterable[Granted]) -> str:
    return ", ".join(
        sorted({name + (" with grant option" if is_grantable else "") for _, name, is_grantable in granted})
    )


def _by_target(fact: Privilege) -> tuple[str, str]:
    return repr(fact.target), fact.grantee
