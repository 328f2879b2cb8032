"""Effective access as sentences for people. Names are unchanged; `report.escaped` makes them safe for a terminal."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from db_bootstrap.effective.access import Basis, Way
from db_bootstrap.effective.questions import Answer, Right, describe
from db_bootstrap.sql import PUBLIC

if TYPE_CHECKING:
    from db_bootstrap.effective.catalog import Objects


def answer_lines(answer: Answer, *, is_verbose: bool) -> Iterator[str]:
    """Yield the answer, one line for each way or, unless it is verbose, for the shortest way to each privilege."""
    for name, owner in answer.owners:
        yield f"{name} belongs to {owner}."
    yield from (f"{answer.question.of}: {sentence}." for sentence in answer.groups)
    yield from right_lines(answer.rights, is_verbose=is_verbose)
    if not answer.rights:
        who = "No role" if answer.question.of is None else answer.question.of
        what = answer.question.privilege or "any privilege"
        yield f"{who} does not have {what}{f' on {answer.question.on}' if answer.question.on else ''}."


def right_lines(rights: Iterable[Right], *, is_verbose: bool, with_role: bool = True) -> Iterator[str]:
    """Yield rights as lines: those of the same role, ways and class of objects together."""
    held: dict[tuple[str, str, Objects, tuple[str, ...]], list[str]] = {}
    for right in rights:
        ways = right.ways if is_verbose else right.ways[:1]
        for phrase in dict.fromkeys(_phrase(way, is_verbose=is_verbose) for way in ways):
            held.setdefault((right.role, phrase, right.objects, right.names), []).append(right.privilege)
    lines: dict[tuple[str, str, str, str | None, str | None], list[tuple[Objects, tuple[str, ...]]]] = {}
    for (role, phrase, on, names), privileges in held.items():
        who = f"{'every role' if role == PUBLIC else role}: " if with_role else ""
        what = f"{who}{', '.join(privileges)} on"
        lines.setdefault((what, phrase, on.kind, on.schema, on.relation), []).append((on, names))
    for (what, phrase, *_), targets in lines.items():
        names = tuple(sorted(name for _, of in targets for name in of))
        yield f"{what} {describe(targets[0][0], names)} {phrase}"


def _phrase(way: Way, *, is_verbose: bool) -> str:
    match way.basis:
        case Basis.SUPERUSER:
            text = "as a superuser"
        case Basis.OWNER:
            text = (
                "as the owner" if not way.through else f"as a member of the owner, through {' and '.join(way.through)}"
            )
        case Basis.PUBLIC:
            text = "through PUBLIC" + (", by PostgreSQL's default" if way.is_default else "")
        case Basis.PREDEFINED if not way.through:
            text = "as a predefined role"
        case _:
            text = f"through {' and '.join(way.through)}" if way.through else "by a direct grant"
    if way.set_role is not None:
        text = f"after SET ROLE {way.set_role}" + ("" if text == "by a direct grant" else f", {text}")
    if is_verbose and way.grantor is not None:
        text += f", granted by {way.grantor or 'a role that was dropped'}"
    if is_verbose and way.basis is Basis.GRANT and way.is_grantable:
        text += " with the grant option"
    return text + ("" if way.lacks is None else f"; not usable without USAGE on schema {way.lacks}")
