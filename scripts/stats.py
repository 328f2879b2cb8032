"""Print the project's size and, where it has been measured, the time that its tests take: ``make stats``."""

import re
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

CHECKOUT = Path(__file__).parents[1]


def lines_by_package(levels: int = 2) -> Counter[str]:
    """Count the lines of tracked text files, by the first ``levels`` of their folders."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, check=True, capture_output=True, text=True)  # noqa: S607 - git is found on the path, as everywhere
    lines: Counter[str] = Counter()
    for name in filter(None, listed.stdout.split("\0")):
        content = (CHECKOUT / name).read_bytes() if (CHECKOUT / name).is_file() else b""
        if b"\0" not in content:
            lines["/".join(Path(name).parts[:-1][:levels]) or "."] += content.count(b"\n")
    return lines


def dependencies() -> dict[str, int]:
    """Count the Python packages that each file of requirements locks."""
    files = sorted((CHECKOUT / "requirements").glob("*.txt"))
    return {file.stem: len(re.findall(r"^[\w.-]+==", file.read_text(), re.MULTILINE)) for file in files}


def test_runs() -> list[str]:
    """Describe the last run of each stage, as its target left it in build/."""
    runs = []
    for file in sorted((CHECKOUT / "build").glob("test*.xml")):
        suite = next(ElementTree.parse(file).iter("testsuite"))  # noqa: S314 - pytest wrote it
        when = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        runs.append(f"{float(suite.attrib['time']):8.0f} s  {file.stem}: {suite.attrib['tests']} tests, {when:%F %R}")
    return runs


def main() -> None:
    """Print lines, dependencies and times."""
    lines = lines_by_package()
    for package, count in sorted(lines.items()):
        print(f"{count:10,}  {package}")
    print(f"{lines.total():10,}  lines in all\n")
    for name, count in dependencies().items():
        print(f"{count:10}  packages in requirements/{name}.txt")
    print(*test_runs(), sep="\n")


if __name__ == "__main__":
    main()
