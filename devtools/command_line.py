"""Shared parts of the command lines of devtools and the rehearsal."""

import argparse
import signal
import sys
from collections.abc import Callable
from types import FrameType

from devtools.errors import UserError

INTERRUPTED_EXIT_CODE = 130


def run_command(command: Callable[[], int]) -> int:
    """Run a command and return its exit code; SIGTERM and a closed terminal interrupt it like Ctrl-C."""
    for hangup in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(hangup, _interrupt)
    try:
        return command()
    except UserError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED_EXIT_CODE


def port_number(text: str) -> int:
    """Return the port that an argument names."""
    if text.isdigit() and 0 < int(text) <= 65535:  # noqa: PLR2004 - the highest port
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a valid port; give a number from 1 to 65535")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
