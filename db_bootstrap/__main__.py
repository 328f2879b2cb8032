"""``python -m db_bootstrap``."""

import sys

from db_bootstrap.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
