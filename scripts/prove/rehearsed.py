"""The variables with which a rehearsal is proven like an account: endpoint, credentials, configuration, URL."""

import json
import os
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from devtools.terraform.program import find_terraform
from scripts.environment import CommandError

REHEARSAL = "rehearsal"


def variables(folder: Path) -> dict[str, str]:
    """Return the variables for the rehearsal in a folder.

    Raises:
        CommandError: no rehearsal runs there.
    """
    try:
        lines = (folder / "aws.env").read_text().splitlines()
    except OSError as error:
        raise CommandError("No rehearsal is running. Start one with `make up`, then prove it.") from error
    exported = dict(line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export "))
    return {
        **exported,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "CLIENT_CIDR_BLOCKS": "none",
        "ENVIRONMENT": "dev",
        "LISTENERS_URL": f"{exported['AWS_ENDPOINT_URL']}/_rehearsal/status",
        "NO_PROXY": "127.0.0.1",
        "PACKAGE": str(folder / "db_bootstrap.zip"),
        "PATH": f"{Path(find_terraform()[0]).parent}:{os.environ['PATH']}",
        "TERRAFORM_ROOT": str(folder / "terraform" / "environment"),
        "TF_CLI_ARGS_init": "-backend-config=use_path_style=true",
        "TF_CLI_CONFIG_FILE": str(folder / "terraform.rc"),
        "TF_VAR_database_bootstrap_package": str(folder / "db_bootstrap.zip"),
    }


def listener(settings: Mapping[str, str], load_balancer: str) -> str:
    """Return the URL of a rehearsed load balancer, whose name no DNS server knows; empty in AWS."""
    if not settings.get("LISTENERS_URL"):
        return ""
    headers = {"Authorization": f"Bearer {settings['AWS_ACCESS_KEY_ID']}"}
    request = urllib.request.Request(settings["LISTENERS_URL"], headers=headers)  # noqa: S310 - of variables()
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        found = json.load(answer)["services"]["elbv2"]["listeners"]
    return next((str(one["url"]) for one in found if one["load_balancer"] == load_balancer), "")
