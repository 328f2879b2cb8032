import sys
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.processes import measured


def test_a_run_that_fails_is_an_error_with_what_it_said(tmp_path: Path) -> None:
    program = "import sys; print('out of hops'); sys.exit(3)"
    with pytest.raises(BenchError, match=r"(?s)exited with status 3.*out of hops"):
        measured([sys.executable, "-c", program], {}, tmp_path / "output")
