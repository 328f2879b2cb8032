"""Run one container of a task: its command as a process of this machine, or the image with podman.

Either way it is one child process, which prints the container's output, forwards SIGTERM and exits with its exit code.
``runtime_of`` chooses podman where the image has been built, a process otherwise.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devtools.images.engine import RUN_LABEL, Engine, engine_environment
from devtools.images.store import Image
from localaws.ecs.containers import Container


@dataclass(frozen=True)
class Program:
    """A program to start.

    Attributes:
        argv: the program and its arguments.
        environment: its whole environment.
        directory: its working directory.
    """

    argv: Sequence[str]
    environment: Mapping[str, str]
    directory: Path


def runtime_of(image: Image, container: Container, *, task: str, scratch: Path, run_directory: Path) -> "Runtime":
    """Return how a container of a task runs.

    Args:
        image: what it is started from.
        container: the container.
        task: the task's id.
        scratch: a folder of the task's own.
        run_directory: of the rehearsal.
    """
    if image.tag is None:
        return AsProcess(image, scratch)
    name = f"localaws-{task[:12]}-{container.name}"
    return InPodman(Engine.find("podman"), image.tag, image.directory, container, name=name, run=str(run_directory))


@dataclass(frozen=True)
class AsProcess:
    """The image's command on the image's files. A scratch folder is HOME and TMPDIR."""

    image: Image
    scratch: Path

    def base_environment(self) -> dict[str, str]:
        """Return a PATH with this environment's interpreter, in place of the image's."""
        path = os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ.get("PATH", os.defpath)])
        return {"PATH": path, "HOME": str(self.scratch), "TMPDIR": str(self.scratch)}

    def container(self, argv: Sequence[str], environment: Mapping[str, str]) -> Program:
        """Return the command itself."""
        return Program(argv, environment, self.image.directory)

    beside = container

    def clear(self) -> None:
        """Do nothing: a process ends with its session."""


class InPodman:
    """A container of the image, on this machine's network, as the task definition says it: user, root, capabilities.

    Args:
        engine: podman.
        tag: the image's name for it.
        directory: a folder to call podman from.
        container: what the task definition says.
        name: the container's, unlike any other's.
        run: the label by which a rehearsal's leftovers are found.
    """

    def __init__(self, engine: Engine, tag: str, directory: Path, container: Container, *, name: str, run: str) -> None:
        self._engine = engine
        self._tag = tag
        self._directory = directory
        self._container = container
        self._name = name
        self._run = run

    def base_environment(self) -> dict[str, str]:
        """Return nothing: the image has its own."""
        return {}

    def container(self, argv: Sequence[str], environment: Mapping[str, str]) -> Program:
        """Return ``podman run``, whose process lives as long as the container."""
        options = ["--label", f"{RUN_LABEL}={self._run}", "--security-opt", "no-new-privileges"]
        if self._container.user:
            options += ["--user", self._container.user]
        if self._container.root_is_read_only:
            options.append("--read-only")
        for capability in self._container.dropped_capabilities:
            options += ["--cap-drop", capability]
        for volume in self._container.volumes:
            options += ["--tmpfs", volume]
        run = self._engine.run_arguments(
            self._tag, argv, name=self._name, variables=sorted(environment), options=options
        )
        return Program(run, {**engine_environment(), **environment}, self._directory)

    def beside(self, argv: Sequence[str], environment: Mapping[str, str]) -> Program:  # noqa: ARG002 - the container has it
        """Return ``podman exec``."""
        return Program([*self._engine.argv, "exec", self._name, *argv], engine_environment(), self._directory)

    def clear(self) -> None:
        """Remove the container: one whose ``run`` was killed would keep running."""
        self._engine.remove(self._name)


Runtime = AsProcess | InPodman
