"""Check the machine's prerequisites of a rehearsal before anything starts."""

import re
import sys
from pathlib import Path

from devtools.errors import UserError
from devtools.images.engine import Engine

# Where an unpacked mirror of providers is commonly put; Terraform finds only some of these automatically.
_MIRROR_PREFIXES = ("/opt", "/usr/local/share", "/usr/share", "/usr/local/lib", "/usr/lib", "/var/lib")
_PROVIDER = "registry.terraform.io/hashicorp/aws"
_LOCKED_VERSION = re.compile(r'provider "registry\.terraform\.io/hashicorp/aws" \{\s+version\s+= "([^"]+)"')


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


def provider_mirror(lock_file: Path, prefixes: tuple[str, ...] = _MIRROR_PREFIXES) -> Path | None:
    """A folder of this machine that holds the provider version that ``lock_file`` names; none if there is none.

    With one, ``terraform init`` needs no network; without, it fetches the provider from its registry.
    """
    locked = _LOCKED_VERSION.search(lock_file.read_text())
    if locked is None:
        return None
    for prefix in prefixes:
        for pattern in (_PROVIDER, f"*/{_PROVIDER}", f"*/*/{_PROVIDER}"):
            for provider in sorted(Path(prefix).glob(pattern)):
                if (provider / locked[1]).is_dir() or list(provider.glob(f"*_{locked[1]}_*.zip")):
                    return provider.parent.parent.parent
    return None
