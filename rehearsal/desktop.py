"""Whether there is somebody in front of this machine to open a browser for."""

from collections.abc import Mapping

_ELSEWHERE = ("CI", "SSH_CONNECTION", "SSH_TTY")
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def has_desktop(environment: Mapping[str, str], platform: str, user_id: int) -> bool:
    """Whether a browser may be opened: not for root, a pipeline or somebody far away, and only where a display is.

    Args:
        environment: its variables.
        platform: as ``sys.platform`` names it.
        user_id: of the account that this runs as.
    """
    if user_id == 0 or any(environment.get(name) for name in _ELSEWHERE):
        return False
    return platform == "darwin" or any(environment.get(name) for name in _DISPLAYS)
