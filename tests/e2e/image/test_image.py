"""The Dockerfile, built for real, and its image run read-only, without capabilities, as a user it does not know."""

import contextlib
import http.client
import json
import re
import secrets
import signal
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT
from devtools.images.engine import Engine
from tests.e2e.image.conftest import NOT_FOR_THE_IMAGE, USER, Built, Serving
from tests.support.http import Client

pytestmark = pytest.mark.image

MEGABYTE = 1_000_000
BEER = {"name": "Slow Stout", "style": "Stout", "abv": 6.5}
SOURCES = {
    f"/srv/{path.relative_to(CHECKOUT).as_posix()}"
    for path in (CHECKOUT / "app").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
} - {f"/srv/{name}" for name in NOT_FOR_THE_IMAGE}
_LIST_PACKAGES = """
from importlib.metadata import distributions
print(*(f"{package.name}=={package.version}" for package in distributions()))
"""


def test_the_image_adds_little_to_its_base(image: Built, report: Callable[[str], None]) -> None:
    size, base = (image.engine.inspect(name)["Size"] for name in (image.tag, image.base))
    report(f"size {size / MEGABYTE:.0f} MB, of which its base is {base / MEGABYTE:.0f} MB")
    assert size - base < 100 * MEGABYTE


def test_the_image_declares_its_user_its_health_check_and_its_only_port(image: Built) -> None:
    config = image.engine.inspect(image.tag)["Config"]
    assert config["User"] == "10001:10001"
    assert list(config["ExposedPorts"]) == ["8000/tcp"]
    assert "/livez" in " ".join(_health_check(image))


def _health_check(image: Built) -> list[str]:
    found = image.engine.inspect(image.tag)
    return list((found["Config"].get("Healthcheck") or found["Healthcheck"])["Test"])


def test_only_what_is_named_goes_into_the_image(image: Built) -> None:
    listed = image.run(["find", "/srv", "-type", "f"]).stdout.split()
    assert set(listed) == SOURCES | {"/srv/rds-ca.pem"}


def test_a_build_gets_what_the_dockerfile_copies_and_nothing_else(
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
    sources = {f"/given/{name.removeprefix('/srv/')}" for name in SOURCES}
    assert set(given.split()) == sources | {"/given/build/rds-ca.pem", "/given/requirements/service.txt"}


def test_the_image_has_no_pip_compiler_or_cache(image: Built) -> None:
    assert image.run(["python", "-c", "import pip"]).returncode == 1
    for program in ("gcc", "cc", "make"):
        assert "not found" in image.run(["sh", "-c", f"command -v {program} || echo not found"]).stdout
    assert image.run(["sh", "-c", "ls -d /root/.cache /tmp/service.txt 2>/dev/null"]).stdout == ""


def test_its_python_packages_are_the_locked_ones(image: Built) -> None:
    listed = image.run(["python", "-c", _LIST_PACKAGES]).stdout.split()
    installed = {re.sub(r"[-_.]+(?=.*==)", "-", package).lower() for package in listed}
    lock = (CHECKOUT / "requirements" / "service.txt").read_text()
    locked = dict(re.findall(r"^([a-z0-9.-]+==[^\s;]+)( ;)?", lock, re.MULTILINE))
    assert installed <= locked.keys()
    assert {pin for pin, marker in locked.items() if not marker} <= installed


def test_it_runs_as_a_user_without_write_access(migrated: Built, serving: Serving) -> None:
    engine = migrated.engine
    status = engine.call(["exec", serving.name, "cat", "/proc/1/status"], "no status")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    assert set(fields["Uid"].split()) == {USER.split(":")[0]}
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"].strip() == "1"
    tried = "for place in /srv /opt/venv /usr /etc; do touch $place/x 2>/dev/null && echo $place; done; touch /tmp/x"
    assert engine.call(["exec", serving.name, "sh", "-c", tried], "not even /tmp can be written").strip() == ""


def test_it_serves_keeps_what_it_is_given_and_is_healthy(
    migrated: Built, serving: Serving, report: Callable[[str], None]
) -> None:
    client = Client(serving.url)
    assert client.get("/readyz").status == 200
    made = client.post("/beers", {"name": "House Stout", "style": "Stout", "abv": 6.5})
    assert made.status == 201
    assert client.get(made.headers["location"]).body == made.body
    assert made.body in client.get("/beers").body["beers"]
    kind, *command = _health_check(migrated)
    assert kind == "CMD"
    migrated.engine.call(["exec", serving.name, *command], "The health check fails.")
    report(f"first 200 of /readyz {serving.seconds_to_ready:.1f} s after the engine was called")


def test_asked_to_stop_it_finishes_a_request_and_exits_with_0(serving: Serving) -> None:
    body = json.dumps(BEER).encode()
    slow = http.client.HTTPConnection(urllib.parse.urlsplit(serving.url).netloc, timeout=60)
    slow.putrequest("POST", "/beers")
    slow.putheader("Content-Type", "application/json")
    slow.putheader("Content-Length", str(len(body)))
    slow.endheaders(body[:10])
    for _ in range(8):  # until a worker has the slow one in its hands
        assert Client(serving.url).get("/beers").status == 200
    serving.child.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    slow.send(body[10:])
    with contextlib.closing(slow), slow.getresponse() as answer:
        assert answer.status == 201
    assert serving.child.wait(120) == 0, serving.log.read_text()
