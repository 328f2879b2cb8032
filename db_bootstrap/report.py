"""The result of an action, as text for people, as JSON, or as SQL.

Pure. Names come from the database, so any user who can create a role chooses a part of what is printed. JSON and
statements contain them unchanged. Everywhere else, and in text output as a whole, characters that could move a
terminal's cursor, end a comment or change the direction of writing are escaped.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Any

from db_bootstrap.model import Plan, Statement
from db_bootstrap.sql import identifier
from db_bootstrap.values import dataclass


class Action(StrEnum):
    """The requested action."""

    PLAN = "plan"
    APPLY = "apply"
    VERIFY = "verify"
    GENERATE = "generate"
    WHO = "who"
    WHAT = "what"
    WHY = "why"
    AUDIT = "audit"


class Format(StrEnum):
    """The format of the output."""

    TEXT = "text"
    JSON = "json"
    SQL = "sql"


@dataclass(frozen=True)
class Report(Plan):
    """The result of an action: its plan, whose statements ran if it is `Action.APPLY`.

    Attributes:
        digest: The digest that `Action.APPLY` can require, or "" if there is none; None except for `Action.PLAN`.
    """

    action: Action
    database: str
    digest: str | None = None

    @property
    def differences(self) -> tuple[Statement, ...]:
        """Return the statements that remove a difference each, without those that only let them run."""
        return tuple(step for step in self.statements if not step.is_bookkeeping)

    @property
    def is_in_sync(self) -> bool:
        """Return True if the database is what the document declares after the action."""
        return self.action is Action.APPLY or not (self.statements or self.refusals)


def render(report: Report, output_format: Format, *, is_verbose: bool = False) -> str:
    """Return the report as text that ends with a newline; text for people has the reasons only if it is verbose."""
    match output_format:
        case Format.TEXT:
            return _lines(_text(report, is_verbose=is_verbose))
        case Format.JSON:
            return json.dumps(as_dict(report), indent=2) + "\n"
        case Format.SQL:
            return _lines(_sql(report))


def as_dict(report: Report) -> dict[str, Any]:
    """Return the report as values for JSON, with names unchanged."""
    return {
        "action": report.action,
        "database": report.database,
        "in_sync": report.is_in_sync,
        "digest": report.digest,
        "summary": list(report.summary),
        "changes": changes(
            report.differences if report.action is Action.VERIFY else report.statements, report.database
        ),
        "refusals": list(report.refusals),
        "unmanaged": list(report.unmanaged),
    }


def changes(statements: Iterable[Statement], database: str) -> list[dict[str, Any]]:
    """Return statements as values for JSON.

    Those that name no database run in ``database``, the document's own.
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


def as_lines(sentences: Iterable[str]) -> str:
    """Return sentences as lines that are safe for a terminal."""
    return _lines(escaped(sentence) for sentence in sentences)


def escaped(text: str) -> str:
    """Return ``text`` on one line, with control and format characters escaped."""
    return "".join(
        character.encode("unicode_escape").decode() if unicodedata.category(character) in _INVISIBLE else character
        for character in text
    )


# Control and format characters, separators of lines and paragraphs; see Unicode, "General Category Values".
_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp"})


def _text(report: Report, *, is_verbose: bool) -> Iterator[str]:
    yield f"{escaped(report.database)}: {_verdict(report)}"
    if report.statements:
        yield from (escaped(sentence) for sentence in report.summary)
    if report.action is Action.VERIFY:
        for step in report.differences:
            yield f"{'!' if step.is_destructive else '-'} {escaped(step.reason)}"
    else:
        for step in report.statements:
            yield f"{'!' if step.is_destructive else ' '} {escaped(step.sql)};"
            where = "" if step.database is None else f"in the database {escaped(step.database)}"
            if reasons := [*([f"because {_why(step)}"] if is_verbose else []), *([where] if where else [])]:
                yield f"      {', '.join(reasons)}"
    yield from listed("Cannot run:", report.refusals)
    yield from listed("Not managed, and left alone:", report.unmanaged)
    if report.digest is not None and report.statements and not report.refusals:
        yield f"To apply exactly this plan: apply --expect-digest {report.digest}"


def _why(step: Statement) -> str:
    return escaped(step.reason) + (", TAKES ACCESS AWAY" if step.is_destructive else "")


def listed(title: str, sentences: Sequence[str]) -> Iterator[str]:
    """Yield sentences as a list below a title, safe for a terminal; nothing if there are none."""
    if sentences:
        yield title
        for sentence in sentences:
            yield f"- {escaped(sentence)}"


def _verdict(report: Report) -> str:
    is_drift = report.action is Action.VERIFY
    if not report.statements:
        return "nothing differs from the document." if is_drift else "nothing to do."
    count = len(report.differences if is_drift else report.statements)
    taking = sum(step.is_destructive for step in report.statements)
    noun = ("difference" if is_drift else "statement") + ("" if count == 1 else "s")
    rest = {Action.PLAN: "to run", Action.APPLY: "ran", Action.VERIFY: "from the document"}[report.action]
    how = "(!) fixed by taking" if is_drift else "taking"
    return f"{count} {noun} {rest}" + (f", {taking} of them {how} access away." if taking else ".")


def _sql(report: Report) -> Iterator[str]:
    yield f"-- {escaped(report.database)}: {_verdict(report)}"
    if report.statements:
        yield from (f"-- {escaped(sentence)}" for sentence in report.summary)
    if report.digest:
        yield f"-- digest {report.digest}"
    for refusal in report.refusals:
        yield f"-- Cannot run: {escaped(refusal)}"
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
        yield f"-- Not managed, and left alone: {escaped(note)}"


def _connecting(database: str) -> Iterator[str]:
    """Yield psql's command to connect, for plain names only: it could take others for a connection string."""
    if re.fullmatch(r"[\w-]+", database, re.ASCII):
        yield f"\\connect {identifier(database)}"
    else:
        yield f"-- The rest is for the database {escaped(database)}; connect to it manually."
        yield r"\quit"


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
