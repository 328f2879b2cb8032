"""Build the function's zip: ``python -m scripts.package_function --ca-file FILE --output build/db_bootstrap.zip``.

The build is reproducible: the same sources, lock and certificates give the same bytes, because the hash of the zip
decides whether Terraform deploys and invokes the function. Another implementation of zlib can give other bytes; that
costs one invocation without changes.

The zip contains only pure Python, so it runs on any architecture and any Python that the lock allows. boto3 is left
out, because Lambda's runtime provides it, and so is the command line. The packages are installed once per lock, into
``build/``; later builds need no network.
"""

import argparse
import hashlib
import ssl
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from db_bootstrap.errors import BootstrapError

CHECKOUT = Path(__file__).resolve().parent.parent

CA_FILE_NAME = "rds-ca.pem"
"""The certificates in the zip; `db_bootstrap.settings` has the same default."""

_PIP_OPTIONS = (
    *("--quiet", "--disable-pip-version-check", "--no-input", "--no-compile"),
    *("--require-hashes", "--only-binary", ":all:"),
    # Lambda's Python, and the wheels for any platform, even if there is one for this machine.
    *("--python-version", "3.13", "--implementation", "py", "--abi", "none", "--platform", "any"),
)
_PIP_LINES_SHOWN = 8

_COMPILED_SUFFIXES = frozenset({".so", ".pyd", ".dylib", ".dll"})
# Nothing reads these at run time; the scripts and styles are those of Powertools' Swagger UI, a third of the zip.
# METADATA stays: pg8000 and scramp read their version from it when they are imported.
_UNUSED_SUFFIXES = frozenset({".css", ".js", ".pth", ".pyc", ".pyi"})
_UNUSED_FOLDERS = frozenset({"__pycache__", "tests"})
_KEPT_METADATA = "METADATA"

_EARLIEST_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_READABLE_FILE = 0o100644 << 16
_COMPRESSION_LEVEL = 9


class PackageError(BootstrapError):
    """The zip cannot be built."""


def build(ca_file: Path, output: Path, project: Path = CHECKOUT) -> None:
    """Write the zip to ``output``, atomically.

    Args:
        ca_file: The certificate authorities of the database, as PEM.
        output: The path of the zip; missing folders are created.
        project: The folder with ``db_bootstrap/`` and ``requirements/``; ``build/`` in it is the cache.

    Raises:
        PackageError: A file is unusable, or pip failed.
    """
    certificates = _certificates(ca_file)
    packages = _installed_packages(project / "requirements" / "function.txt", project / "build" / "function-packages")
    contents = {
        **dict(_package_files(packages)),
        **{path.relative_to(project).as_posix(): path.read_bytes() for path in _own_modules(project)},
        CA_FILE_NAME: certificates,
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as folder:
        part = Path(folder) / output.name
        write_zip(part, contents)
        part.replace(output)


def _certificates(file: Path) -> bytes:
    try:
        pem = file.read_bytes()
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except ssl.SSLError as error:
        raise PackageError(
            f"{file} holds no certificate that can be read ({error.reason or error}). "
            "Expected PEM, as in AWS's global-bundle.pem; fetch it again with `make package`."
        ) from None
    except OSError as error:
        raise PackageError(
            f"The certificates in {file} cannot be read: {error.strerror}. "
            "Name an existing PEM file with --ca-file, or let `make package` fetch AWS's."
        ) from None
    if b"PRIVATE KEY" in pem:
        raise PackageError(f"{file} holds a private key, which must not be shipped. Name a file of certificates only.")
    return pem


def _installed_packages(lock: Path, cache: Path) -> Path:
    """Return the folder with the packages in ``lock``, and install them unless it exists.

    A folder in the cache is complete as soon as it has its name, even if several builds run at once.
    """
    try:
        recipe = [lock.read_bytes(), repr(_PIP_OPTIONS).encode(), repr(sys.version_info[:2]).encode()]
    except OSError as error:
        raise PackageError(f"{lock} cannot be read: {error.strerror}. `make lock` writes it.") from None
    packages = cache / hashlib.sha256(b"\0".join(recipe)).hexdigest()[:16]
    if packages.is_dir():
        return packages
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="unfinished-") as folder:
        target = Path(folder) / "packages"
        _pip_install(lock, target)
        try:
            target.rename(packages)
        except OSError:
            # A concurrent build was faster, and has the same result.
            if not packages.is_dir():
                raise
    return packages


def _pip_install(lock: Path, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", *_PIP_OPTIONS]
    command += ["--target", str(target), "--requirement", str(lock)]
    pip = subprocess.run(command, capture_output=True, text=True, check=False)
    if pip.returncode == 0 and target.is_dir():
        return
    lines = (pip.stdout + pip.stderr).strip().splitlines()[-_PIP_LINES_SHOWN:]
    output = "\n".join(f"  {line}" for line in lines)
    raise PackageError(
        f"pip could not install {lock} (status {pip.returncode}); its last lines:\n{output}\n"
        "Every package needs a wheel in pure Python, and the first build needs a package index; then run it again."
    )


def _package_files(packages: Path) -> Iterator[tuple[str, bytes]]:
    for path in packages.rglob("*"):
        name = path.relative_to(packages)
        if not path.is_file() or not _is_wanted(PurePosixPath(name)):
            continue
        if _COMPILED_SUFFIXES.intersection(name.suffixes):
            raise PackageError(
                f"{name} is compiled for one platform, and the zip must run on any. "
                f"Replace the package {name.parts[0]!r} by one in pure Python."
            )
        yield name.as_posix(), path.read_bytes()


def _is_wanted(name: PurePosixPath) -> bool:
    if name.parts[0].endswith(".dist-info"):
        return name.parts[1:] == (_KEPT_METADATA,)
    return (
        name.parts[0] != "bin"
        and name.suffix not in _UNUSED_SUFFIXES
        and name.name != "py.typed"
        and not _UNUSED_FOLDERS.intersection(name.parts)
    )


def _own_modules(project: Path) -> Iterator[Path]:
    package = project / "db_bootstrap"
    left_out = {package / "__main__.py", *(package / "cli").rglob("*.py")}
    return (path for path in package.rglob("*.py") if path not in left_out)


def write_zip(file: Path, contents: dict[str, bytes]) -> None:
    """Write the files in ``contents``, by name; the same contents give the same bytes."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, _EARLIEST_TIME)
            entry.create_system = _UNIX
            entry.external_attr = _READABLE_FILE
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, _COMPRESSION_LEVEL)


def main(arguments: list[str] | None = None) -> int:
    """Build the zip, and return the exit status: 0, or 1 with the reason on standard error."""
    parser = argparse.ArgumentParser(prog="python -m scripts.package_function", description="Build the function's zip.")
    parser.add_argument("--ca-file", type=Path, required=True, help="the database's certificate authorities, as PEM")
    parser.add_argument("--output", type=Path, required=True, help="path of the zip")
    options = parser.parse_args(arguments)
    try:
        build(options.ca_file, options.output)
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The zip cannot be written: {error}. Remove it, or name another --output.", file=sys.stderr)
        return 1
    content = options.output.read_bytes()
    print(f"{options.output}: {len(content):,} bytes, sha256 {hashlib.sha256(content).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
