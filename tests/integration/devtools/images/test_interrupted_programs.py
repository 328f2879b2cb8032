"""Ctrl-C while a program makes something."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT
from tests.support.processes import is_asleep
from tests.support.waiting import wait_until

_RUN = """
import signal, sys
from devtools.images.engine import run_openly, run_quietly

signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored below a shell's background
{run}(sys.argv[1:])
"""
# As mmdebstrap does: it ignores signals, waits for its children, and then cleans up.
_PROGRAM = "trap : TERM; touch half-made; sleep $0; rm half-made"


@pytest.mark.parametrize("run", ["run_quietly", "run_openly"])
def test_a_program_that_is_interrupted_gets_the_time_to_clean_up_and_nothing_runs_on(run: str, tmp_path: Path) -> None:
    seconds = f"{7_000_000 + hash(tmp_path) % 1_000_000}"
    child = subprocess.Popen(
        [sys.executable, "-c", _RUN.format(run=run), "sh", "-c", _PROGRAM, seconds],
        cwd=tmp_path,
        env={"PYTHONPATH": str(CHECKOUT)},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: is_asleep(seconds), "the program")
        assert (tmp_path / "half-made").exists()
        child.send_signal(signal.SIGINT)
        assert child.wait(120) == -signal.SIGINT
        assert not is_asleep(seconds)
        assert not (tmp_path / "half-made").exists()
    finally:
        child.kill()
        child.wait()
