"""The preparations of `make up`."""

import os
import shutil
import subprocess
from pathlib import Path

from devtools.checkout import CHECKOUT


def test_setup_without_a_package_index_says_what_to_check(tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "requirements", tmp_path / "requirements")
    (tmp_path / "scripts").mkdir()
    shutil.copy(CHECKOUT / "scripts" / "setup", tmp_path / "scripts")
    offline = {"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    setup = subprocess.run([tmp_path / "scripts" / "setup"], env=offline, capture_output=True, text=True, check=False)
    assert setup.returncode == 1
    assert setup.stderr.splitlines()[-1].startswith("Not all Python packages could be installed: see above. Check the ")
