"""Hold a tag to what a release is: a commit of main, and a version that the changelog tells of.

Writes the changelog's section into ``build/release-notes.md``, for the release's page.
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


def is_on_main(tag: str, checkout: Path) -> bool:
    """Whether main contains a tag's commit, as the remote has both."""
    command = ["git", "merge-base", "--is-ancestor", f"refs/tags/{tag}^{{commit}}", "refs/remotes/origin/main"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1}:
        raise ReleaseError(f"git cannot say whether {tag} is on main: {done.stderr.strip()}")
    return done.returncode == 0


def main(environment: Mapping[str, str], checkout: Path = CHECKOUT) -> int:
    """Check the tag TAG and write its notes."""
    tag = environment.get("TAG", "")
    try:
        text = notes((checkout / "CHANGELOG.md").read_text(), version_of(tag))
        if not is_on_main(tag, checkout):
            raise ReleaseError(f"{tag} is not on main. What is released was reviewed there first: merge it, then tag.")
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    target = checkout / "build" / "release-notes.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text)
    print(f"{tag} is on main; its notes are in build/release-notes.md.")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
