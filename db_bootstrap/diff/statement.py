"""A step towards what a document declares, and the difference that steps are made of.

Pure.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from db_bootstrap.model import Fact

F = TypeVar("F")


@dataclass(frozen=True)
class Statement:
    """One step towards what the document declares.

    Attributes:
        sql: The statement, complete and quoted; it never holds anything secret.
        reason: Why, in words.
        is_destructive: Whether it takes access away from somebody, or drops something.
        acts_as: The roles without whose rights the master may not run it.
        database: Where it runs, unless that is the database of the document.
    """

    sql: str
    reason: str
    is_destructive: bool = False
    acts_as: frozenset[str] = frozenset()
    database: str | None = None


@dataclass(frozen=True)
class Difference:
    """What is missing and what is too much."""

    missing: frozenset[Fact]
    surplus: frozenset[Fact]

    def __bool__(self) -> bool:
        return bool(self.missing or self.surplus)


def of(facts: Iterable[Fact], kind: type[F]) -> list[F]:
    """The facts of one kind, in an order that does not depend on hashes."""
    return sorted((fact for fact in facts if isinstance(fact, kind)), key=lambda fact: repr([*vars(fact).values()]))


def by(facts: Iterable[F], key: Callable[[F], object]) -> dict:  # type: ignore[type-arg]
    """Facts in groups, in the order given."""
    groups: dict[object, list[F]] = {}
    for fact in facts:
        groups.setdefault(key(fact), []).append(fact)
    return groups
