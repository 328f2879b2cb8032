"""Pure: tables in Markdown, and the part of docs/benchmarks.md that a benchmark writes."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """What was asked for, and what it is."""

    name: str
    limit: str
    measured: str
    is_met: bool


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def target_table(found: Sequence[Target]) -> str:
    """The table of what was asked for."""
    rows = [(target.name, target.limit, target.measured, "yes" if target.is_met else "**no**") for target in found]
    return table(("what", "wanted", "measured", "met"), rows)


def marks(suite: str) -> tuple[str, str]:
    """The lines between which the document keeps what ``suite`` has measured."""
    return (
        f"<!-- measured by `make bench SUITE={suite}` -->",
        f"<!-- end of what `make bench SUITE={suite}` measured -->",
    )


def replaced(text: str, suite: str, measured: str) -> str:
    """A document with ``measured`` between the marks of ``suite``.

    Raises:
        ValueError: It has not both marks, once each.
    """
    begin, end = marks(suite)
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"The document needs the lines {begin!r} and {end!r}, once each.")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{measured.strip()}\n\n{end}{after}"
