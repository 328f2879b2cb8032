"""The preparations of `make up` and `make test`."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT


def test_setup_without_a_package_index_says_what_to_check(tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "requirements", tmp_path / "requirements")
    (tmp_path / "scripts").mkdir()
    shutil.copy(CHECKOUT / "scripts" / "setup", tmp_path / "scripts")
    offline = {"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    setup = subprocess.run([tmp_path / "scripts" / "setup"], env=offline, capture_output=True, text=True, check=False)
    assert setup.returncode == 1
    assert setup.stderr.splitlines()[-1].startswith("Not all Python packages could be installed: see above. Check the ")


@pytest.mark.parametrize(
    ("programs", "installed", "is_skipped"),
    [
        pytest.param({"chromium": "exit 1", "apt-get": "exit 1"}, None, False, id="Chromium is there"),
        pytest.param({"apt-get": "exit 0", "apt-cache": "exit 0"}, "chromium-headless-shell", False, id="Debian 12"),
        pytest.param({"apt-get": "exit 0", "apt-cache": "exit 1"}, "chromium", False, id="without the headless shell"),
        pytest.param({"apt-get": "exit 1", "apt-cache": "exit 1"}, None, True, id="apt-get fails"),
        pytest.param({"apt-get": "exit 0", "id": "echo 1000"}, None, True, id="not root"),
        pytest.param({}, None, True, id="no apt-get"),
    ],
)
def test_a_browser_is_installed_where_it_can_be_and_its_tests_are_skipped_loudly_elsewhere(
    programs: dict[str, str], installed: str | None, tmp_path: Path, *, is_skipped: bool
) -> None:
    calls = tmp_path / "calls"
    calls.touch()
    for name, body in {"id": "echo 0", **programs}.items():
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {calls}\n{body}\n')
        (tmp_path / name).chmod(0o755)
    bash = str(shutil.which("bash"))
    command = [bash, str(CHECKOUT / "scripts" / "setup-browser")]
    setup = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert setup.returncode == 0
    assert ("will be skipped" in setup.stderr) == is_skipped
    install = "apt-get install -y -qq --no-install-recommends "
    made = [line.removeprefix(install) for line in calls.read_text().splitlines() if line.startswith(install)]
    assert made == ([installed] if installed else [])
    assert ("Installing Chromium with apt-get" in setup.stdout) == ("apt-get" in calls.read_text())
