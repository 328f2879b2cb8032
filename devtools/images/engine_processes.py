"""How programs that make images are run, and ended on Ctrl-C so that they leave nothing half made.

Each runs in a session of its own, so that Ctrl-C reaches it through us alone.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psutil

_GRACE_SECONDS = 20

End = Callable[[subprocess.Popen[Any]], None]


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
    """Ask a program and whatever it has started to end, as Ctrl-C would, and wait for it."""
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
    """What runs below a build, but for the engine's own processes."""
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
