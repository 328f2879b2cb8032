"""Where Terraform gets its providers: from a mirror on this machine, or once from the registry."""

import json
import re
from pathlib import Path

from devtools.checkout import CHECKOUT

# Where an unpacked mirror of providers is commonly put; Terraform finds only some of these automatically.
_MIRROR_PREFIXES = ("/opt", "/usr/local/share", "/usr/share", "/usr/local/lib", "/usr/lib", "/var/lib")
_PROVIDER = "registry.terraform.io/hashicorp/aws"
_LOCKED_VERSION = re.compile(r'provider "registry\.terraform\.io/hashicorp/aws" \{\s+version\s+= "([^"]+)"')


def write_cli_config(path: Path, plugin_cache: Path = CHECKOUT / "build" / "terraform-plugins") -> Path:
    """Write Terraform's settings: providers from a mirror of this machine if it has one, else fetched once and kept."""
    mirror = provider_mirror(CHECKOUT / "terraform" / "account" / ".terraform.lock.hcl")
    path.parent.mkdir(parents=True, exist_ok=True)
    if mirror:
        settings = f"provider_installation {{\n  filesystem_mirror {{\n    path = {json.dumps(str(mirror))}\n  }}\n}}\n"
    else:
        plugin_cache.mkdir(parents=True, exist_ok=True)
        settings = f"plugin_cache_dir = {json.dumps(str(plugin_cache))}\n"
    path.write_text(f"disable_checkpoint = true\n{settings}")
    return path


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
