"""The account's roles in the local AWS, applied once by Terraform."""

import pytest

from rehearsal.terraform import Terraform
from tests.support.account import apply_account
from tests.support.local_aws import LocalAws


@pytest.fixture(scope="session")
def account(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    return apply_account(tmp_path_factory.mktemp("account"), aws)
