"""Facts in words, for reasons and reports."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TypeVar

from db_bootstrap.model import (
    DefaultPrivilege,
    Fact,
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
        yield f"{grantee!r} has {_names(held)} on {describe_target(held[0].target)}, which is not declared."
    defaults = sorted((fact for fact in facts if isinstance(fact, DefaultPrivilege)), key=_by_creator)
    for (creator, schema, kind, grantee), made in groupby(defaults, key=_by_creator):
        where = f"schema {schema}" if schema else "any schema"
        yield (
            f"{grantee!r} gets {_names(list(made))} on every {kind} that {creator} will create in {where}, "
            "which is not declared."
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


def _names(facts: list[Privilege] | list[DefaultPrivilege]) -> str:
    return ", ".join(sorted({fact.privilege + (" with grant option" if fact.is_grantable else "") for fact in facts}))


def _by_target(fact: Privilege) -> tuple[str, str]:
    return repr(fact.target), fact.grantee


def _by_creator(fact: DefaultPrivilege) -> tuple[str, str, str, str]:
    return fact.creator, fact.schema or "", fact.kind, fact.grantee
