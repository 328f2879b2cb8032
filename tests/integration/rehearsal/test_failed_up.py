import re
from pathlib import Path

import pytest

from devtools.errors import UserError
from rehearsal import cli, deployment
from rehearsal.run import Run


def test_a_failed_up_names_the_logs_where_they_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(run: Run) -> str:
        log = run.logs / "build.log"
        log.parent.mkdir(parents=True)
        log.write_text("the reason")
        raise UserError(f"The build failed; see {log}")

    monkeypatch.setattr(deployment, "build", build)
    with pytest.raises(UserError, match="see ") as failed:
        cli.up(Run(tmp_path / "run"), None)
    assert not (tmp_path / "run").exists()
    (named,) = re.findall("see (.*)", str(failed.value))
    assert Path(named).read_text() == "the reason"
