"""Check the machine's prerequisites of a rehearsal before anything starts."""

import sys

from devtools.errors import UserError
from devtools.images.engine import Engine


def find_podman() -> Engine:
    """Return what runs tasks in containers.

    Raises:
        UserError: podman is missing, or containers would not share this machine's network.
    """
    if sys.platform != "linux":
        raise UserError(
            "TASKS=container needs Linux, where containers share the machine's own network. Leave it out here: tasks "
            "then run as processes."
        )
    return Engine.find("podman")
