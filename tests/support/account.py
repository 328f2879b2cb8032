"""The account's root module, applied to a local AWS: its real roles and rendered policies, without an environment."""

from pathlib import Path

from devtools.processes import ProcessRegister
from devtools.terraform.program import find_terraform
from rehearsal.terraform import Terraform, copy_configuration, write_cli_config

# Names of the greatest length that the variables allow: 16 and 12 characters, and GitHub's 39 and 100.
PROJECT = "taproom-long-one"
LONGEST_ENVIRONMENT = "acceptance12"
OWNER_AND_REPOSITORY = f"{'o' * 39}/{'r' * 100}"
ENVIRONMENTS = ("dev", "dev2", "prod", LONGEST_ENVIRONMENT)
DOMAIN_NAMES = {
    "dev": ["beers.dev.example.com"],
    "dev2": ["beers.dev2.example.com"],
    "prod": ["beers.example.com"],
    LONGEST_ENVIRONMENT: [f"{name * 60}.example.com" for name in "abcde"],
}


def apply_account(folder: Path, endpoint: str, **variables: object) -> None:
    """Apply ``terraform/account`` from a copy in ``folder`` to the local AWS at ``endpoint``."""
    copy_configuration(folder / "terraform")
    lock_file = folder / "terraform" / "account" / ".terraform.lock.hcl"
    account = Terraform(
        find_terraform()[0],
        folder / "terraform" / "account",
        endpoint=endpoint,
        processes=ProcessRegister(folder / "processes.jsonl"),
        logs=folder,
        cli_config=write_cli_config(folder / "terraform.rc", lock_file, folder / "plugins"),
    )
    account.init({})
    # Without retention: for its rules the AWS provider waits most of a minute.
    account.apply({"state_version_days": 0, "access_log_days": 0, **variables}, lambda _note: None)
