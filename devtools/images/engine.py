"""Build and run images with docker, podman or buildah, the first that works on this machine.

They are configured by arguments alone. Without systemd, as in a container of a pipeline, podman does without
it, and builds in a changed root instead of in containers. Each program runs in a separate session, so that Ctrl-C
reaches it through this process alone, which ends it so that nothing half made is left.
"""

import contextlib
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from devtools.checkout import CHECKOUT
from devtools.errors import UserError

# The label of a run's containers and images, by which leftovers are found.
RUN_LABEL = "taproom.run"

_WITHOUT_SYSTEMD = ("--cgroup-manager", "cgroupfs", "--events-backend", "file")
# As root podman asks for more than a container of a pipeline may give.
_MODEST_LIMITS = ("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096")
_INSTALL = (
    "Install one (Debian, Ubuntu: sudo scripts/setup-containers; elsewhere: https://podman.io/docs/installation "
    "or https://docs.docker.com/engine/install) and run the command again."
)
_NO_BASE = (
    "If its base cannot be fetched, name another one with BASE=..., such as BASE=registry.example.com/python:3.13-slim."
)
_GRACE_SECONDS = 20

End = Callable[[subprocess.Popen[Any]], None]


@dataclass(frozen=True)
class Engine:
    """A program that builds images.

    Attributes:
        name: docker, podman or buildah.
        program: its path.
        has_systemd: whether the machine is run by systemd, on which podman otherwise relies.
    """

    name: str
    program: str
    has_systemd: bool = True

    @classmethod
    def find(cls, *names: str) -> "Engine":
        """The first engine that works here.

        Args:
            names: which are asked for; docker, podman and buildah unless named.

        Raises:
            UserError: there is none.
        """
        wanted = names or ("docker", "podman", "buildah")
        has_systemd = Path("/run/systemd/system").exists()
        for name in wanted:
            program = shutil.which(name)
            if program is not None and _works(program):
                return cls(name, program, has_systemd)
        raise UserError(f"No working {' or '.join(wanted)} was found. {_INSTALL}")

    @property
    def argv(self) -> list[str]:
        """Return what every call of it begins with."""
        if self.name != "podman" or self.has_systemd:
            return [self.program]
        runtime = shutil.which("runc")  # crun wants control groups that such a machine may not have
        return [self.program, *_WITHOUT_SYSTEMD, *(("--runtime", runtime) if runtime else ())]

    @property
    def end_build(self) -> End:
        """Return how a build of it is interrupted."""
        return end_program if self.name == "docker" else end_build

    def build(
        self,
        context: Path,
        tag: str,
        *,
        base: str | None = None,
        labels: Mapping[str, str] | None = None,
        dockerfile: Path | None = None,
    ) -> None:
        """Build the Dockerfile of a folder; what the engine says is shown only if it fails.

        Args:
            context: the folder.
            tag: the image's name.
            base: an image to build upon, instead of the Dockerfile's own.
            labels: to find the image by.
            dockerfile: another one than the folder's own.

        Raises:
            UserError: it fails; with the end of what the engine said.
        """
        arguments = self.build_arguments(context, tag, base=base, labels=labels, dockerfile=dockerfile)
        done = run_quietly([*self.argv, *arguments], self.end_build)
        _expect_success(done, f"The image was not built by {self.name}. {_NO_BASE}")

    def build_arguments(
        self,
        context: Path,
        tag: str,
        *,
        base: str | None = None,
        labels: Mapping[str, str] | None = None,
        dockerfile: Path | None = None,
    ) -> list[str]:
        """The arguments that build the Dockerfile of a folder."""
        arguments = ["build", "--tag", tag]
        if self.name != "docker":
            arguments += ["--format", "docker"]  # the OCI format has no HEALTHCHECK
            if not self.has_systemd:
                arguments += ["--isolation", "chroot", "--network", "host"]
        if base is not None:
            for name, value in base_arguments(base).items():
                arguments += ["--build-arg", f"{name}={value}"]
        for name, value in (labels or {}).items():
            arguments += ["--label", f"{name}={value}"]
        if dockerfile is not None:
            arguments += ["--file", str(dockerfile)]
        return [*arguments, str(context)]

    def pull(self, image: str) -> bool:
        """Fetch an image unless it is here; whether it is here now."""
        return self.has(image) or self._run(["pull", "--quiet", image]).returncode == 0

    def has(self, image: str) -> bool:
        """Return True if an image is here."""
        return self._run(["image", "inspect", image]).returncode == 0

    def inspect(self, image: str) -> dict[str, Any]:
        """Return what the engine knows of an image, such as its ``Size`` in bytes."""
        (known,) = json.loads(self.call(["image", "inspect", image], f"There is no image {image}."))
        return dict(known)

    def run_arguments(
        self, image: str, command: Sequence[str], *, name: str, variables: Sequence[str], options: Sequence[str] = ()
    ) -> list[str]:
        """The command line of a container that shares this machine's network.

        Args:
            image: its image.
            command: instead of the image's; none for the image's own.
            name: the container's.
            variables: names of environment variables that it gets, with the values that the caller's environment has
                for them. So no value is in the list of processes.
            options: more of ``run``.
        """
        # The image's health check is for engines that run alone; here the caller asks.
        arguments = ["run", "--rm", "--pull=never", "--name", name, "--network", "host", "--no-healthcheck"]
        if self.name == "podman":
            arguments += ["--log-driver", "none"]  # its output goes to its parent, not to a second log
            if not self.has_systemd:
                arguments += _MODEST_LIMITS
        for variable in variables:
            arguments += ["--env", variable]
        return [*self.argv, *arguments, *options, image, *command]

    def remove(self, name: str) -> None:
        """Remove a container, running or not; a missing one is not an error."""
        at_once = ("--time", "0") if self.name == "podman" else ()  # as Docker does
        self._run(["rm", "--force", *at_once, "--volumes", name])

    def remove_labelled(self, value: str) -> list[str]:
        """Remove the containers and images of a run; the containers' names."""
        label = f"label={RUN_LABEL}={value}"
        left = self._run(["ps", "--all", "--filter", label, "--format", "{{.Names}}"]).stdout.split()
        for name in left:
            self.remove(name)
        images = self._run(["images", "--quiet", "--filter", label]).stdout.split()
        if images:
            self._run(["rmi", "--force", *dict.fromkeys(images)])
        return left

    def call(self, arguments: Sequence[str], failure: str) -> str:
        """Run the engine; its output.

        Raises:
            UserError: it fails; with ``failure`` and the end of what it said.
        """
        done = self._run(arguments)
        _expect_success(done, failure)
        return done.stdout

    def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return run_quietly([*self.argv, *arguments])


