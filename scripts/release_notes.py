"""Check that a tag is a release: a commit of main with the tag's version, whose changelog has a section on it.

Reads the tag's commit without checking it out: nothing of it may run before it is known to be on main. Writes the
section into ``build/release-notes.md``, for the release's page, and hands the commit to the workflow.
"""

import os
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from scripts.environment import CHECKOUT, CommandError, git, hand_over, run_command

_TAG = re.compile(r"v(?P<version>\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?)")


def version_of(tag: str) -> str:
    """Return the version that a tag names.

    Raises:
        CommandError: it names none.
    """
    match = _TAG.fullmatch(tag)
    if match is None:
        raise CommandError(f"{tag!r} is not a release. Tag it v and the version, such as v1.2.0.")
    return match["version"]


def check_version(project: str, version: str) -> None:
    """Refuse a version that is not the one of a ``pyproject.toml``, and so of the wheel.

    Raises:
        CommandError: the versions differ.
    """
    found = tomllib.loads(project)["project"]["version"]
    if found != version:
        raise CommandError(
            f"pyproject.toml has version {found}, not {version}. Set it there, merge that, and tag that commit."
        )


def notes(changelog: str, version: str) -> str:
    """Return what a changelog says of one version, without its heading.

    Raises:
        CommandError: it has no section of that version.
    """
    heading = rf"^## \[?{re.escape(version)}\]?(?: [^\n]*)?\n"
    section = re.search(rf"{heading}(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if section is None or not section[1].strip():
        raise CommandError(
            f"CHANGELOG.md has no section {version}. Move the entries of Unreleased below a heading "
            f"'## {version} - YYYY-MM-DD', merge that, and tag the commit that has it."
        )
    return section[1].strip() + "\n"


def commit_of(tag: str, checkout: Path) -> str:
    """Return the commit of a tag, which main contains, as the remote has both.

    Raises:
        CommandError: there is no such tag, or it is not on main.
    """
    commit = git("rev-parse", "--verify", "--quiet", f"refs/tags/{tag}^{{commit}}", allowed=(0, 1), checkout=checkout)
    if commit.returncode:
        raise CommandError(f"There is no tag {tag}. Push it: git push origin {tag}")
    name = commit.stdout.strip()
    on_main = ("merge-base", "--is-ancestor", name, "refs/remotes/origin/main")
    if git(*on_main, allowed=(0, 1), checkout=checkout).returncode:
        raise CommandError(f"{tag} is not on main. What is released was reviewed there first: merge it, then tag.")
    return name


def write(settings: Mapping[str, str], checkout: Path = CHECKOUT) -> None:
    """Check the tag TAG and write its notes, or raise CommandError."""
    tag = settings.get("TAG", "")
    version = version_of(tag)
    commit = commit_of(tag, checkout)
    check_version(git("show", f"{commit}:pyproject.toml", checkout=checkout).stdout, version)
    text = notes(git("show", f"{commit}:CHANGELOG.md", checkout=checkout).stdout, version)
    target = checkout / "build" / "release-notes.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text)
    hand_over(settings, commit=commit)
    print(f"{tag} is {commit} on main; its notes are in build/release-notes.md.")


if __name__ == "__main__":
    sys.exit(run_command(os.environ, lambda: write(os.environ)))
