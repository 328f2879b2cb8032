"""Read the register of AWS behaviours, and derive from it what docs/rehearsal.md says. `make docs` calls it."""

import re
from collections import Counter
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


def with_lists(page: str) -> str:
    """Return the text of docs/rehearsal.md with both lists as the register has them."""
    rows = read_register()
    services = dict.fromkeys(row.service for row in rows)
    proven = "\n".join(_counts(service, rows) for service in services)
    unproven = "\n".join(filter(None, (_unproven(service, rows) for service in services)))
    return replaced(replaced(page, "emulated behaviours", proven), "behaviours that are not proven", unproven)


def _counts(service: str, rows: list[Behaviour]) -> str:
    counts = Counter(row.confidence for row in rows if row.service == service and row.emulated)
    kinds = ", ".join(f"{counts[kind]} {kind}" for kind in CONFIDENCE if counts[kind])
    return f"- {service}: {counts.total()} ({kinds})"


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
    """Rewrite the lists."""
    page = DOCS / "rehearsal.md"
    page.write_text(with_lists(page.read_text()))


if __name__ == "__main__":
    main()
