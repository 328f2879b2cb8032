import io

import pytest

from rehearsal.stages import Stages


def test_each_stage_says_what_it_is_what_came_of_it_and_how_long_it_took() -> None:
    output = io.StringIO()
    stages = Stages(2, output)
    with stages.stage("Build"):
        stages.progress("image sha256:123")
    assert "[1/2] Build ...\n" in output.getvalue()
    assert "[1/2] Build: image sha256:123 (0.0 s)\n" in output.getvalue()


def test_a_stage_that_fails_says_so_and_is_not_counted() -> None:
    output = io.StringIO()
    stages = Stages(1, output)
    with pytest.raises(KeyboardInterrupt), stages.stage("Apply"):
        raise KeyboardInterrupt
    assert "Apply: stopped after" in output.getvalue()
    assert stages.seconds == 0


def test_a_long_stage_shows_its_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rehearsal.stages._REFRESH_SECONDS", 0.01)
    monkeypatch.setattr("rehearsal.stages._HEARTBEAT_SECONDS", 0.02)
    output = io.StringIO()
    stages = Stages(1, output)
    with stages.stage("Apply"):
        stages.progress("3 of 9 changes")
        while "3 of 9 changes (" not in output.getvalue():
            pass
    assert output.getvalue().count("\n") >= 3
