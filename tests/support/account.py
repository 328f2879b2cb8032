"""``terraform/account``, applied to a local AWS: real roles and rendered policies, without an environment."""

from pathlib import Path

from devtools.processes import ProcessRegister
from devtools.terraform.program import find_terraform
from devtools.terraform.providers import write_cli_config
from rehearsal.aws import Running
from rehearsal.terraform import Terraform, copy_configuration
from tests.support.github_tokens import Repository

# Names of the greatest length that the variables allow.
REPOSITORY = Repository(f"{'o' * 39}/{'r' * 100}", "9" * 12, "8" * 12)
PROJECT = "taproom-long-one"
LONGEST_ENVIRONMENT = "acceptance12"
DOMAIN_NAMES = {
    "dev": ["beers.dev.example.com"],
    "dev2": ["beers.dev2.example.com"],
    "prod": ["beers.example.com"],
    LONGEST_ENVIRONMENT: [f"{letter * 60}.example.com" for letter in "abcde"],
}
VARIABLES = {
    "project_name": PROJECT,
    "github_repository": REPOSITORY.name,
    "github_owner_id": REPOSITORY.owner_id,
    "github_repository_id": REPOSITORY.id,
    "backup_copy_region": "eu-west-1",
    "deploy_environments": list(DOMAIN_NAMES),
    "domain_names": DOMAIN_NAMES,
    "database_resource_ids": {"dev": "db-DEV", "prod": "db-PROD"},
    # Without retention: for its rules the AWS provider waits most of a minute.
    "state_version_days": 0,
    "access_log_days": 0,
}


def apply_account(folder: Path, aws: Running) -> Terraform:
    """Apply the account's configuration, from a copy in ``folder``, to the local AWS; return the root module."""
    copy_configuration(folder / "terraform")
    root = folder / "terraform" / "account"
    account = Terraform(
        find_terraform()[0],
        root,
        endpoint=str(aws.endpoint),
        credentials=aws.administrator,
        processes=ProcessRegister(folder / "processes.jsonl"),
        logs=folder,
        cli_config=write_cli_config(folder / "terraform.rc", folder / "plugins"),
    )
    account.init({})
    account.apply(VARIABLES, lambda _note: None)
    return account
