"""Delete the tests of what you have deleted: ``make prune``, after ``rm -rf rehearsal localaws`` for example.

A test module goes if it imports a package or module of this project that is gone, directly or through tests/support.
Imports within functions do not count: fixtures use them for what only some tests need. With a conftest go the tests
next to it. The tests of the documents go too, because these still describe the whole project. The linters' settings
then fit what is left.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("app", "bench", "db_bootstrap", "devtools", "localaws", "rehearsal", "scripts", "tests")
_OF_DOCUMENTS = (
    "tests/integration/scripts/test_make_it_yours.py",
    "tests/integration/test_documentation.py",
    "tests/unit/test_aws_behaviours.py",
)


def prune(project: Path) -> list[Path]:
    """Delete such modules below ``tests/``; return their paths."""
    pruned: list[Path] = []
    gone = [path for name in _OF_DOCUMENTS if (path := project / name).exists()]
    while gone:
        for path in gone:
            path.unlink()
        pruned += gone
        bare = {path.parent for path in pruned if path.name == "conftest.py"}
        tests = sorted((project / "tests").rglob("*.py"))
        gone = [path for path in tests if path.parent in bare or any(_missing(project, _imported(_tree(path).body)))]
    return pruned


def fit_linters(project: Path) -> None:
    """Let import-linter, mypy and vulture expect what is left, in ``pyproject.toml``."""
    file = project / "pyproject.toml"
    gone = "|".join(name for name in PACKAGES if not (project / name).exists())
    name = rf'"(?:{gone})(?:\.[\w.*]+)?"'
    kept = []
    for table in re.split(r"(?m)^(?=\[)", file.read_text(encoding="utf-8")):
        text = table
        if gone and re.match(r"\[+tool\.(?:importlinter|mypy|vulture)", table):
            text = re.sub(rf",?\s*{name}(?=,?\s*\])", "", re.sub(rf"{name},\s*", "", table))
        is_contract = text.startswith("[[tool.importlinter.contracts]]")
        if not is_contract or [] not in tomllib.loads(text)["tool"]["importlinter"]["contracts"][0].values():
            kept.append(text)
    trees = (_tree(path) for package in PACKAGES for path in (project / package).rglob("*.py"))
    missing = {module for tree in trees for module in _missing(project, _imported(ast.walk(tree)))}
    text = _extended("".join(kept), 'module = ["cfnlint.*", ', missing)
    file.write_text(text, encoding="utf-8")
    if find_spec("vulture"):
        vulture = [sys.executable, "-m", "vulture"]
        output = subprocess.run(vulture, cwd=project, capture_output=True, text=True, check=False).stdout
        text = _extended(text, "ignore_names = [", re.findall(r": unused \w+ '(\w+)'", output))
        file.write_text(text, encoding="utf-8")


def _extended(text: str, start: str, names: Iterable[str]) -> str:
    return text.replace(start, start + "".join(f'"{name}", ' for name in sorted(set(names))))


def _missing(project: Path, modules: Iterable[str]) -> Iterator[str]:
    for module in modules:
        path = module.replace(".", "/")
        ends = (".py", "/__init__.py", "/__main__.py")
        if module.partition(".")[0] in PACKAGES and not any((project / f"{path}{end}").exists() for end in ends):
            yield module


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imported(statements: Iterable[ast.AST]) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield statement.module


if __name__ == "__main__":
    for deleted in prune(Path()):
        print(deleted)
    fit_linters(Path())