def find_podman() -> Engine:
    """Return what runs tasks in containers.

    Raises:
        UserError: podman is missing, or containers would not share this machine's network.
    """
    if sys.platform != "linux":
        raise UserError(
            "TASKS=container needs Linux, where containers share the machine's own network. Leave it out here: tasks "
            "then run as processes."
        )
    return Engine.find("podman")


def build_image(tag: str, base: str | None) -> None:
    """Build the checkout's image, and show what the engine says meanwhile.

    Raises:
        UserError: there is no engine, or it fails.
    """
    engine = Engine.find()
    print(f"Building {tag} with {engine.name} ...", flush=True)
    arguments = engine.build_arguments(CHECKOUT, tag, base=base)
    code = run_openly([*engine.argv, *arguments], engine.end_build)
    if code != 0:
        raise UserError(f"The image was not built by {engine.name}; see above. {_NO_BASE}")
    print(f"Built {tag}. Try it: docs/image.md says how.")


def base_arguments(base: str) -> dict[str, str]:
    """A Dockerfile's arguments for an image to build upon: ``BASE``, its name, and ``BASE_TAG``, its tag or more.

    Raises:
        UserError: it has no tag, and would be the latest one of that day.
    """
    found = re.fullmatch(r"(?P<BASE>\S+?):(?P<BASE_TAG>[^/\s]+)", base)
    if found is None:
        raise UserError(f"The base {base} has no tag. Name one, such as registry.example.com/python:3.13-slim")
    return found.groupdict()


def _expect_success(done: subprocess.CompletedProcess[str], failure: str) -> None:
    if done.returncode != 0:
        said = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-20:])
        raise UserError(f"{failure}\n{said}")


@functools.cache
def _works(program: str) -> bool:
    """Return True if it answers; Docker's may be there without its server."""
    return subprocess.run([program, "version"], capture_output=True, check=False).returncode == 0


def engine_environment() -> dict[str, str]:
    """Return what a program of the engine needs of our environment."""
    names = ("PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT")
    return {name: os.environ[name] for name in names if name in os.environ}


def run_quietly(argv: Sequence[str], end: End | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program and keep what it says; interrupted, end it by ``end``, or as SIGTERM does."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with _running(argv, end or end_program, **options) as child:
        output, errors = child.communicate()
    return subprocess.CompletedProcess(argv, child.returncode, output, errors)


def run_openly(argv: Sequence[str], end: End | None = None) -> int:
    """Run a program that prints for itself; its exit code. Interrupted, it is ended likewise."""
    with _running(argv, end or end_program) as child:
        return child.wait()


def end_program(child: subprocess.Popen[Any]) -> None:
    """Ask a program and its children to end, as Ctrl-C would, and wait for it."""
    if child.poll() is not None:
        return
    os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def end_build(child: subprocess.Popen[Any]) -> None:
    """End a build of podman or buildah.

    Asked to end, they leave their working containers behind, and what runs in them. When a step fails they remove both.
    So the steps are ended instead, as long as there are any.
    """
    deadline = time.monotonic() + _GRACE_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        for process in _steps(child.pid):
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.05)
    end_program(child)


def _steps(build: int) -> list[psutil.Process]:
    """Return what runs below a build, but for the engine's own processes."""
    steps = []
    with contextlib.suppress(psutil.Error):
        engine = psutil.Process(build)
        for process in engine.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if process.exe() != engine.exe():
                    steps.append(process)
    return steps


@contextmanager
def _running(argv: Sequence[str], end: End, **options: Any) -> Iterator[subprocess.Popen[Any]]:
    with subprocess.Popen(argv, start_new_session=True, **options) as child:
        try:
            yield child
        except BaseException:
            end(child)
            raise
