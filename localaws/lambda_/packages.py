"""The packages that Lambda's Python runtime provides: boto3 and its dependencies.

A function runs with the interpreter of this environment, which has far more packages than Lambda. So a folder links
exactly boto3's closure; everything else must be in the zip, or its import fails here as it would in AWS.
"""

import re
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

RUNTIME_PACKAGES = ("boto3",)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def closure(names: Iterable[str]) -> dict[str, Distribution]:
    """Return the named distributions and their installed dependencies, by canonical name.

    What is needed only on another Python, and so is not installed, is left out; extras are as well.

    Raises:
        PackageNotFoundError: one of ``names`` is not installed.
    """
    found = {_canonical(name): distribution(name) for name in names}
    waiting = list(found.values())
    while waiting:
        for name in map(_canonical, _needed_by(waiting.pop())):
            if name in found:
                continue
            try:
                found[name] = distribution(name)
            except PackageNotFoundError:
                continue
            waiting.append(found[name])
    return found


def link_packages(distributions: Iterable[Distribution], directory: Path) -> None:
    """Fill a folder with links to the modules of these distributions, and to their metadata."""
    directory.mkdir(parents=True, exist_ok=True)
    for package in distributions:
        for name in sorted({file.parts[0] for file in package.files or [] if file.parts[0] != ".."}):
            link = directory / name
            if name != "__pycache__" and not link.is_symlink():
                link.symlink_to(str(package.locate_file(name)))


def _needed_by(package: Distribution) -> list[str]:
    names = []
    for requirement in package.requires or []:
        match = _NAME.match(requirement)
        if match and "extra" not in requirement.partition(";")[2]:
            names.append(match[0])
    return names


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
