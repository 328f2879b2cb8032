"""Delete the tests of what you have deleted: ``make prune``, after ``rm -rf rehearsal localaws`` for example.

A test module goes if it imports a package or module of this project that is gone, directly or through tests/support.
Imports within functions do not count: fixtures use them for what only some tests need.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("app", "bench", "db_bootstrap", "devtools", "localaws", "rehearsal", "scripts", "tests")


def prune(project: Path) -> list[Path]:
    """Delete such modules below ``tests/``; return their paths."""
    pruned: list[Path] = []
    while gone := [path for path in sorted((project / "tests").rglob("*.py")) if _misses_something(path, project)]:
        for path in gone:
            path.unlink()
        pruned += gone
    return pruned


def _misses_something(path: Path, project: Path) -> bool:
    return any(
        module.partition(".")[0] in PACKAGES
        and not any(
            (project / f"{module.replace('.', '/')}{end}").exists() for end in (".py", "/__init__.py", "/__main__.py")
        )
        for module in _imported(ast.parse(path.read_text(encoding="utf-8")))
    )


def _imported(tree: ast.Module) -> Iterator[str]:
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield statement.module


if __name__ == "__main__":
    for deleted in prune(Path()):
        print(deleted)
