"""Staging labels move as Secrets Manager moves them."""

import pytest

from localaws.secretsmanager.versions import Labels, StagingError, move_label, put_version

C, P, V = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"


@pytest.mark.parametrize(
    ("before", "version", "wanted", "after"),
    [
        pytest.param({}, "1", [C], {"1": [C]}, id="the first version is current"),
        pytest.param({}, "1", [P], {"1": [P, C]}, id="the first version is current with any labels"),
        pytest.param({"1": [C]}, "2", [C], {"1": [V], "2": [C]}, id="the current one becomes the previous"),
        pytest.param(
            {"1": [V], "2": [C]}, "3", [C], {"1": [], "2": [V], "3": [C]}, id="the previous one is deprecated"
        ),
        pytest.param({"1": [C]}, "2", [P], {"1": [C], "2": [P]}, id="a pending version leaves the current alone"),
        pytest.param({"1": [C], "2": [P]}, "2", [P], {"1": [C], "2": [P]}, id="the value of a pending version"),
        pytest.param({"1": [C], "2": [P]}, "3", [P], {"1": [C], "2": [], "3": [P]}, id="only one is pending"),
        pytest.param({"1": [C, "mine"]}, "2", [C], {"1": ["mine", V], "2": [C]}, id="custom labels stay"),
        pytest.param({"1": [C]}, "2", [C, "mine"], {"1": [V], "2": [C, "mine"]}, id="several labels in one request"),
    ],
)
def test_putting_a_version(before: Labels, version: str, wanted: list[str], after: Labels) -> None:
    assert put_version(before, version, wanted) == after


@pytest.mark.aws("SM-1")
@pytest.mark.parametrize(
    ("before", "move", "after"),
    [
        pytest.param({"1": [C], "2": [P]}, (C, "1", "2"), {"1": [V], "2": [P, C]}, id="finishing a rotation"),
        pytest.param(
            {"0": [V], "1": [C], "2": [P]}, (C, "1", "2"), {"0": [], "1": [V], "2": [P, C]}, id="previous moves on"
        ),
        pytest.param({"1": [C], "2": [P]}, (P, "2", None), {"1": [C], "2": []}, id="giving a rotation up"),
        pytest.param({"1": [V], "2": [C]}, (C, "2", "1"), {"1": [C], "2": [V]}, id="going back to the previous"),
        pytest.param({"1": [C], "2": []}, ("mine", None, "2"), {"1": [C], "2": ["mine"]}, id="a new label"),
        pytest.param({"1": [C]}, (C, None, "1"), {"1": [C]}, id="to where it is already"),
    ],
)
def test_moving_a_label(before: Labels, move: tuple[str, str | None, str | None], after: Labels) -> None:
    assert move_label(before, *move) == after


@pytest.mark.parametrize(
    ("move", "message"),
    [
        pytest.param((C, None, "2"), "RemoveFromVersionId can't be empty", id="without saying from where"),
        pytest.param((P, "1", "2"), "isn't attached to version 1", id="from where it is not"),
        pytest.param((C, "1", "9"), "Not a valid version: 9", id="to a missing version"),
        pytest.param((C, "9", "2"), "Not a valid version: 9", id="from a missing version"),
        pytest.param((C, "1", None), "completely removed", id="taking away the current label"),
    ],
)
def test_a_label_does_not_move(move: tuple[str, str | None, str | None], message: str) -> None:
    with pytest.raises(StagingError, match=message):
        move_label({"1": [C], "2": [P]}, *move)
