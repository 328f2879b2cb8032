"""Put the Terraform module and its zip into one archive: ``python -m scripts.package_module ZIP ARCHIVE``.

A release offers it, so that one module block needs no other download: Terraform unpacks it as a module source.
"""

import hashlib
import sys
from pathlib import Path

from scripts.package_function import CHECKOUT, write_zip

MODULES = CHECKOUT / "terraform" / "modules"


def package_module(function_zip: Path, archive: Path) -> None:
    """Write ``archive`` with the modules database_access and function; ``function_zip`` is the former's package."""
    files = [path for name in ("database_access", "function") for path in (MODULES / name).glob("*.tf")]
    contents = {path.relative_to(MODULES).as_posix(): path.read_bytes() for path in files}
    write_zip(archive, {**contents, "database_access/db_bootstrap.zip": function_zip.read_bytes()})


if __name__ == "__main__":
    package_module(Path(sys.argv[1]), Path(sys.argv[2]))
    print(f"{sys.argv[2]}: sha256 {hashlib.sha256(Path(sys.argv[2]).read_bytes()).hexdigest()}")
