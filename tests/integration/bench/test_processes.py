import sys
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.processes import measured


def test_a_run_is_measured_and_what_it_prints_is_kept(tmp_path: Path) -> None:
    program = "import os; print(sorted(os.environ)); sum(range(10**6))"
    cost = measured([sys.executable, "-c", program], {"HOPS": "citra"}, tmp_path / "output")
    assert cost.cpu > 0
    assert cost.wall > 0
    assert "HOPS" in (tmp_path / "output").read_text()
    assert "HOME" not in (tmp_path / "output").read_text()


def test_a_run_that_fails_is_an_error_with_what_it_said(tmp_path: Path) -> None:
    program = "import sys; print('out of hops'); sys.exit(3)"
    with pytest.raises(BenchError, match=r"(?s)exited with status 3.*out of hops"):
        measured([sys.executable, "-c", program], {}, tmp_path / "output")
