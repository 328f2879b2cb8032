"""``python -m db_bootstrap``."""

import gc
import sys

gc.disable()  # collecting takes a twentieth of the start and a tenth of an apply, and such a process ends soon

from db_bootstrap.cli.command import main  # noqa: E402 - see above

if __name__ == "__main__":
    sys.exit(main())
