"""Write the lists of inputs into the READMEs below terraform/. `make docs` calls it.

Two comments in a README mark the place of its list of the variables in the `.tf` files next to it. `terraform fmt`
must have formatted these: then a block ends with a brace at the beginning of a line.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from scripts.aws_behaviours import replaced

TERRAFORM = Path(__file__).parent.parent / "terraform"


def readmes() -> list[Path]:
    """Return the READMEs that have a list, one a folder."""
    return [path for path in sorted(TERRAFORM.rglob("README.md")) if "<!-- make docs: inputs -->" in path.read_text()]


def with_tables(readme: Path) -> str:
    """A README's text with its list as it should be."""
    listed = "\n".join(sorted(_input(name, body) for name, body in blocks(readme.parent, "variable")))
    return replaced(readme.read_text(), "inputs", listed)


def _input(name: str, body: str) -> str:
    text, default = _attribute(body, "description"), _attribute(body, "default")
    if not default:
        text += " Required."
    elif default not in ("null", "[]", "{}"):
        text += f" Default: `{default}`."
    return f"- `{name}`: {text}"


def blocks(folder: Path, kind: str, files: str = "*.tf") -> Iterator[tuple[str, str]]:
    """Each block of a kind as (name, body); the name of a resource is its address, such as aws_lb.this."""
    for path in sorted(folder.glob(files)):
        found = re.findall(rf'^{kind} "([^{{\n]+)" {{\n(.*?)^}}$', path.read_text(), re.MULTILINE | re.DOTALL)
        yield from ((labels.replace('" "', "."), body) for labels, body in found)


def _attribute(body: str, name: str) -> str:
    """An attribute's value in one line, without the quotes of a text; three dots for what takes several lines."""
    found = re.search(rf"^  {name} += (.+)$", body, re.MULTILINE)
    if not found:
        return ""
    value = found[1].removesuffix(" {")
    if found[1].endswith(("{", "[", "(")):
        return "..."
    return value[1:-1] if name == "description" else value


if __name__ == "__main__":
    for path in readmes():
        path.write_text(with_tables(path))
