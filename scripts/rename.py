"""Give the project another name: ``make rename NAME=brewery``. Rewrites the tracked files; commit before and after."""

import re
import subprocess
import sys
from pathlib import Path

PRESENT_NAME = "taproom"
# Names that Terraform accepts for a project (terraform/environment/variables.tf).
ACCEPTABLE = r"[a-z][a-z0-9-]{1,15}"


def renamed(text: str, present: str, name: str) -> str:
    """``text`` with the project's name replaced wherever it stands, a capital at its beginning kept."""
    return text.replace(present, name).replace(present.capitalize(), name.capitalize())


def main(name: str) -> str | None:
    """Rename the project in the present folder; what is wrong, if anything."""
    if re.fullmatch(ACCEPTABLE, name) is None:
        return "Give the new name: make rename NAME=brewery; 2 to 16 lower-case letters, digits and hyphens."
    if subprocess.run(["git", "diff", "--quiet", "HEAD"], check=False).returncode:  # noqa: S607
        return "There are changes that are not committed; commit them first, so that the renaming can be undone."
    listed = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True)  # noqa: S607
    changed = 0
    for path in map(Path, filter(None, listed.stdout.split("\0"))):
        text = path.read_bytes().decode(errors="surrogateescape")
        new = renamed(text, PRESENT_NAME, name)
        if new != text:
            path.write_bytes(new.encode(errors="surrogateescape"))
            changed += 1
    print(f"{changed} files renamed to {name}. Check `git diff`, then run `make test`.")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
