"""Commands of the rehearsal as their own processes, which tests interrupt and kill."""

import subprocess
import sys
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT


def command(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "rehearsal", "--folder", str(folder), *arguments]
    return subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run a command to its end; return its exit code and output."""
    process = command(folder, *arguments)
    output, _ = process.communicate(timeout=900)
    return process.returncode, output


def output_until(process: subprocess.Popen[str], text: str) -> str:
    """Return the output up to and including the line that contains ``text``."""
    assert process.stdout
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    pytest.fail(f"it ended without {text!r}:\n{seen}")
