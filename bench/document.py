"""Markdown tables, and the parts of docs/benchmarks.md that benchmarks write. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A target and its measurement."""

    name: str
    limit: str
    measured: str
    is_met: bool


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def target_table(targets: Sequence[Target]) -> str:
    """Return the table of targets."""
    rows = [(target.name, target.limit, target.measured, "yes" if target.is_met else "**no**") for target in targets]
    return table(("target", "limit", "measured", "met"), rows)


def marks(suite: str) -> tuple[str, str]:
    """Return the lines that enclose the results of ``suite`` in the document."""
    return (
        f"<!-- measured by `make bench SUITE={suite}` -->",
        f"<!-- end of what `make bench SUITE={suite}` measured -->",
    )


def replaced(text: str, suite: str, measured: str) -> str:
    """Return the document ``text`` with ``measured`` between the marks of ``suite``.

    Raises:
        ValueError: It does not have both marks exactly once.
    """
    begin, end = marks(suite)
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"The document must have the lines {begin!r} and {end!r} exactly once.")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{measured.strip()}\n\n{end}{after}"
