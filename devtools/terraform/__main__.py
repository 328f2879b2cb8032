"""Run Terraform as found: ``python -m devtools.terraform fmt -check``."""

import os
import sys

from devtools.errors import UserError
from devtools.terraform.program import find_terraform

if __name__ == "__main__":
    try:
        program, _ = find_terraform()
    except UserError as error:
        sys.exit(str(error))
    os.execv(program, [program, *sys.argv[1:]])  # noqa: S606 - replaces this process, as a shell's exec does
