"""What a look at a database, or a change of it, came to: as text for people, as JSON, or as SQL.

Pure. Names come from the database, so whoever may make a role chooses a part of what is printed. In JSON and in
statements they stand exactly as they are; everywhere else, and in the text as a whole, what could move a terminal's
cursor, end a comment or turn the direction of writing is shown as an escape.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from db_bootstrap.diff.statement import Statement
from db_bootstrap.sql import identifier


class Action(StrEnum):
    """What was asked for."""

    PLAN = "plan"
    APPLY = "apply"
    VERIFY = "verify"
    GENERATE = "generate"


class Format(StrEnum):
    """How the answer is to look."""

    TEXT = "text"
    JSON = "json"
    SQL = "sql"


@dataclass(frozen=True)
class Report:
    """What came of an action.

    Attributes:
        statements: What would be run, or for `Action.APPLY` what was.
        refusals: Why it cannot be run.
        unmanaged: What was found in reach of the document and is left alone.
        digest: What `Action.APPLY` can be held to, "" if there is nothing to hold it to; None but for `Action.PLAN`.
    """

    action: Action
    database: str
    statements: tuple[Statement, ...]
    refusals: tuple[str, ...]
    unmanaged: tuple[str, ...]
    digest: str | None = None

    @property
    def is_in_sync(self) -> bool:
        """Whether the database is what the document declares, now that the action is over."""
        return self.action is Action.APPLY or not (self.statements or self.refusals)


def rendered(report: Report, form: Format) -> str:
    """The report as text that ends with a newline."""
    match form:
        case Format.TEXT:
            return _lines(_text(report))
        case Format.JSON:
            return json.dumps(content(report), indent=2) + "\n"
        case Format.SQL:
            return _lines(_sql(report))


def content(report: Report) -> dict[str, Any]:
    """The report as values that JSON knows, names exactly as they are."""
    return {
        "action": report.action,
        "database": report.database,
        "in_sync": report.is_in_sync,
        "digest": report.digest,
        "changes": changes(report.statements, report.database),
        "refusals": list(report.refusals),
        "unmanaged": list(report.unmanaged),
    }


def changes(statements: Iterable[Statement], database: str) -> list[dict[str, Any]]:
    """Statements as values that JSON knows.

    Args:
        statements: In order.
        database: The document's own, in which a statement runs that names no other.
    """
    return [
        {
            "sql": step.sql,
            "reason": step.reason,
            "destructive": step.is_destructive,
            "database": step.database or database,
        }
        for step in statements
    ]


def visible(text: str) -> str:
    """``text`` on one line, with control and format characters as escapes."""
    return "".join(
        character.encode("unicode_escape").decode() if unicodedata.category(character) in _INVISIBLE else character
        for character in text
    )


# Control and format characters, separators of lines and paragraphs; see Unicode, "General Category Values".
_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp"})


def _text(report: Report) -> Iterator[str]:
    yield f"{visible(report.database)}: {_summary(report)}"
    if report.action is Action.VERIFY:
        for step in report.statements:
            yield f"{'!' if step.is_destructive else '-'} {visible(step.reason)}"
    else:
        for step in report.statements:
            yield f"{'!' if step.is_destructive else ' '} {visible(step.sql)};"
            where = "" if step.database is None else f", in the database {visible(step.database)}"
            yield f"      because {_why(step)}{where}"
    yield from _listed("It cannot be done:", report.refusals)
    yield from _listed("Not managed, and left alone:", report.unmanaged)
    if report.digest is not None and report.statements and not report.refusals:
        yield f"To apply this and nothing else: apply --expect-digest {report.digest}"


def _why(step: Statement) -> str:
    return visible(step.reason) + (", TAKES ACCESS AWAY" if step.is_destructive else "")


def _listed(title: str, sentences: tuple[str, ...]) -> Iterator[str]:
    if sentences:
        yield title
        for sentence in sentences:
            yield f"- {visible(sentence)}"


def _summary(report: Report) -> str:
    is_drift = report.action is Action.VERIFY
    if not report.statements:
        return "nothing differs from the document." if is_drift else "nothing to do."
    count = len(report.statements)
    taking = sum(step.is_destructive for step in report.statements)
    noun = ("difference" if is_drift else "statement") + ("" if count == 1 else "s")
    rest = {Action.PLAN: "to run", Action.APPLY: "ran", Action.VERIFY: "from the document"}[report.action]
    how = "(!) mended by taking" if is_drift else "taking"
    return f"{count} {noun} {rest}" + (f", {taking} of them {how} access away." if taking else ".")


def _sql(report: Report) -> Iterator[str]:
    yield f"-- {visible(report.database)}: {_summary(report)}"
    if report.digest:
        yield f"-- digest {report.digest}"
    for refusal in report.refusals:
        yield f"-- It cannot be done: {visible(refusal)}"
    is_elsewhere = any(step.database is not None for step in report.statements)
    for database, steps in groupby(report.statements, key=lambda step: step.database):
        if is_elsewhere:
            yield from _connecting(database or report.database)
        yield "BEGIN;"
        for step in steps:
            yield f"-- because {_why(step)}"
            yield f"{step.sql};"
        yield "COMMIT;"
    for note in report.unmanaged:
        yield f"-- Not managed, and left alone: {visible(note)}"


def _connecting(database: str) -> Iterator[str]:
    """Psql's own command, which ends with its line and takes much for an address: only for names that are plain."""
    if re.fullmatch(r"[\w-]+", database, re.ASCII):
        yield f"\\connect {identifier(database)}"
    else:
        yield f"-- What follows is for the database {visible(database)}; connect to it by hand."
        yield r"\quit"


def _lines(lines: Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
