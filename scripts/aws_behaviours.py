"""Read the register of AWS behaviours, and derive from it what docs/rehearsal.md says. `make docs` calls it."""

import re
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parent.parent / "docs"
CONFIDENCE = ("documented", "reported", "measured", "assumed")
_BEGIN = "<!-- make docs: {} -->\n"
_END = "<!-- end -->\n"


class Behaviour(NamedTuple):
    """One row: what AWS does, who says so, and what the local AWS makes of it."""

    id: str
    behaviour: str
    source: str
    confidence: str
    local: str
    service: str

    @property
    def emulated(self) -> bool:
        """False where a rehearsal proves nothing: not emulated, or known only to a real account."""
        return "open question" not in self.local and not self.local.startswith("not emulated")


def read_register() -> list[Behaviour]:
    """Return the rows in the order of the register."""
    rows, service = [], ""
    for line in (DOCS / "aws-behaviours.md").read_text().splitlines():
        if line.startswith("## "):
            service = line.removeprefix("## ")
        elif line.startswith("| ") and not line.startswith(("| ID |", "| --- |")):
            identifier, behaviour, source, confidence, local = (cell.strip() for cell in line[1:-1].split(" | "))
            rows.append(Behaviour(identifier, behaviour, source, confidence, local, service))
    return rows


def with_list(page: str) -> str:
    """Return the text of docs/rehearsal.md with what is not proven as the register has it."""
    rows = read_register()
    services = dict.fromkeys(row.service for row in rows)
    unproven = "\n".join(filter(None, (_unproven(service, rows) for service in services)))
    return replaced(page, "behaviours that are not proven", unproven)


def _unproven(service: str, rows: list[Behaviour]) -> str:
    names = ", ".join(row.id for row in rows if row.service == service and not row.emulated)
    anchor = re.sub(r"[^\w -]", "", service.lower()).replace(" ", "-")
    return names and f"- [{service}](aws-behaviours.md#{anchor}): {names}"


def replaced(page: str, name: str, text: str) -> str:
    """Return a page with another text between the markers of this name."""
    begin = _BEGIN.format(name)
    head, _, rest = page.partition(begin)
    return f"{head}{begin}\n{text}\n\n{_END}{rest.partition(_END)[2]}"


def main() -> None:
    """Rewrite the list."""
    page = DOCS / "rehearsal.md"
    page.write_text(with_list(page.read_text()))


if __name__ == "__main__":
    main()
