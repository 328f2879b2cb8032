"""Check that a tag is a release: a commit of main, whose changelog has a section on the version.

Reads the tag's commit without checking it out: nothing of it may run before it is known to be on main. Writes the
section into ``build/release-notes.md``, for the release's page, and hands the commit to the workflow.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
_TAG = re.compile(r"v(?P<version>\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?)")


class ReleaseError(Exception):
    """The tag is no release; the message says what to do."""


def version_of(tag: str) -> str:
    """The version that a tag names.

    Raises:
        ReleaseError: it names none.
    """
    match = _TAG.fullmatch(tag)
    if match is None:
        raise ReleaseError(f"{tag!r} is no release. Tag it v and the version, such as v1.2.0.")
    return match["version"]


def notes(changelog: str, version: str) -> str:
    """What a changelog says of one version, without its heading.

    Raises:
        ReleaseError: it says nothing of it.
    """
    heading = rf"^## \[?{re.escape(version)}\]?(?: [^\n]*)?\n"
    section = re.search(rf"{heading}(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if section is None or not section[1].strip():
        raise ReleaseError(
            f"CHANGELOG.md says nothing of {version}. Move what is under Unreleased below a heading "
            f"'## {version} - YYYY-MM-DD', merge that, and tag the commit that has it."
        )
    return section[1].strip() + "\n"


def commit_of(tag: str, checkout: Path) -> str:
    """Return the commit of a tag, which main contains, as the remote has both.

    Raises:
        ReleaseError: there is no such tag, or it is not on main.
    """
    commit = _git(checkout, "rev-parse", "--verify", "--quiet", f"refs/tags/{tag}^{{commit}}")
    if commit.returncode:
        raise ReleaseError(f"There is no tag {tag}. Push it: git push origin {tag}")
    name = commit.stdout.strip()
    if _git(checkout, "merge-base", "--is-ancestor", name, "refs/remotes/origin/main").returncode:
        raise ReleaseError(f"{tag} is not on main. What is released was reviewed there first: merge it, then tag.")
    return name


def _git(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def main(environment: Mapping[str, str], checkout: Path = CHECKOUT) -> int:
    """Check the tag TAG and write its notes."""
    tag = environment.get("TAG", "")
    try:
        version = version_of(tag)
        commit = commit_of(tag, checkout)
        text = notes(_git(checkout, "show", f"{commit}:CHANGELOG.md").stdout, version)
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    target = checkout / "build" / "release-notes.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text)
    if output := environment.get("GITHUB_OUTPUT"):
        with Path(output).open("a") as file:
            file.write(f"commit={commit}\n")
    print(f"{tag} is {commit} on main; its notes are in build/release-notes.md.")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
