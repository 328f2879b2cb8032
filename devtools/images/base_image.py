"""What the image is built upon: the Dockerfile's own base or, where it cannot be fetched, a stand-in made here.

The stand-in is this machine's Debian or Ubuntu, made with mmdebstrap from the mirror that its apt uses, with its Python
in the place where the official image has it. It proves the Dockerfile, not the official image; its size and version of
Python are its own. Other images have stand-ins likewise.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devtools.errors import RehearsalError
from devtools.images.engine import Engine
from devtools.images.engine_processes import run_quietly

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


@dataclass(frozen=True)
class StandIn:
    """An image of this machine's release, to be made where the official one cannot be fetched.

    Attributes:
        name: the image's; its tag changes with what it is made of.
        packages: what is in it besides the release's essentials.
        customize: commands of a shell at the end, to which ``$1`` is the image's root.
    """

    name: str
    packages: tuple[str, ...]
    customize: tuple[str, ...] = ()

    @property
    def options(self) -> list[str]:
        """Of mmdebstrap."""
        hooks = [f"--customize-hook={command}" for command in self.customize]
        return [*_OPTIONS, f"--include={','.join(self.packages)}", *hooks]

    @property
    def tag(self) -> str:
        """The image's name with a tag."""
        files = [path.read_text() for path in (_AUTHORITIES, _PIP_SETTINGS) if path.exists()]
        recipe = "\0".join([*self.options, _suite(), *files])
        return f"{self.name}:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


PYTHON = StandIn(
    "localhost/taproom-stand-in",
    ("ca-certificates", "python3-venv"),
    # The official image has its Python, with pip, below /usr/local too.
    ('chroot "$1" python3 -m venv /usr/local',),
)


def base_image(engine: Engine, dockerfile: Path, note: Callable[[str], None]) -> str:
    """The base to build upon; fetched or made unless it is here.

    Raises:
        RehearsalError: it can neither be fetched nor made here.
    """
    official = official_base(dockerfile.read_text())
    note(f"looking for {official}")
    if engine.pull(official):
        return official
    stand_in = stand_in_image(engine, PYTHON, official, note)
    note(f"{official} cannot be fetched; building upon a stand-in")
    return stand_in


def stand_in_image(engine: Engine, stand_in: StandIn, official: str, note: Callable[[str], None]) -> str:
    """The stand-in for an official image that cannot be fetched; made unless it is here.

    Raises:
        RehearsalError: it cannot be made here.
    """
    if not engine.has(stand_in.tag):
        _make(engine, stand_in, official, note)
    return stand_in.tag


def official_base(dockerfile: str) -> str:
    """The base that a Dockerfile's ``ARG`` lines name."""
    given = dict(re.findall(r"^ARG (\w+)=(\S+)$", dockerfile, re.MULTILINE))
    tag = re.sub(r"\$\{(\w+)\}", lambda found: given[found[1]], given["BASE_TAG"])
    return f"{given['BASE']}:{tag}"


def _suite() -> str:
    release = Path("/etc/os-release")
    found = re.search(r"^VERSION_CODENAME=(\w+)$", release.read_text(), re.MULTILINE) if release.exists() else None
    return found[1] if found else ""


def _make(engine: Engine, stand_in: StandIn, official: str, note: Callable[[str], None]) -> None:
    program = shutil.which("mmdebstrap")
    if program is None or os.geteuid() != 0 or engine.name != "podman":
        raise RehearsalError(
            f"{official} cannot be fetched, and a stand-in for it is made only as root on Debian or Ubuntu with podman "
            "and mmdebstrap (scripts/setup-containers). Name another base that is here, such as "
            "`make image BASE=registry.example.com/python:3.13-slim`, or see to it that the registry can be reached."
        )
    note(f"{official} cannot be fetched; making a stand-in with mmdebstrap, once; it takes minutes on a busy machine")
    with tempfile.TemporaryDirectory(prefix="taproom-base-") as folder:
        archive = Path(folder) / "base.tar"
        copied = [
            f"--customize-hook=copy-in {path} {path.parent}" for path in (_AUTHORITIES, _PIP_SETTINGS) if path.exists()
        ]
        done = run_quietly([program, *stand_in.options, *copied, _suite(), str(archive), *_mirrors()])
        if done.returncode != 0:
            end = "\n".join(done.stderr.strip().splitlines()[-10:])
            raise RehearsalError(f"mmdebstrap could not make the stand-in.\n{end}")
        imported = ["import", "--change", f"ENV {_PATH}", str(archive), stand_in.tag]
        engine.call(imported, "The stand-in was not imported.")


def _mirrors() -> list[str]:
    """Where this machine's apt has the packages of its own release from, as lines of a sources.list.

    Raises:
        RehearsalError: apt names none.
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
        raise RehearsalError(f"apt names no mirror of {suite or 'this release'}: run `apt-get update`, then try again.")
    return [f"deb {site} {release} {' '.join(names)}" for (site, release), names in components.items()]
