"""Write the tables of inputs and outputs into the READMEs below terraform/. `make docs` calls it.

Two comments in a README mark the place of its table of the declarations in the `.tf` files next to it. `terraform fmt`
must have formatted these: then a block ends with a brace at the beginning of a line.
"""

import re
from collections.abc import Iterator
from pathlib import Path

TERRAFORM = Path(__file__).parent.parent / "terraform"
BEGIN = "<!-- make docs: inputs and outputs -->"
END = "<!-- end -->"


def readmes() -> list[Path]:
    """Return the READMEs that have a table, one a folder."""
    return [path for path in sorted(TERRAFORM.rglob("README.md")) if BEGIN in path.read_text()]


def with_tables(readme: Path) -> str:
    """A README's text with its table as it should be."""
    head, _, rest = readme.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{_tables(readme.parent)}\n{END}{tail}"


def _tables(folder: Path) -> str:
    inputs = [_input(name, body) for name, body in blocks(folder, "variable")]
    outputs = [f"| `{name}` | {_attribute(body, 'description')} |" for name, body in blocks(folder, "output")]
    tables = []
    if inputs:
        tables.append("\n".join(["| input | meaning | default |", "| --- | --- | --- |", *sorted(inputs)]))
    if outputs:
        tables.append("\n".join(["| output | meaning |", "| --- | --- |", *sorted(outputs)]))
    return "\n\n".join(tables) + "\n"


def _input(name: str, body: str) -> str:
    default = _attribute(body, "default")
    shown = f"`{default}`" if default else f"required: {_type(body)}"
    return f"| `{name}` | {_attribute(body, 'description')} | {shown} |"


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
    return value[1:-1].replace("|", "\\|") if name == "description" else value


def _type(body: str) -> str:
    """A type; of a long one only what it is at the top."""
    found = re.search(r"^  type += (\w+)(.*)$", body, re.MULTILINE)
    if not found:
        return ""
    rest = "(...)" if "{" in found[2] else found[2]
    return f"`{found[1]}{rest}`"


def main() -> None:
    """Rewrite every README whose table is not what it should be."""
    for readme in readmes():
        text = with_tables(readme)
        if text != readme.read_text():
            readme.write_text(text)
            print(f"{readme.relative_to(TERRAFORM.parent)} rewritten")


if __name__ == "__main__":
    main()
