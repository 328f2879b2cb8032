"""db_bootstrap/Dockerfile, built for real, its command line run as compose.yaml runs it, and what a build is given."""

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT
from devtools.images.engine import Engine
from devtools.postgres.cluster import Cluster
from tests.e2e.image.conftest import NOT_FOR_THE_IMAGE, Built

pytestmark = pytest.mark.image

MEGABYTE = 1_000_000
DOCUMENT = {
    "database": "bar",
    "schemas": {"bar": {"owner": "bar_owner"}},
    "roles": {"bar_owner": {}, "bar_reader": {"schemas": {"bar": "read"}}},
}
Bootstrap = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def bootstrap_image(engine: Engine, base: str, context: Path, deployed_postgres: Cluster) -> Iterator[Built]:
    """The image of db_bootstrap, and a database for it."""
    tag = f"localhost/taproom-bootstrap:{secrets.token_hex(4)}"
    engine.build(context, tag, base=base, dockerfile=context / "db_bootstrap" / "Dockerfile")
    password = secrets.token_urlsafe(18)
    deployed_postgres.create_master("master_of_bar", password)
    deployed_postgres.create_database("bar", "master_of_bar")
    address = f"{deployed_postgres.host}:{deployed_postgres.port}/bar"
    dsn = f"postgresql://master_of_bar@{address}?sslrootcert=/ca.pem"
    try:
        yield Built(engine, tag, base, {"DB_BOOTSTRAP_DSN": dsn, "PGPASSWORD": password})
    finally:
        engine.call(["rmi", "--force", tag], "The test's image was not removed.")


@pytest.fixture
def bootstrap(bootstrap_image: Built, deployed_postgres: Cluster, tmp_path: Path) -> Bootstrap:
    """Runs a command of db_bootstrap on DOCUMENT in a container; its exit code and what it prints."""
    document = tmp_path / "access.json"
    document.write_text(json.dumps(DOCUMENT))
    mounted = {document: "/access.json", deployed_postgres.authority.ca_file: "/ca.pem"}
    options = [argument for file, place in mounted.items() for argument in ("--volume", f"{file}:{place}:ro")]

    def run(command: str) -> tuple[int, str]:
        arguments = [command, "--document", "/access.json"]
        done = bootstrap_image.run(arguments, options=options, **bootstrap_image.database)
        return done.returncode, done.stdout + done.stderr

    return run


def _instead(built: Built, *command: str) -> str:
    """What another program than db_bootstrap prints in a container of its image."""
    program, *arguments = command
    return built.run(arguments, options=["--entrypoint", program]).stdout


def test_it_is_small_beside_its_base_and_runs_as_somebody_who_is_not_root(
    bootstrap_image: Built, report: Callable[[str], None]
) -> None:
    size, base = (bootstrap_image.engine.inspect(name)["Size"] for name in (bootstrap_image.tag, bootstrap_image.base))
    report(f"db_bootstrap adds {(size - base) / MEGABYTE:.0f} MB to its base")
    assert size - base < 20 * MEGABYTE
    assert bootstrap_image.engine.inspect(bootstrap_image.tag)["Config"]["User"] == "10001:10001"


def test_its_own_code_is_all_that_goes_into_it(bootstrap_image: Built) -> None:
    listed = _instead(bootstrap_image, "find", "/srv", "-type", "f").split()
    sources = (CHECKOUT / "db_bootstrap").rglob("*.py")
    assert set(listed) == {f"/srv/{path.relative_to(CHECKOUT).as_posix()}" for path in sources}


def test_neither_pip_nor_the_list_of_its_packages_comes_along(bootstrap_image: Built) -> None:
    assert _instead(bootstrap_image, "sh", "-c", "python -c 'import pip' 2>&1; ls /tmp").endswith("named 'pip'\n")


def test_it_shows_what_is_to_do_does_it_and_then_finds_nothing_more_to_do(bootstrap: Bootstrap) -> None:
    planned, statements = bootstrap("plan")
    assert planned == 2, statements
    assert 'CREATE ROLE "bar_reader"' in statements or "CREATE ROLE bar_reader" in statements
    applied, said = bootstrap("apply")
    assert applied == 0, said
    assert bootstrap("plan")[0] == bootstrap("verify")[0] == 0


def test_without_a_database_it_says_so_in_a_sentence_and_fails(bootstrap_image: Built) -> None:
    done = bootstrap_image.run(["apply", "--document", "/access.json"])
    assert done.returncode == 1
    assert "DB_BOOTSTRAP_DSN" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_build_is_given_what_the_dockerfiles_copy_and_nothing_else(
    engine: Engine, base: str, context: Path, tmp_path: Path
) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("ARG BASE\nARG BASE_TAG\nFROM ${BASE}:${BASE_TAG}\nCOPY . /given\n")
    tag = f"localhost/taproom-context:{secrets.token_hex(4)}"
    engine.build(context, tag, base=base, dockerfile=dockerfile)
    try:
        given = Built(engine, tag, base, {}).run(["find", "/given", "-type", "f"], options=["--user", "0"]).stdout
    finally:
        engine.call(["rmi", "--force", tag], "The test's image was not removed.")
    copied = [
        *_files("app"),
        *_files("db_bootstrap"),
        "build/rds-ca.pem",
        "requirements/function.txt",
        "requirements/service.txt",
    ]
    kept_out = {*NOT_FOR_THE_IMAGE, "db_bootstrap/README.md", "db_bootstrap/Dockerfile"}
    assert set(given.split()) == {f"/given/{name}" for name in copied if name not in kept_out}


def _files(room: str) -> Sequence[str]:
    paths = (CHECKOUT / room).rglob("*")
    return [
        path.relative_to(CHECKOUT).as_posix() for path in paths if path.is_file() and "__pycache__" not in path.parts
    ]
