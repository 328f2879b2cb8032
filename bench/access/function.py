"""The function's zip, and the time to import its handler, which is a part of each cold start."""

import compileall
import re
import sys
import zipfile
from pathlib import Path

from bench.access.results import Handler
from bench.errors import BenchError
from bench.processes import measured
from devtools.certificates import create_authority
from localaws.lambda_.packages import RUNTIME_PACKAGES, closure, link_packages
from scripts.package_function import build

_RUNS = 11
# Both are top-level entries: the package finishes before its module is imported.
_OURS = ("db_bootstrap", "db_bootstrap.lambdas.apply")
_BROUGHT_BY_LAMBDA = frozenset({"boto3", "botocore", "s3transfer", "urllib3"})
# Microseconds of a module without and with its imports.
_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| +(\S+)")


def measure_handler(folder: Path) -> Handler:
    """Build the zip, unpack it, and measure the import of its handler.

    Raises:
        BenchError: It cannot be imported.
    """
    archive = folder / "function.zip"
    build(create_authority(folder / "authority").ca_file, archive)
    runtime = folder / "runtime"
    link_packages(closure(RUNTIME_PACKAGES).values(), runtime)
    for name in ("source", "compiled"):
        with zipfile.ZipFile(archive) as files:
            files.extractall(folder / name)
    compileall.compile_dir(folder / "compiled", quiet=2)
    seconds = [
        tuple(_import_seconds(folder / name, runtime, folder) for name in ("source", "compiled")) for _ in range(_RUNS)
    ]
    return Handler(archive.stat().st_size, *zip(*seconds, strict=True))


def _import_seconds(function: Path, runtime: Path, folder: Path) -> float:
    """Return the seconds that ``-X importtime`` reports, without those of boto3."""
    program = f"import sys; sys.path[:0] = [{str(function)!r}]; sys.path.append({str(runtime)!r}); import {_OURS[-1]}"
    output = folder / "importtime"
    argv = (sys.executable, "-I", "-S", "-B", "-X", "importtime", "-c", program)
    measured(argv, {"AWS_REGION": "us-east-1"}, output)
    text = output.read_text()
    lines = [(match[3], int(match[1]), int(match[2])) for match in map(_LINE.match, text.splitlines()) if match]
    whole = sum(cumulative for name, _, cumulative in lines if name in _OURS)
    if _OURS[-1] not in {name for name, _, _ in lines}:
        raise BenchError(f"{_OURS[-1]} was not imported; the output ends with:\n{text[-1000:]}")
    return (whole - sum(own for name, own, _ in lines if name.partition(".")[0] in _BROUGHT_BY_LAMBDA)) / 1e6
