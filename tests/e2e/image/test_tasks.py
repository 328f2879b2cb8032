"""ECS tasks that run with podman from an image that has been built, as `make up TASKS=container` has them."""

import json
import secrets
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from devtools.errors import UserError
from devtools.images.engine import RUN_LABEL, Engine
from localaws.ecs.containers import Container
from localaws.ecs.runtime import InPodman
from tests.e2e.image.conftest import Built
from tests.support.ecs import MIGRATE, SERVER, Site
from tests.support.local_aws import LocalAws
from tests.support.waiting import wait_until

pytestmark = pytest.mark.image

_ASK = "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health', timeout=3)"
_AS_IN_PRODUCTION = {
    "user": "10001",
    "readonlyRootFilesystem": True,
    "linuxParameters": {"capabilities": {"drop": ["ALL"]}},
    "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/tmp", "readOnly": False}],
    "healthCheck": {"command": ["CMD", "python", "-c", _ASK], "interval": 5, "timeout": 5, "retries": 3},
    "stopTimeout": 10,
}


@pytest.fixture(scope="module")
def podman(engine: Engine) -> Engine:
    if engine.name != "podman":
        pytest.skip("tasks run with podman only")
    return engine


@pytest.fixture(scope="module")
def site(podman: Engine, image: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A local AWS whose image has been built: a small server in it, upon the service's own image."""
    context = tmp_path_factory.mktemp("context")
    (context / "Dockerfile").write_text(
        "ARG BASE\nARG BASE_TAG\nFROM ${BASE}:${BASE_TAG}\nCOPY server.py migrate.py ./\n"
    )
    for name, text in {"server.py": SERVER, "migrate.py": MIGRATE}.items():
        (context / name).write_text(text)
        (context / name).chmod(0o644)
    tag = f"localhost/taproom-task:{secrets.token_hex(4)}"
    with LocalAws(tmp_path_factory.mktemp("run")) as aws:
        try:
            podman.build(context, tag, base=image.tag, labels={RUN_LABEL: str(aws.directory)})
            site = Site(aws)
            described = aws.directory / "images" / site.image.partition("@sha256:")[2] / "image.json"
            described.write_text(json.dumps({"command": ["python", "server.py"], "tag": tag}))
            yield site
        finally:
            podman.remove_labelled(str(aws.directory))


def _get(site: Site, path: str) -> dict[str, str]:
    with urllib.request.urlopen(site.url + path, timeout=60) as answer:
        environment: dict[str, str] = json.load(answer)
        return environment


def _names(podman: Engine, run: Path) -> set[str]:
    label = f"label={RUN_LABEL}={run}"
    return set(podman.call(["ps", "--filter", label, "--format", "{{.Names}}"], "no list").split())


def test_a_task_is_a_container_as_its_definition_says_until_it_is_asked_to_end(podman: Engine, site: Site) -> None:
    site.create_service("beers", site.register("1", **_AS_IN_PRODUCTION), count=1)
    wait_until(lambda: site.is_steady("beers"), "a steady service")
    (name,) = _names(podman, site.aws.directory)  # the migration's is gone

    environment = _get(site, "/")
    assert environment["VERSION"] == "1"
    assert environment["PATH"].startswith("/opt/venv/bin:")
    assert "LOGIN_SECRET" not in environment
    given = {name: value for name, value in environment.items() if name.startswith("AWS_")}
    arguments = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    assert not any(given["AWS_SECRET_ACCESS_KEY"] in line for line in arguments)

    fields = dict(
        line.split(":", 1) for line in podman.call(["exec", name, "cat", "/proc/1/status"], "no status").splitlines()
    )
    assert fields["Uid"].split()[0] == "10001"
    assert int(fields["CapEff"], 16) == 0
    with pytest.raises(UserError, match="Read-only file system"):
        podman.call(["exec", "--user", "0", name, "touch", "/srv/x"], "refused")

    (task,) = site.tasks("beers")
    wait_until(lambda: _app(site)["healthStatus"] == "HEALTHY", "a health check that passes")
    site.delete_service("beers")
    (log,) = (site.aws.directory / "logs" / "tasks").glob(f"beers-{task['taskArn'].rpartition('/')[2]}-app.log")
    assert "ending" in log.read_text()
    assert _names(podman, site.aws.directory) == set()


def test_a_container_that_dies_is_shown_with_its_exit_code_and_replaced(podman: Engine, site: Site) -> None:
    site.create_service("beers", site.register("1", **_AS_IN_PRODUCTION), count=1)
    wait_until(lambda: site.is_steady("beers"), "a steady service")
    before = _names(podman, site.aws.directory)
    with pytest.raises(OSError, match=r"50[234]|closed"):
        _get(site, "/die")
    wait_until(lambda: 7 in _exit_codes(site), "a stopped task that shows the exit code")
    wait_until(lambda: _names(podman, site.aws.directory) - before, "another container")
    site.delete_service("beers")


def test_what_a_killed_rehearsal_leaves_is_found_and_removed(podman: Engine, image: Built, tmp_path: Path) -> None:
    program = InPodman(podman, image.tag, tmp_path, Container("app", image.tag), name="taproom-left", run=str(tmp_path))
    start = program.container(["python", "-c", "import time; time.sleep(600)"], {})
    child = subprocess.Popen(start.argv, env=dict(start.environment), cwd=start.directory)
    wait_until(lambda: _names(podman, tmp_path), "a container")
    child.kill()
    child.wait()
    assert _names(podman, tmp_path) == {"taproom-left"}
    assert podman.remove_labelled(str(tmp_path)) == ["taproom-left"]
    assert _names(podman, tmp_path) == set()


def _exit_codes(site: Site) -> set[int | None]:
    stopped = site.tasks("beers", "STOPPED")
    return {container.get("exitCode") for task in stopped for container in task["containers"]}


def _app(site: Site) -> dict[str, Any]:
    ((app,),) = (
        [container for container in task["containers"] if container["name"] == "app"] for task in site.tasks("beers")
    )
    return dict(app)
