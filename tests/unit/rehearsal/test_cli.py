import pytest

from rehearsal.cli import has_desktop, main

DISPLAY = {"DISPLAY": ":0"}


@pytest.mark.parametrize(
    ("environment", "platform", "user_id", "opens"),
    [
        pytest.param(DISPLAY, "linux", 1000, True, id="a desktop"),
        pytest.param({"WAYLAND_DISPLAY": "wayland-0"}, "linux", 1000, True, id="Wayland"),
        pytest.param({}, "darwin", 501, True, id="macOS"),
        pytest.param({}, "linux", 1000, False, id="no display"),
        pytest.param(DISPLAY, "linux", 0, False, id="root"),
        pytest.param({**DISPLAY, "CI": "true"}, "linux", 1000, False, id="a pipeline"),
        pytest.param({"SSH_CONNECTION": "a b"}, "darwin", 501, False, id="SSH"),
    ],
)
def test_a_browser_is_opened_only_on_a_local_desktop(
    environment: dict[str, str], platform: str, user_id: int, opens: bool
) -> None:
    assert has_desktop(environment, platform, user_id) is opens


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "99999", "'99999' is not a valid port; give a number from 1 to 65535"),
        ("TASKS", "containers", "'containers' is not a way to run tasks; use process or container"),
    ],
)
def test_an_invalid_variable_is_refused(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match="2"):
        main(["up"])
    assert said in capsys.readouterr().err
