"""The image, without a container engine or with one.

A rehearsal runs the image's own command on the image's own files, but as plain processes. ``build`` copies what the
Dockerfile copies into a folder and names the folder by the digest of its content, as a registry would; ``ImageStore``
finds it again by the reference in a task definition. This does not prove the Dockerfile's other lines;
``build_for_containers`` builds them too, and then tasks run in containers.
"""

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from devtools.errors import UserError

_REFERENCE = re.compile(r"^[^@]+@sha256:(?P<digest>[0-9a-f]{64})$")
_COMMAND = re.compile(r"^CMD (?P<argv>\[.*\])$", re.MULTILINE)


# Files that the Dockerfile needs in addition to the service and the certificates.
_BUILT_FROM = ("Dockerfile", ".dockerignore", "requirements/service.txt")


class ImageNotFoundError(UserError):
    """A task definition names an image that was never built."""


@dataclass(frozen=True)
class Image:
    """The parts of an image that start a container.

    Attributes:
        directory: the image's working directory.
        command: its CMD, the program and its arguments.
        tag: its name for podman; None where it has not been built, and its command runs as a process.
    """

    directory: Path
    command: tuple[str, ...]
    tag: str | None = None


class ImageStore:
    """The registry's place in a rehearsal: one folder a digest."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def build(self, checkout: Path, ca_file: Path) -> str:
        """Copy the service of a checkout into the store; the digest, as ``sha256:...``.

        The same files give the same digest, so building twice changes nothing.
        """
        digest, _ = self._store(checkout, ca_file)
        return digest

    def build_for_containers(self, checkout: Path, ca_file: Path, build: Callable[[Path, str], None]) -> str:
        """The same, and the image itself by ``build``, which gets the build's context and the image's tag."""
        digest, image = self._store(checkout, ca_file, [checkout / name for name in _BUILT_FROM])
        described = json.loads((image / "image.json").read_text())
        if "tag" not in described:
            tag = f"localhost/taproom-rehearsal:{digest.removeprefix('sha256:')}"
            with tempfile.TemporaryDirectory(prefix="taproom-image-") as context:
                copy_context(checkout, ca_file, Path(context))
                build(Path(context), tag)
            (image / "image.json").write_text(json.dumps({**described, "tag": tag}))
        return digest

    def _store(self, checkout: Path, ca_file: Path, built_from: Sequence[Path] = ()) -> tuple[str, Path]:
        command = command_of(checkout / "Dockerfile")
        files = {path.relative_to(checkout).as_posix(): path for path in _sources(checkout / "app")}
        files["rds-ca.pem"] = ca_file
        digest = hashlib.sha256(json.dumps(command).encode())
        for path in built_from:
            digest.update(path.read_bytes())
        for name, path in sorted(files.items()):
            digest.update(f"\0{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
        image = self._directory / digest.hexdigest()
        if not (image / "image.json").exists():
            for name, path in files.items():
                target = image / "root" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
            (image / "image.json").write_text(json.dumps({"command": command}))
        return f"sha256:{digest.hexdigest()}", image

    def tag(self, digest: str, reference: str) -> None:
        """Give an image a reference without a digest."""
        name = hashlib.sha256(reference.encode()).hexdigest()
        (self._directory / name).symlink_to(digest.removeprefix("sha256:"))

    def get(self, reference: str) -> Image:
        """The image that ``REPOSITORY@sha256:DIGEST`` names, or ``REPOSITORY:TAG`` after ``tag``.

        Raises:
            ImageNotFoundError: there is none.
        """
        match = _REFERENCE.match(reference)
        folder = self._directory / (match["digest"] if match else hashlib.sha256(reference.encode()).hexdigest())
        if not (folder / "image.json").exists():
            raise ImageNotFoundError(
                f"CannotPullContainerError: {reference} is not among the images of this rehearsal. "
                "Build it with `make up`, which passes the digest on to Terraform."
            )
        described = json.loads((folder / "image.json").read_text())
        return Image(folder / "root", tuple(described["command"]), described.get("tag"))


def copy_context(checkout: Path, ca_file: Path, context: Path) -> None:
    """Put what an image is built from into an empty folder, with another certificate authority than RDS's."""
    for name in _BUILT_FROM:
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(checkout / name, context / name)
    shutil.copytree(checkout / "app", context / "app", ignore=shutil.ignore_patterns("__pycache__"))
    (context / "build").mkdir()
    shutil.copyfile(ca_file, context / "build" / "rds-ca.pem")


def command_of(dockerfile: Path) -> list[str]:
    """The command of a Dockerfile: its last CMD, in exec form on one line.

    Raises:
        UserError: there is no such line.
    """
    found = _COMMAND.findall(dockerfile.read_text())
    if not found:
        raise UserError(f'{dockerfile} has no line CMD ["program", ...]; write the command in exec form on one line.')
    command: list[str] = json.loads(found[-1])
    return command


def _sources(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
