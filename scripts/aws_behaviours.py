"""Read the register of AWS behaviours, and derive from it what docs/rehearsal.md lists. `make docs` calls it."""

import re
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parent.parent / "docs"
REHEARSAL = DOCS / "rehearsal.md"
CONFIDENCE = ("documented", "reported", "measured", "assumed")


class Behaviour(NamedTuple):
    """One row: what AWS does, who says so, and what the local AWS makes of it."""

    service: str
    id: str
    behaviour: str
    source: str
    confidence: str
    local: str

    @property
    def emulated(self) -> bool:
        """False where a rehearsal proves nothing: not emulated, or known only to a real account."""
        return "open question" not in self.local and not self.local.startswith("not emulated")


def read_register() -> list[Behaviour]:
    """Return the rows in the order of the register."""
    rows: list[Behaviour] = []
    for section in (DOCS / "aws-behaviours.md").read_text().split("\n## ")[1:]:
        service, *lines = section.splitlines()
        table = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
        rows += [Behaviour(service, *cells) for cells in table[2:]]
    return rows


def with_list(page: str) -> str:
    """Return the text of docs/rehearsal.md with what is not proven as the register has it."""
    unproven: dict[str, list[str]] = {}
    for row in read_register():
        if not row.emulated:
            anchor = re.sub(r"[^\w -]", "", row.service.lower()).replace(" ", "-")
            unproven.setdefault(f"[{row.service}](aws-behaviours.md#{anchor})", []).append(row.id)
    listed = "\n".join(f"- {link}: {', '.join(ids)}" for link, ids in unproven.items())
    return replaced(page, "behaviours that are not proven", listed)


def replaced(page: str, name: str, text: str) -> str:
    """Return a page with another text between the markers of this name."""
    head, begin, rest = page.partition(f"<!-- make docs: {name} -->\n")
    _, end, tail = rest.partition("<!-- end -->\n")
    return f"{head}{begin}\n{text}\n\n{end}{tail}"


if __name__ == "__main__":
    REHEARSAL.write_text(with_list(REHEARSAL.read_text()))
