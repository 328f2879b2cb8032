"""The account's roles in the local AWS, applied once by Terraform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.account import DOMAIN_NAMES, ENVIRONMENTS, OWNER_AND_REPOSITORY, PROJECT, apply_account

if TYPE_CHECKING:
    from tests.support.local_aws import LocalAws


@pytest.fixture(scope="session")
def account(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Apply ``terraform/account`` for several environments, with the longest names that its variables allow."""
    apply_account(
        tmp_path_factory.mktemp("account"),
        aws.endpoint,
        project_name=PROJECT,
        github_repository=OWNER_AND_REPOSITORY,
        deploy_environments=list(ENVIRONMENTS),
        domain_names=DOMAIN_NAMES,
        database_resource_ids={"dev": "db-DEV", "prod": "db-PROD"},
    )
