"""A compose program on an engine: Docker's own on Docker, or on podman, which speaks Docker's language too."""

import contextlib
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devtools.errors import UserError
from devtools.images.engine import Engine, end_program, engine_environment
from tests.support.waiting import wait_until

_PROGRAMS = (("docker", "compose"), ("docker-compose",))
# podman's builder is not BuildKit, and the docker that version 1 would call for a build may not be here.
_FOR_PODMAN = {"DOCKER_BUILDKIT": "0", "COMPOSE_DOCKER_CLI_BUILD": "0"}
# As Engine has it for a machine without systemd.
_MODEST_SETTINGS = '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n'
_ISOLATION = {"BUILDAH_ISOLATION": "chroot"}


@dataclass(frozen=True)
class Compose:
    """A project of compose.

    Attributes:
        engine: what runs it.
        program: compose, with the arguments that every call begins with.
        folder: where its files are.
        files: those that say what it is.
        project: its name.
        environment: of every call.
    """

    engine: Engine
    program: Sequence[str]
    folder: Path
    files: Sequence[str]
    project: str
    environment: Mapping[str, str]

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Call compose, with variables that the file may ask for."""
        files = [argument for name in self.files for argument in ("--file", name)]
        return subprocess.run(
            [*self.program, "--project-name", self.project, *files, *arguments],
            cwd=self.folder,
            env={**engine_environment(), **self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def up(self, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """``up``, in the background."""
        with self._health_checks():
            return self.run("up", "--detach", *options, **variables)

    def down(self, *options: str) -> None:
        """``down``.

        Version 1 removes everything at once, and podman keeps the container whose network others share until those are
        gone; so there it takes two calls.
        """
        calls = 2 if self.engine.name == "podman" else 1
        for _ in range(calls):
            done = self.run("down", *options)
        assert done.returncode == 0, done.stdout + done.stderr

    def containers(self, service: str | None = None, *options: str) -> list[str]:
        """The names of the project's containers that run, or of those of one service."""
        labels = {"project": self.project, **({"service": service} if service else {})}
        filters = [f"--filter=label=com.docker.compose.{label}={value}" for label, value in labels.items()]
        return self.engine.call(["ps", *options, *filters, "--format", "{{.Names}}"], "no list").split()

    @contextmanager
    def _health_checks(self) -> Iterator[None]:
        """Do what systemd's timers do for podman, where there is no systemd: call the health checks."""
        if self.engine.name != "podman" or self.engine.has_systemd:
            yield
            return
        done = threading.Event()

        def check() -> None:
            while not done.wait(0.5):
                for name in self.containers("database"):
                    with contextlib.suppress(UserError):  # not healthy yet
                        self.engine.call(["healthcheck", "run", name], "not healthy")

        checks = threading.Thread(target=check)
        checks.start()
        try:
            yield
        finally:
            done.set()
            checks.join()


def find_program(environment: Mapping[str, str]) -> Sequence[str]:
    """The compose program of this machine.

    Raises:
        UserError: there is none.
    """
    for program in _PROGRAMS:
        with contextlib.suppress(FileNotFoundError):
            found = subprocess.run(
                [*program, "version"], env={**os.environ, **environment}, capture_output=True, check=False
            )
            if found.returncode == 0:
                return program
    raise UserError("There is no docker compose and no docker-compose here (scripts/setup-containers).")


@contextmanager
def address(engine: Engine) -> Iterator[dict[str, str]]:
    """The variables by which compose finds an engine; podman is made to listen meanwhile."""
    if engine.name == "docker":
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="taproom-podman-") as folder:
        environment = engine_environment()
        if not engine.has_systemd:
            settings = Path(folder) / "containers.conf"
            settings.write_text(_MODEST_SETTINGS)
            environment |= {"CONTAINERS_CONF": str(settings), **_ISOLATION}
        socket = Path(folder) / "podman.sock"
        child = subprocess.Popen(
            [*engine.argv, "system", "service", "--time=0", f"unix://{socket}"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            wait_until(socket.exists, "podman's socket", seconds=20)
            yield {"DOCKER_HOST": f"unix://{socket}", **_FOR_PODMAN}
        finally:
            end_program(child)
