"""compose.yaml as a whole, brought up by compose: PostgreSQL, its access, its tables, the service, and their end.

Where an official image cannot be fetched, a second file names a fallback image instead; nothing else is changed.
"""

import contextlib
import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from devtools.checkout import CHECKOUT
from devtools.errors import UserError
from devtools.images.engine import Engine, base_arguments
from devtools.ports import free_port
from tests.support.compose import Compose, address, find_program
from tests.support.fallback_image import FallbackImage, base_image, fallback_image, official_base
from tests.support.http import Client
from tests.support.waiting import wait_until

pytestmark = pytest.mark.image

POSTGRESQL = FallbackImage("localhost/taproom-fallback-postgresql", ("ca-certificates", "postgresql"))
POSTGRESQL_DOCKERFILE = """ARG BASE
ARG BASE_TAG
FROM ${BASE}:${BASE_TAG}
ENV LANG=C.UTF-8 PGDATA=/var/lib/postgresql/data
COPY --chmod=755 entrypoint /usr/local/bin/entrypoint
VOLUME ["/var/lib/postgresql/data"]
ENTRYPOINT ["entrypoint"]
CMD ["postgres"]
"""
DATABASE = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())["services"]["database"]
BEER = {"name": "House Stout", "style": "Stout", "abv": 6.5}


@pytest.fixture(scope="module")
def compose(
    context: Path, report: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Compose]:
    """The project of compose.yaml, which is up; whatever a test makes of it, nothing of it is left in the end."""
    with contextlib.ExitStack() as stack:
        try:
            engine = Engine.find("docker", "podman")
            environment = stack.enter_context(address(engine))
            program = find_program(environment)
            fallbacks = stack.enter_context(_fallbacks(engine, context, tmp_path_factory.mktemp("postgresql")))
        except UserError as error:
            pytest.skip(str(error))
        (context / "fallbacks.yaml").write_text(json.dumps({"services": fallbacks}))
        project = Compose(
            engine,
            program,
            context,
            ["compose.yaml", "fallbacks.yaml"],
            f"taproom-test-{secrets.token_hex(4)}",
            {**environment, "PORT": str(free_port())},
        )
        stack.callback(project.down, "--volumes", "--rmi", "local")
        done = project.up("--build")
        assert done.returncode == 0, done.stdout + done.stderr
        replaced = ", ".join(fallbacks) or "nothing"
        report(f"compose.yaml by {' '.join(program)} on {engine.name}, fallback images for {replaced}")
        yield project


@contextlib.contextmanager
def _fallbacks(engine: Engine, context: Path, scratch: Path) -> Iterator[dict[str, object]]:
    """What compose is told besides compose.yaml, for the official images that cannot be fetched."""
    services: dict[str, object] = {}
    base = base_image(engine, context / "Dockerfile")
    if base != official_base((context / "Dockerfile").read_text()):
        services |= {name: {"build": {"args": base_arguments(base)}} for name in ("bootstrap", "migrate", "app")}
    official = DATABASE["image"]
    if engine.pull(official):
        yield services
        return
    tag = f"localhost/taproom-database:{secrets.token_hex(4)}"
    (scratch / "Dockerfile").write_text(POSTGRESQL_DOCKERFILE)
    shutil.copy(CHECKOUT / "tests" / "support" / "postgresql_image" / "entrypoint", scratch)
    engine.build(scratch, tag, base=fallback_image(engine, POSTGRESQL, official))
    try:
        yield {"database": {"image": tag}, **services}
    finally:
        engine.call(["rmi", "--force", tag], "The test's image was not removed.")


def _client(compose: Compose, token: str = "") -> Client:
    """Of the published port, when the service is ready."""
    client = Client(f"http://127.0.0.1:{compose.environment['PORT']}", token)
    wait_until(lambda: _is_ready(client), "the service", seconds=30)
    return client


def _is_ready(client: Client) -> bool:
    try:
        return client.get("/readyz").status == 200
    except OSError:
        return False


def test_it_comes_up_with_an_empty_catalogue(compose: Compose) -> None:
    assert {*compose.containers()} == {*compose.containers("database"), *compose.containers("app")}
    assert _client(compose).get("/beers").body["beers"] == []


def test_the_service_is_nobody_who_could_change_anything(compose: Compose) -> None:
    (name,) = compose.containers("app")
    status = compose.engine.call(["exec", name, "cat", "/proc/1/status"], "no status")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    assert set(fields["Uid"].split()) == {"10001"}
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"].strip() == "1"
    with pytest.raises(UserError, match="Read-only file system"):
        compose.engine.call(["exec", "--user", "0", name, "touch", "/srv/x"], "refused")


def test_the_service_is_all_that_listens_for_anybody_outside(compose: Compose) -> None:
    (name,) = compose.containers("app")
    table = compose.engine.call(["exec", name, "sh", "-c", "cat /proc/net/tcp*"], "no table")
    listening = [row[1] for row in map(str.split, table.splitlines()) if row[3] == "0A"]
    assert "0100007F:1538" in listening  # 127.0.0.1:5432
    on_loopback = [place for place in listening if place.partition(":")[0].endswith("7F")]
    assert {*listening} - {*on_loopback} == {"00000000:1F40"}  # 0.0.0.0:8000


def test_what_was_added_is_there_after_down_and_up_and_a_token_is_asked_for_if_one_is_set(compose: Compose) -> None:
    added = _client(compose).post("/beers", BEER)
    assert added.status == 201
    compose.down()
    assert compose.containers(None, "--all") == []
    done = compose.up(WRITE_TOKEN="a-token-for-the-test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert added.body in _client(compose).get("/beers").body["beers"]
    assert _client(compose).post("/beers", BEER).status == 401
    assert _client(compose, "a-token-for-the-test").post("/beers", {**BEER, "name": "Another"}).status == 201


def test_a_bootstrap_that_fails_keeps_the_service_from_starting(compose: Compose) -> None:
    compose.down()
    done = compose.up(MASTER_PASSWORD="another-than-the-one-it-was-made-with")
    assert done.returncode != 0
    assert compose.containers() == compose.containers("database") != []


def test_nothing_is_left_when_its_volumes_are_removed_too(compose: Compose) -> None:
    assert _left(compose, "volume") != []
    compose.down("--volumes")
    assert compose.containers(None, "--all") == _left(compose, "volume") == _left(compose, "network") == []


def _left(compose: Compose, kind: str) -> list[str]:
    names = compose.engine.call([kind, "ls", "--format", "{{.Name}}"], "no list").split()
    return [name for name in names if name.startswith(compose.project)]
