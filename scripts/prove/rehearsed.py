"""The variables with which a rehearsal is proven like an account: endpoint, credentials, configuration, URL."""

import json
import os
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
        port = json.loads((folder / "ports.json").read_text())["balancer"]
    except OSError as error:
        raise CommandError("No rehearsal is running. Start one with `make up`, then prove it.") from error
    return {
        **dict(line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export ")),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "ENVIRONMENT": "dev",
        "NO_PROXY": "127.0.0.1",
        "PACKAGE": str(folder / "db_bootstrap.zip"),
        "PATH": f"{Path(find_terraform()[0]).parent}:{os.environ['PATH']}",
        "SERVICE_URL": f"http://127.0.0.1:{port}",
        "TERRAFORM_ROOT": str(folder / "terraform" / "environment"),
        "TF_CLI_ARGS_init": "-backend-config=use_path_style=true",
        "TF_CLI_CONFIG_FILE": str(folder / "terraform.rc"),
        "TF_VAR_database_bootstrap_package": str(folder / "db_bootstrap.zip"),
    }
