"""Options shared by the benchmarks' command lines."""

import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from bench.document import replaced
from bench.errors import BenchError
from devtools.checkout import CHECKOUT
from devtools.errors import UserError

_DOCUMENT = CHECKOUT / "docs" / "benchmarks.md"


def report(suite: str, measured: Callable[[], str], *, is_written: bool) -> int:
    """Measure, print what was measured, and write it to the document if asked to; return the exit status."""
    try:
        text = measured()
        print(text)
        if is_written:
            _DOCUMENT.write_text(replaced(_DOCUMENT.read_text(), suite, text))
    except (BenchError, UserError, ValueError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def circumstances(load: float) -> str:
    """Return the date and the machine, with its load before."""
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} on {platform.system()} {platform.machine()}, {os.cpu_count()} "
        f"processors, load {load:.1f} before it began; Python {platform.python_version()}"
    )


def progress(text: str) -> None:
    """Say what is measured now."""
    print(text, file=sys.stderr, flush=True)
