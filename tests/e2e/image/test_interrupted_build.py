"""A build that Ctrl-C interrupts."""

import secrets
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT
from devtools.images.engine import Engine
from tests.support.processes import is_asleep
from tests.support.waiting import wait_until

pytestmark = pytest.mark.image

_BUILD = """
import signal, sys
from pathlib import Path
from devtools.images.engine import Engine

signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored below a shell's background
name, context, tag, base = sys.argv[1:]
Engine.find(name).build(Path(context), tag, base=base)
"""


def test_nothing_runs_on_and_no_container_is_left(engine: Engine, base: str, tmp_path: Path) -> None:
    tag = f"localhost/taproom-interrupted:{secrets.token_hex(4)}"
    seconds = str(1000 + secrets.randbelow(1_000_000))
    (tmp_path / "Dockerfile").write_text(f"ARG BASE\nARG BASE_TAG\nFROM ${{BASE}}:${{BASE_TAG}}\nRUN sleep {seconds}\n")
    before = _containers(engine)
    child = subprocess.Popen([sys.executable, "-c", _BUILD, engine.name, tmp_path, tag, base], cwd=CHECKOUT)
    try:
        wait_until(lambda: is_asleep(seconds), "the build's only step")
        child.send_signal(signal.SIGINT)
        assert child.wait(120) == -signal.SIGINT
        assert not is_asleep(seconds)
        assert _containers(engine) - before == set()
        assert not engine.has(tag)
    finally:
        child.kill()
        child.wait()


def _containers(engine: Engine) -> set[str]:
    """All there are; of podman those too that only its builds know."""
    external = ["--external"] if engine.name == "podman" else []
    return set(engine.call(["ps", "--all", *external, "--format", "{{.ID}}"], "no list").split())
