"""The image, built once for the session and run as production runs it, against a real PostgreSQL."""

import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT
from devtools.errors import UserError
from devtools.images.engine import Engine, engine_environment
from devtools.images.store import copy_context
from devtools.ports import free_port
from devtools.postgres.cluster import Cluster
from tests.support.fallback_image import base_image
from tests.support.waiting import wait_until

# Neither root nor the image's own user.
USER = "20002:20002"
HARDENING = (
    "--read-only",
    "--tmpfs",
    "/tmp",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
    "--user",
    USER,
)
NOT_FOR_THE_IMAGE = (
    ".env",
    "terraform.tfstate",
    "app/__pycache__/left.pyc",
    "app/README.md",
    "db_bootstrap/settings.py",
    "requirements/development.txt",
)

_FINDINGS: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was measured."""
    if _FINDINGS:
        terminalreporter.section("the image")
        for finding in _FINDINGS:
            terminalreporter.write_line(finding)


@pytest.fixture(scope="session")
def report() -> Callable[[str], None]:
    """Puts a line into the summary."""
    return _FINDINGS.append


@dataclass(frozen=True)
class Built:
    """The image under test.

    Attributes:
        engine: what built it and runs it.
        tag: its name.
        base: what it is built upon.
        database: the environment that names its database and who logs in.
    """

    engine: Engine
    tag: str
    base: str
    database: dict[str, str] = field(repr=False)

    def run(
        self, command: Sequence[str], *, options: Sequence[str] = (), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a container until it ends."""
        name = f"{self.tag.partition(':')[2]}-{secrets.token_hex(3)}"
        argv = self.engine.run_arguments(
            self.tag, command, name=name, variables=sorted(environment), options=(*HARDENING, *options)
        )
        return subprocess.run(
            argv, env={**engine_environment(), **environment}, capture_output=True, text=True, check=False, timeout=120
        )

    @contextmanager
    def serving(self, log: Path) -> Iterator["Serving"]:
        """The image's own command in a container that answers; removed at the end."""
        port = free_port()
        environment = {**self.database, "HOST": "127.0.0.1", "PORT": str(port)}
        name = f"{self.tag.partition(':')[2]}-serving"
        argv = self.engine.run_arguments(self.tag, [], name=name, variables=sorted(environment), options=HARDENING)
        started = time.monotonic()
        with log.open("wb") as output:
            child = subprocess.Popen(
                argv, env={**engine_environment(), **environment}, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: _is_ready(url, child, log), "the container to answer")
            yield Serving(child, name, url, time.monotonic() - started, log)
        finally:
            child.kill()
            child.wait()
            self.engine.remove(name)


@dataclass(frozen=True)
class Serving:
    """A container that serves.

    Attributes:
        child: the engine's program; a signal to it is one to the container, and so is its exit code.
        name: the container's.
        url: where it answers.
        seconds_to_ready: from the engine's start until the first 200 of ``/readyz``.
        log: what it prints.
    """

    child: subprocess.Popen[bytes]
    name: str
    url: str
    seconds_to_ready: float
    log: Path


def _is_ready(url: str, child: subprocess.Popen[bytes], log: Path) -> bool:
    assert child.poll() is None, log.read_text()
    with suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=5):
        return True
    return False


@pytest.fixture(scope="session")
def engine() -> Engine:
    """Return what builds and runs images here."""
    if sys.platform != "linux":
        pytest.skip("containers share this machine's network on Linux alone; build by `make image`")
    try:
        return Engine.find("podman", "docker")
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def context(deployed_postgres: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the image is built from, with files that are not for it.

    It trusts the test's certificate authority.
    """
    context = tmp_path_factory.mktemp("context")
    copy_context(CHECKOUT, deployed_postgres.authority.ca_file, context)
    for name in NOT_FOR_THE_IMAGE:
        (context / name).parent.mkdir(exist_ok=True)
        (context / name).write_text("not=for_the_image")
    (context / "app" / "settings.py").chmod(0o600)  # as a careful umask leaves it
    return context


@pytest.fixture(scope="session")
def base(engine: Engine, context: Path) -> str:
    """Return what images are built upon here."""
    try:
        return base_image(engine, context / "Dockerfile")
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def image(engine: Engine, base: str, context: Path, deployed_postgres: Cluster) -> Iterator[Built]:
    """The image of this checkout, and a database for it."""
    tag = f"localhost/taproom-test:{secrets.token_hex(4)}"
    started = time.monotonic()
    engine.build(context, tag, base=base)
    _FINDINGS.append(f"built by {engine.name} upon {base} in {time.monotonic() - started:.0f} s")
    password = secrets.token_urlsafe(18)
    deployed_postgres.create_master("beers_owner_of_image", password)
    deployed_postgres.create_database("beers_of_image", "beers_owner_of_image")
    address = f"{deployed_postgres.host}:{deployed_postgres.port}/beers_of_image"
    url = f"postgresql://beers_owner_of_image:{password}@{address}?sslmode=verify-full"
    try:
        yield Built(engine, tag, base, {"DATABASE_URL": url})
    finally:
        engine.call(["rmi", "--force", tag], "The test's image was not removed.")


@pytest.fixture(scope="session")
def migrated(image: Built) -> Built:
    """The image, with its database brought up to date by a separate container, as the task definition does it."""
    done = image.run(["python", "-m", "app", "migrate"], **image.database)
    assert done.returncode == 0, done.stdout + done.stderr
    return image


@pytest.fixture
def serving(migrated: Built, tmp_path: Path) -> Iterator[Serving]:
    """A container that serves, for one test."""
    with migrated.serving(tmp_path / "container.log") as serving:
        yield serving
