import re
from pathlib import Path

import pytest

from devtools.errors import UserError
from rehearsal import cli, deployment
from rehearsal.run import Run


def test_a_failed_up_names_the_logs_where_they_are_kept_and_releases_its_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(run: Run) -> str:
        log = run.logs / "build.log"
        log.parent.mkdir(parents=True)
        log.write_text("the reason")
        raise UserError(f"The build failed; see {log}")

    monkeypatch.setattr(deployment, "build", build)
    run = Run(tmp_path / "run")
    with pytest.raises(UserError, match="see ") as failed:
        cli.up(run, None)
    assert run.listeners is None
    assert not (tmp_path / "run").exists()
    (named,) = re.findall("see (.*)", str(failed.value))
    assert Path(named).read_text() == "the reason"
