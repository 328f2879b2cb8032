"""The fallback base for tests of the image on a machine that reaches no registry.

It is this machine's release of Debian or Ubuntu, made with mmdebstrap from the mirror that its apt uses,
with its Python where the official image has it. It proves the Dockerfile, not the official image: its size and its
version of Python are its own.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from devtools.errors import UserError
from devtools.images.engine import Engine, run_quietly

_PATH = "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_PIP_SETTINGS = Path("/etc/pip.conf")
_OPTIONS = (
    "--variant=minbase",
    "--mode=root",
    "--quiet",
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    '--aptopt=Acquire::Languages "none"',
)


# The official image has its Python, with pip, below /usr/local too.
_RECIPE = (
    *_OPTIONS,
    "--include=ca-certificates,python3-venv",
    '--customize-hook=chroot "$1" python3 -m venv /usr/local',
)


def base_image(engine: Engine, dockerfile: Path) -> str:
    """Return the base to build upon: the Dockerfile's own, or a fallback if it cannot be fetched.

    Raises:
        UserError: it can neither be fetched nor made here.
    """
    official = official_base(dockerfile.read_text())
    if engine.pull(official):
        return official
    # Its tag changes with what it is made of.
    files = [path.read_text() for path in (_AUTHORITIES, _PIP_SETTINGS) if path.exists()]
    recipe = "\0".join([*_RECIPE, _suite(), *files])
    tag = f"localhost/taproom-fallback:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if not engine.has(tag):
        _make(engine, tag, official)
    return tag


def official_base(dockerfile: str) -> str:
    """Return the base that a Dockerfile's ``ARG`` lines name."""
    given = dict(re.findall(r"^ARG (\w+)=(\S+)$", dockerfile, re.MULTILINE))
    tag = re.sub(r"\$\{(\w+)\}", lambda found: given[found[1]], given["BASE_TAG"])
    return f"{given['BASE']}:{tag}"


def _suite() -> str:
    release = Path("/etc/os-release")
    found = re.search(r"^VERSION_CODENAME=(\w+)$", release.read_text(), re.MULTILINE) if release.exists() else None
    return found[1] if found else ""


def _make(engine: Engine, tag: str, official: str) -> None:
    program = shutil.which("mmdebstrap")
    if program is None or os.geteuid() != 0 or engine.name != "podman":
        raise UserError(
            f"{official} cannot be fetched, and a fallback for it is made only as root on Debian or Ubuntu with podman "
            "and mmdebstrap (scripts/setup-containers)."
        )
    with tempfile.TemporaryDirectory(prefix="taproom-base-") as folder:
        archive = Path(folder) / "base.tar"
        copied = [
            f"--customize-hook=copy-in {path} {path.parent}" for path in (_AUTHORITIES, _PIP_SETTINGS) if path.exists()
        ]
        done = run_quietly([program, *_RECIPE, *copied, _suite(), str(archive), *_mirrors()])
        if done.returncode != 0:
            end = "\n".join(done.stderr.strip().splitlines()[-10:])
            raise UserError(f"mmdebstrap could not make the fallback image.\n{end}")
        imported = ["import", "--change", f"ENV {_PATH}", str(archive), tag]
        engine.call(imported, "The fallback image was not imported.")


def _mirrors() -> list[str]:
    """Return this machine's apt sources for its own release, as lines of a sources.list.

    Raises:
        UserError: apt names none.
    """
    suite = _suite()
    form = "$(SITE) $(RELEASE) $(COMPONENT)"
    listed = subprocess.run(
        [shutil.which("apt-get") or "apt-get", "indextargets", "--format", form, "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    components: dict[tuple[str, str], list[str]] = {}
    for line in dict.fromkeys(listed.splitlines()):
        site, release, component = line.split()
        if release in {suite, f"{suite}-updates", f"{suite}-security"}:
            components.setdefault((site, release), []).append(component)
    if not any(release == suite for _, release in components):
        raise UserError(f"apt names no mirror of {suite or 'this release'}: run `apt-get update`, then try again.")
    return [f"deb {site} {release} {' '.join(names)}" for (site, release), names in components.items()]
